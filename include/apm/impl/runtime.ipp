// The runtime: what apm::runtime does, and the table of back ends that come with apm. Compiled once into the library behind
// CMake's target apm::runtime, with APM_BACKEND_<NAME>=1 for each back end that is in it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/preprocessor/control/iif.hpp>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/detail/guarded.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/throttle.hpp>
#include <apm/runtime.hpp>
#include <apm/runtime/any_backend.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/remote_source.hpp>
#include <apm/runtime/control/remote_strategies.hpp>
#include <apm/runtime/control/thread.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/push_thread.hpp>
#include <apm/runtime/self.hpp>
#include <apm/runtime/settings.hpp>
#include <apm/spans.hpp>

#ifndef APM_BACKEND_OTLP
#define APM_BACKEND_OTLP 0
#endif
#ifndef APM_BACKEND_PROMETHEUS
#define APM_BACKEND_PROMETHEUS 0
#endif
#ifndef APM_BACKEND_FILE
#define APM_BACKEND_FILE 0
#endif
#ifndef APM_BACKEND_CONSOLE
#define APM_BACKEND_CONSOLE 0
#endif

namespace apm::inline APM_ABI {

// --- the back ends that come with apm ---------------------------------------------------------------------------------

namespace detail {

using builtin_made = std::shared_ptr<builtin_backend>;
builtin_made make_otlp(const runtime_options&, const control::state&);        // otlp.ipp
builtin_made make_prometheus(const runtime_options&, const control::state&);  // prometheus.ipp
builtin_made make_file(const runtime_options&, const control::state&);        // file.ipp
builtin_made make_console(const runtime_options&, const control::state&);     // console.ipp
std::unique_ptr<remote_source> make_remote_poll(const remote_sampling&, std::string_view, const otlp_options&);  // otlp.ipp

#define APM_DETAIL_IN_BUILD(option, what) BOOST_PP_IIF(APM_BACKEND_##option, what, nullptr)

std::span<const builtin> builtins() {
    static constexpr builtin all[] = {
        // name        option        traces metrics  made by
        {"otlp",       "OTLP",       true,  true,    APM_DETAIL_IN_BUILD(OTLP, make_otlp)},
        {"prometheus", "PROMETHEUS", false, true,    APM_DETAIL_IN_BUILD(PROMETHEUS, make_prometheus)},
        {"file",       "FILE",       true,  false,   APM_DETAIL_IN_BUILD(FILE, make_file)},
        {"console",    "CONSOLE",    true,  false,   APM_DETAIL_IN_BUILD(CONSOLE, make_console)},
    };
    return all;
}

std::unique_ptr<remote_source> open_remote_source([[maybe_unused]] const remote_sampling& how,
                                                  [[maybe_unused]] std::string_view service,
                                                  [[maybe_unused]] const otlp_options& proxies) {
    return APM_DETAIL_IN_BUILD(OTLP, (make_remote_poll(how, service, proxies)));
}

}  // namespace detail

// --- a runtime's life -------------------------------------------------------------------------------------------------

struct basic_runtime<mode::on>::state {
    pid_t process = getpid();
    std::chrono::milliseconds shutdown_timeout{};
    std::vector<detail::any_backend> started;
    std::optional<detail::push_thread> push;
    std::atomic<unsigned> flushing{0};  // threads in a back end's flush()
    std::optional<detail::self_observation> self;
    std::unique_ptr<detail::control_thread> control;
    std::vector<detail::builtin_made> ours;
    std::string trace_path;
    detail::throttle lines;  // in a forked child, which calls back ends itself
    std::uint64_t dropped_before = 0, full_before = 0;  // spans, when it started

    state() {
        const span_totals before = count_spans();
        dropped_before = before.dropped(), full_before = before.dropped_full;
    }

