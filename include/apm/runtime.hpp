// apm::runtime: starts the back ends, hands them snapshots, flushes at the end. Included by the one file that owns main.
//
//     int main() {
//         apm::runtime apm{{.service = {.name = "shop", .version = "1.4.0"}}};
//         ...
//     }   // flushed and stopped, within a deadline
//
// Environment variables override the options (runtime/options.hpp names them), so that an operator has the last word; only
// resource attributes given in code win over OTEL_RESOURCE_ATTRIBUTES, as OpenTelemetry's specification says. What cannot be
// done (a port in use, a setting nobody knows) is one line and a program that runs on.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/enabled.hpp>
#include <apm/runtime/control/remote_strategies.hpp>
#include <apm/runtime/control/thread.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/push_thread.hpp>
#include <apm/runtime/self.hpp>
#include <apm/runtime/settings.hpp>
#include <apm/runtime/settings/environment.hpp>
#include <apm/spans.hpp>
#if APM_SERVES_PROMETHEUS
#include <apm/backend/prometheus.hpp>
#include <apm/runtime/control/endpoint.hpp>
#endif
#if APM_WRITES_FILES
#include <apm/backend/file.hpp>
#endif
#if APM_WRITES_CONSOLE
#include <apm/backend/console.hpp>
#endif
#if APM_SENDS_OTLP
#include <apm/backend/otlp.hpp>
#endif

namespace apm::inline APM_ABI {

// Lines about errors go here, from any thread, until another handler is set; null: standard error. The process has one
// handler, which outlives the runtime that set it.
inline void on_error(void (*handler)(const char* line)) {
    detail::process_root().handler.publish(reinterpret_cast<const void*>(handler));
}

template <mode M>
class basic_runtime;

// The program's telemetry, from construction to destruction. One at a time: a second one says so and does nothing.
// Starts at most one thread of its own, and none where only pull back ends run (their servers have theirs); one more where a
// control file is watched or remote sampling polled.
// In a forked child: does not serve, does not wait for threads it does not have; push back ends export once at the end.
// A child that wants more than that constructs a runtime of its own, which takes over.
template <>
class basic_runtime<mode::on> {
public:
    // `own`: back ends of the program's own, which must outlive the runtime; one that does not honour its deadlines is still
    // being called when the runtime is gone, and must outlive the process.
    template <backend... B>
    explicit basic_runtime(const runtime_options& options = {}, B&... own) {
        start(options, {detail::any_backend::of(own)...});
    }
    basic_runtime(const basic_runtime&) = delete;
    basic_runtime& operator=(const basic_runtime&) = delete;
    ~basic_runtime() { stop(); }

    // False where it is switched off, or another one runs.
    [[nodiscard]] bool running() const { return running_; }

    // Exports now and waits for it; true where there is nothing to export to. False where an export failed or was not done
    // before the timeout (an hour at most).
    bool flush(std::chrono::milliseconds timeout);

    // The port of the page for Prometheus; 0 where none is served, such as in a forked child.
    [[nodiscard]] std::uint16_t prometheus_port() const;

    // The file for Perfetto or Chrome's viewer that spans are written to; empty where none is.
    [[nodiscard]] std::string trace_path() const { return trace_path_; }

    // Shows families of another library on that page (prometheus::also; backend/prometheus_cpp.hpp has one to give).
    // Nothing where no page is served.
    template <class Families>
    void show([[maybe_unused]] Families&& more) {
#if APM_SERVES_PROMETHEUS
        if (prometheus_) prometheus_->also(std::forward<Families>(more));
#endif
    }

private:
    void start(runtime_options options, std::vector<detail::any_backend> backends);
    void run(runtime_options& options, std::vector<detail::any_backend>& backends);
    void start_sampling(const runtime_options& options, const detail::settings& settings);
    void stop();
    bool push_here(deadline by);
    // One of our own, which lives until the runtime ends, or for good where it hangs beyond that.
    template <class B, class... Options>
    B& add(std::vector<detail::any_backend>& backends, const Options&... options) {
        auto made = std::make_shared<B>(options...);
        backends.insert(backends.begin(), detail::any_backend::of(*made));
        owned_.push_back(made);
        return *made;
    }
    void leave_behind(const detail::any_backend& b);
    // In a forked child: the parent was in a call of it, whose locks nobody will undo.
    [[nodiscard]] bool busy_at_fork(const detail::any_backend& b) const {
        if (getpid() == process_) return false;
        return !b.survives_forks && ((push_ && push_->busy(b)) || (b.flush && flushing_ > 0));
    }