    [[nodiscard]] bool in_child() const { return getpid() != process; }
    void run(runtime_options options, std::vector<detail::any_backend> own);
    void start_sampling(const runtime_options& options, const detail::settings& settings);
    bool start_backends(const detail::settings& settings, const std::vector<detail::any_backend>& all);
    bool flush(std::chrono::milliseconds timeout);
    static bool flush_one(const detail::any_backend& b, deadline by) {
        bool all = false;
        return detail::guarded([&] { return all = b.flush(b.self, by), error{}; }).empty() && all;
    }
    bool push_here(deadline by);
    void end();
    void stop();
    // In a forked child: the parent was in a call of it, whose locks are never released here.
    [[nodiscard]] bool busy_at_fork(const detail::any_backend& b) const {
        return in_child() && !b.survives_forks && ((push && push->busy(b)) || (b.flush && flushing > 0));
    }
    [[nodiscard]] const detail::builtin_backend* first_of_ours(auto&& has) const {
        const auto at = std::ranges::find_if(ours, [&has](const detail::builtin_made& b) { return has(*b); });
        return at == ours.end() ? nullptr : at->get();
    }
};

basic_runtime<mode::on>::basic_runtime(const runtime_options& options, std::vector<detail::any_backend> own) {
    detail::root& process = detail::process_root();
    const auto here = static_cast<std::uint64_t>(getpid());
    std::uint64_t other = process.runtimes.load();
    do {
        if (other != here) continue;  // none, or one that a parent process left in our memory
        detail::report("a second apm::runtime (service \"%.*s\") does nothing while the first one lives; one program needs one",
                       static_cast<int>(options.service.name.size()), options.service.name.data());
        return;
    } while (!__atomic_compare_exchange_n(&process.runtimes.bits, &other, here, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    // What throws here (there is no memory for it) costs the telemetry, not the program.
    const error failed = detail::guarded([&] {
        state_ = std::make_unique<state>();
        state_->run(options, std::move(own));
        return error{};
    });
    detail::say("the runtime does not run", failed);
    if (failed.empty() && !process.disabled.load()) return;
    if (state_) state_->end();
    else process.runtimes.store_release(0);
    state_.reset();
}

void basic_runtime<mode::on>::state::run(runtime_options options, std::vector<detail::any_backend> own) {
    detail::root& root = detail::process_root();
    if (options.on_error) on_error(options.on_error);
    const detail::settings settings(options);
    root.disabled.store(settings.disabled ? 1 : 0);
    if (settings.disabled) return detail::mute(detail::gate::muted_by_runtime, true);
    root.thread_bytes.store(options.bytes_per_thread);
    root.ring_bytes.store(options.ring_bytes);
    root.ring_limit.store(options.ring_limit);
    start_sampling(options, settings);
    detail::limit_spans(options.limits);
    shutdown_timeout = options.shutdown_timeout;
    self.emplace();
    const bool endpoint = settings.metrics.has("prometheus");
    if (!options.control.token.empty() && (!endpoint || options.prometheus.path == "/control"))
        detail::report("there is no /control: %s", endpoint ? "it is the path of the metrics endpoint"
                                                            : "it needs the Prometheus endpoint");
    const control::state at_start = control::now<mode::on>();
    const auto table = detail::builtins();
    for (auto b = table.rbegin(); b != table.rend(); ++b)  // the first, which waits for the network, stops last
        if (settings.traces.has(*b) || settings.metrics.has(*b)) ours.push_back(b->make(options, at_start));
    std::vector<detail::any_backend> all;
    for (const detail::builtin_made& b : ours) all.push_back(b->calls);
    all.insert(all.end(), own.begin(), own.end());
    const bool spans_are_read = start_backends(settings, all);
    detail::mute(detail::gate::muted_by_runtime, !spans_are_read);  // a span without a reader is not recorded
    std::vector<detail::any_backend> pushing;
    for (const detail::any_backend& b : started)
        if (b.push || b.spans) pushing.push_back(b);
    push.emplace(pushing, detail::push_pace{options.span_interval, options.span_timeout, options.metric_timeout});
    if (!options.control.file.empty() || !settings.sampling.endpoint.empty())
        control = std::make_unique<detail::control_thread>(options.control.file, settings.sampling, settings.service,
                                                           options.otlp, at_start);
}

// True where one takes spans.
bool basic_runtime<mode::on>::state::start_backends(const detail::settings& settings,
                                                    const std::vector<detail::any_backend>& all) {
    bool takes_spans = false;
    started.reserve(all.size());  // one that started is stopped, whatever happens then
    for (detail::any_backend b : all) {
        error failed = detail::guarded([&] { return b.start(b.self, settings.who); });
        if (failed.empty() && b.select_signals) {
            failed = detail::guarded([&] { return b.select_signals(b), error{}; });
            if (!failed.empty()) static_cast<void>(b.stop(b.self, std::chrono::steady_clock::now() + shutdown_timeout));
        }
        detail::say(b.name, failed);
        if (!failed.empty()) continue;
        takes_spans = takes_spans || b.spans;
        started.push_back(std::move(b));
    }
    for (const detail::builtin_made& own : ours)
        for (const detail::any_backend& b : started)
            if (b.self == own->calls.self && trace_path.empty()) trace_path = own->trace_path();
    return takes_spans;
}

void basic_runtime<mode::on>::state::start_sampling(const runtime_options& options, const detail::settings& settings) {
    sampling_rules rules = options.sampler;
    if (!settings.sampling.endpoint.empty()) {
        auto& jaeger = detail::remote_sampler::get();
        jaeger.follow({.root = probability(settings.sampling.initial_rate)});
        rules = settings.sampling.parent_based ? parent_based(jaeger.as_sampler()) : sampling_rules(jaeger.as_sampler());
    }
    detail::start_sampling(rules);
    control::tail_sample<mode::on>(detail::rules_of(options.tail_sampling));
    control::max_level<mode::on>(static_cast<int>(std::min<std::uint32_t>(options.max_level, control::every_level)));
    detail::use(settings.propagation);
}

bool basic_runtime<mode::on>::state::flush(std::chrono::milliseconds timeout) {
    const auto wait = std::clamp<std::chrono::milliseconds>(timeout, {}, std::chrono::hours(1));
    const deadline by = std::chrono::steady_clock::now() + wait;
    const bool child = in_child();
    if (!child && push->is_this_thread()) return false;  // a back end's own call cannot wait for itself
    bool all = child ? push_here(by) : push->flush(by);
    // What back ends keep is delivered while the one thread goes on reading the rings.
    if (!child) ++flushing;
    for (const detail::any_backend& b : started)
        if (b.flush && !busy_at_fork(b)) all = flush_one(b, by) && all;
    if (!child) --flushing;
    return all;
}

// In a forked child, which does not have the thread that pushes. A back end that was at work while the process forked stays
// as it was, its locks included, so it is not to be touched.
bool basic_runtime<mode::on>::state::push_here(deadline by) {
    std::vector<detail::any_backend> span_backends;
    bool skipped = false;
    for (const detail::any_backend& b : started) {
        const bool busy = busy_at_fork(b);
        if (b.spans && !busy) span_backends.push_back(b);
        skipped = skipped || busy;
    }
    const auto call = [this](const detail::any_backend& b, auto&& f) {
        const error failed = detail::guarded(f);
        detail::say(lines, b.name, failed);
        return failed.empty();
    };
    // Without a back end that takes them, spans stay in the rings.
    bool all = !skipped && (span_backends.empty() || detail::deliver_spans(span_backends, by, lines, call, [] { return true; }));
    if (skipped && !span_backends.empty()) detail::deliver_spans(span_backends, by, lines, call, [] { return true; });
    for (const detail::any_backend& b : started) {
        if (!b.push || busy_at_fork(b)) continue;
        all = call(b, [&] { return b.push(b.self, by); }) && all;
    }
    return all;
}

void basic_runtime<mode::on>::state::stop() {
    const deadline by = std::chrono::steady_clock::now() + shutdown_timeout;
    const bool child = in_child();
    const auto here = static_cast<std::uint64_t>(getpid());
    const bool replaced = child && detail::process_root().runtimes.load() == here;  // the child has a runtime of its own
    if (child && control) control->abandon();
    control.reset();
    if (child) {
        if (push) push->abandon();
        if (!replaced) push_here(by);
    } else if (push && !push->stop(by)) {
        detail::report("the last export was not done within %lld ms; what was not sent is lost",
                       static_cast<long long>(shutdown_timeout.count()));
    }
    // A back end that is still being called is left as it is; so is, in a forked child, one whose locks its parent may have held.
    const auto leave_behind = [&](const detail::any_backend& b, bool for_its_threads) {
        static auto& left = *new std::vector<detail::builtin_made>;  // still pointed at, so no leak
        for (const detail::builtin_made& own : ours)
            if (own->calls.self == b.self && (!for_its_threads || own->has_threads())) left.push_back(own);
    };
    for (const detail::any_backend& b : started) {
        if ((push && push->busy(b)) || busy_at_fork(b)) {
            leave_behind(b, false);
            continue;
        }
        detail::say(b.name, detail::guarded([&] { return b.stop(b.self, by); }));
        if (child) leave_behind(b, true);
    }
    const span_totals all = count_spans();
    if (!child && all.dropped() > dropped_before)
        detail::report("%llu spans were dropped, %llu of them because their thread's ring was full: see APM_RING_BYTES",
                       static_cast<unsigned long long>(all.dropped() - dropped_before),
                       static_cast<unsigned long long>(all.dropped_full - full_before));
    self.reset();
    if (!detail::process_root().disabled.load()) detail::mute(detail::gate::muted_by_runtime, false);  // for the next reader
}

// Whatever throws: the next runtime can start.
void basic_runtime<mode::on>::state::end() {
    detail::cell& runtimes = detail::process_root().runtimes;
    const bool mine = !in_child() || runtimes.load() != static_cast<std::uint64_t>(getpid());  // else it is the child's own
    detail::say("the runtime does not stop in good order", detail::guarded([this] { return stop(), error{}; }));
    if (mine) runtimes.store_release(0);
}

// --- what a program calls ---------------------------------------------------------------------------------------------

basic_runtime<mode::on>::~basic_runtime() {
    if (state_) state_->end();
}

bool basic_runtime<mode::on>::running() const { return state_ != nullptr; }

bool basic_runtime<mode::on>::flush(std::chrono::milliseconds timeout) { return !state_ || state_->flush(timeout); }

std::uint16_t basic_runtime<mode::on>::prometheus_port() const {
    if (!state_ || state_->in_child()) return 0;
    const auto* const b = state_->first_of_ours([](const detail::builtin_backend& x) { return x.port() != 0; });
    return b ? b->port() : std::uint16_t{0};
}

std::string basic_runtime<mode::on>::trace_path() const {
    return state_ ? state_->trace_path : std::string();
}

void basic_runtime<mode::on>::show(other_families more) {
    if (!state_) return;
    for (const detail::builtin_made& b : state_->ours) b->show(more);
}

}  // namespace apm::inline APM_ABI