    bool running_ = false;
    pid_t process_ = 0;
    std::chrono::milliseconds shutdown_timeout_{};
    std::vector<detail::any_backend> started_;
    std::optional<detail::push_thread> push_;
    std::atomic<unsigned> flushing_{0};  // threads in a back end's flush()
    std::optional<self_observation> self_;
    std::unique_ptr<detail::control_thread> control_;
    std::vector<std::shared_ptr<void>> owned_;
    std::string trace_path_;
    std::uint64_t dropped_before_ = 0, full_before_ = 0;  // spans, when it started
#if APM_SERVES_PROMETHEUS
    std::unique_ptr<prometheus> prometheus_;
#endif
};

template <>
class basic_runtime<mode::off> {
public:
    APM_INLINE constexpr basic_runtime() {}
    template <backend... B>
    APM_INLINE constexpr explicit basic_runtime(const runtime_options&, B&...) {}
    basic_runtime(const basic_runtime&) = delete;
    basic_runtime& operator=(const basic_runtime&) = delete;
    APM_INLINE constexpr ~basic_runtime() {}
    [[nodiscard]] APM_INLINE constexpr bool running() const { return false; }
    APM_INLINE constexpr bool flush(std::chrono::milliseconds) { return true; }
    [[nodiscard]] APM_INLINE constexpr std::uint16_t prometheus_port() const { return 0; }
    [[nodiscard]] APM_INLINE std::string trace_path() const { return {}; }
    template <class Families>
    APM_INLINE constexpr void show(Families&&) {}
};

using runtime = basic_runtime<APM_MODE>;

inline std::uint16_t basic_runtime<mode::on>::prometheus_port() const {
#if APM_SERVES_PROMETHEUS
    if (prometheus_ && getpid() == process_) return prometheus_->port();
#endif
    return 0;
}

inline void basic_runtime<mode::on>::start(runtime_options options, std::vector<detail::any_backend> backends) {
    detail::root& process = detail::process_root();
    const auto here = static_cast<std::uint64_t>(getpid());
    std::uint64_t other = process.runtimes.load();
    do {
        if (other != here) continue;  // nobody's, or one that a parent process left in our memory
        detail::report("a second apm::runtime (service \"%.*s\") does nothing while the first one lives; one program needs one",
                       static_cast<int>(options.service.name.size()), options.service.name.data());
        return;
    } while (!__atomic_compare_exchange_n(&process.runtimes.bits, &other, here, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    running_ = true;
    process_ = getpid();
    const span_totals before = count_spans();
    dropped_before_ = before.dropped(), full_before_ = before.dropped_full;
    // What throws here (there is no memory for it) costs the telemetry, not the program.
    const error failed = detail::guarded([&] { return run(options, backends), error{}; });
    detail::say("the runtime does not run", failed);
    if (!failed.empty() || process.disabled.load()) stop();
}

inline void basic_runtime<mode::on>::run(runtime_options& options, std::vector<detail::any_backend>& backends) {
    detail::root& process = detail::process_root();
    if (options.on_error) on_error(options.on_error);
    detail::settings settings(options);
    process.disabled.store(settings.disabled ? 1 : 0);
    if (settings.disabled) return detail::mute(detail::gate::muted_by_runtime, true);
    process.thread_bytes.store(options.bytes_per_thread);
    process.ring_bytes.store(options.ring_bytes);
    process.ring_limit.store(options.ring_limit);
    start_sampling(options, settings);
    detail::limit_spans(options.limits);
    shutdown_timeout_ = options.shutdown_timeout;
    self_.emplace();
    [[maybe_unused]] const control::state at_start = control::now<mode::on>();
    if (!options.control.token.empty() && (!settings.metrics.prometheus || options.prometheus.path == "/control"))
        detail::report("there is no /control: %s", settings.metrics.prometheus ? "it is the path of the page for Prometheus"
                                                                              : "it needs the page for Prometheus");
#if APM_SERVES_PROMETHEUS
    if (settings.metrics.prometheus) {
        prometheus_ = std::make_unique<prometheus>(options.prometheus);
        if (!options.control.token.empty()) prometheus_->serve_control(detail::control_page(options.control.token, at_start));
        backends.insert(backends.begin(), detail::any_backend::of(*prometheus_));
    }
#endif
#if APM_WRITES_FILES
    [[maybe_unused]] const file* files = settings.traces.file ? &add<file>(backends, options.file) : nullptr;
#endif
#if APM_SENDS_OTLP
    if (settings.traces.otlp || settings.metrics.otlp) add<otlp>(backends, options.otlp);
#endif
#if APM_WRITES_CONSOLE
    if (settings.traces.console) add<console>(backends);
#endif
    std::vector<detail::any_backend> pushing;
    bool spans_are_read = false;
    for (detail::any_backend& b : backends) {
        const error failed = b.start(b.self, settings.who);
        detail::say(b.name, failed);
        if (!failed.empty()) continue;
        if (b.choose) b.choose(b);
        started_.push_back(b);
        if (b.push || b.spans) pushing.push_back(b);
        spans_are_read = spans_are_read || b.spans;
    }
#if APM_WRITES_FILES
    for (const detail::any_backend& b : started_)
        if (b.self == files && options.file.chrome) trace_path_ = files->chrome_path();
#endif
    detail::mute(detail::gate::muted_by_runtime, !spans_are_read);  // a span that nobody will see is not recorded
    push_.emplace(pushing, detail::push_pace{options.span_interval, options.span_timeout, options.metric_timeout});
    if (!options.control.file.empty() || !settings.sampling.endpoint.empty())
        control_ = std::make_unique<detail::control_thread>(options.control.file, settings.sampling, settings.service,
                                                            options.otlp, at_start);
}

inline void basic_runtime<mode::on>::start_sampling(const runtime_options& options, const detail::settings& settings) {
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

inline bool basic_runtime<mode::on>::flush(std::chrono::milliseconds timeout) {
    if (!running_) return true;
    const auto wait = std::clamp<std::chrono::milliseconds>(timeout, {}, std::chrono::hours(1));
    const deadline by = std::chrono::steady_clock::now() + wait;
    const bool child = getpid() != process_;
    if (!child && push_->is_this_thread()) return false;  // a back end's own call cannot wait for itself
    bool all = child ? push_here(by) : push_->flush(by);
    // What back ends keep is delivered while the one thread goes on reading the rings.
    if (!child) ++flushing_;
    for (const detail::any_backend& b : started_)
        if (b.flush && !busy_at_fork(b)) all = b.flush(b.self, by) && all;
    if (!child) --flushing_;
    return all;
}

// In a forked child, which does not have the thread that pushes. A back end that was at work while the process forked stays
// as it was, its locks included, so it is not to be touched.
inline bool basic_runtime<mode::on>::push_here(deadline by) {
    std::vector<detail::any_backend> spanned;
    bool skipped = false;
    for (const detail::any_backend& b : started_) {
        const bool busy = busy_at_fork(b);
        if (b.spans && !busy) spanned.push_back(b);
        skipped = skipped || busy;
    }
    const auto call = [](const detail::any_backend& b, auto&& f) {
        const error failed = f();
        detail::say(b.name, failed);
        return failed.empty();
    };
    // Where there is nobody to take them, spans stay in the rings.
    bool all = !skipped && (spanned.empty() || detail::deliver_spans(spanned, by, call, [] { return true; }));
    if (skipped && !spanned.empty()) detail::deliver_spans(spanned, by, call, [] { return true; });
    for (const detail::any_backend& b : started_) {
        if (!b.push || busy_at_fork(b)) continue;
        all = call(b, [&] { return b.push(b.self, by); }) && all;
    }
    return all;
}

// It is being called (or, in a forked child, was when the process forked): not even its destructor may run.
inline void basic_runtime<mode::on>::leave_behind(const detail::any_backend& b) {
    static auto& for_good = *new std::vector<std::shared_ptr<void>>;  // still pointed at, so no leak
    for (const std::shared_ptr<void>& own : owned_)
        if (own.get() == b.self) for_good.push_back(own);
}

inline void basic_runtime<mode::on>::stop() {
    if (!running_) return;
    const deadline by = std::chrono::steady_clock::now() + shutdown_timeout_;
    detail::cell& runtimes = detail::process_root().runtimes;
    const auto here = static_cast<std::uint64_t>(getpid());
    const bool child = getpid() != process_;
    const bool replaced = child && runtimes.load() == here;  // the child has a runtime of its own
    if (child && control_) control_->abandon();
    control_.reset();
    if (child) {
        if (push_) push_->abandon();
        if (!replaced) push_here(by);
    } else if (push_ && !push_->stop(by)) {
        detail::report("the last export was not done within %lld ms; what was not sent is lost",
                       static_cast<long long>(shutdown_timeout_.count()));
    }
    for (const detail::any_backend& b : started_) {
        if ((push_ && push_->busy(b)) || busy_at_fork(b)) leave_behind(b);
        else detail::say(b.name, b.stop(b.self, by));
    }
#if APM_SERVES_PROMETHEUS
    // A thread that served may have been at work on it when the process forked: not even its destructor can be called.
    [[maybe_unused]] static prometheus* inherited = nullptr;  // still pointed at, so no leak
    if (child) inherited = prometheus_.release();
#endif
    const span_totals all = count_spans();
    if (!child && all.dropped() > dropped_before_)
        detail::report("%llu spans were dropped, %llu of them because their thread's ring was full: see APM_RING_BYTES",
                       static_cast<unsigned long long>(all.dropped() - dropped_before_),
                       static_cast<unsigned long long>(all.dropped_full - full_before_));
    self_.reset();
    running_ = false;
    if (!detail::process_root().disabled.load()) detail::mute(detail::gate::muted_by_runtime, false);  // for whoever reads next
    if (!replaced) runtimes.store_release(0);
}

}  // namespace apm::inline APM_ABI
