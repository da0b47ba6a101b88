// What does a span cost? Beside it: the two reads of the clock that it cannot do without, and what others time with.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <apm/spans.hpp>

#include "batch.hpp"
#include "prometheus_cpp.hpp"
#include "schema.hpp"

using bench::telemetry;
using namespace std::chrono_literals;

namespace {

// As if the thread that exports had taken everything: the ring of this thread is empty again.
void forget() {
    apm::detail::ring& r = apm::detail::this_thread()->records;
    r.tail.store_release(r.head.load());
    r.said.store(0);
}

// Runs f again and again; the ring, which a busy thread fills in some 20 us, never becomes full.
template <class F>
[[gnu::always_inline]] inline void repeat(benchmark::State& state, F&& f) {
    int n = 0;
    for (auto _ : state) {
        f();
        benchmark::ClobberMemory();
        if (++n == 64) n = 0, forget();
    }
}

// So many spans around what is measured.
template <int Depth>
auto above() {
    std::vector<apm::scoped_span<decltype(bench::Schema::step)>> all;
    for (int i = 0; i < Depth; ++i) all.push_back(telemetry.step.scope());
    return all;
}

struct sampling {
    apm::sampling_rules rules;
    explicit sampling(const apm::sampling_rules& s) : rules(s) { apm::sample_with(rules); }
    ~sampling() { apm::sample_with(usual); }
    static constexpr apm::sampling_rules usual = apm::parent_based(apm::always_on);
};
struct tail_sampled {
    static constexpr apm::tail_rules errors{.errors = true}, none{};
    tail_sampled() { apm::tail_sample(errors); }
    ~tail_sampled() { apm::tail_sample(none); }
};
// A sampled span in another process, with what two vendors wrote beside it.
apm::context elsewhere() {
    constexpr std::string_view state = "ot=th:e666,dd=s:1;p:00f067aa0ba902b7;t.dm:-4,rojo=00f067aa0ba902b7,congo=t61rcW";
    apm::detail::shared_trace* const shared = apm::detail::make_shared_trace(state.size());
    shared->state_size = static_cast<std::uint32_t>(state.copy(shared->state(), state.size()));
    return {{1, ~std::uint64_t{0}}, 2, true, true, true, false, false, apm::detail::shared_trace_ref(shared)};
}
struct switched_off {
    switched_off() { apm::detail::process_root().gate.store(1); }
    ~switched_off() { apm::detail::process_root().gate.store(0); }
};

}  // namespace

#define SPAN_BENCH(name, before, ...)                                                     \
    static void name(benchmark::State& state) {                                           \
        before;                                                                           \
        repeat(state, [&]() __attribute__((always_inline)) { __VA_ARGS__; });             \
    }                                                                                     \
    BENCHMARK(name)

// --- the least there is -----------------------------------------------------------------------------------------------

SPAN_BENCH(two_clock_reads, apm::detail::root& root = apm::detail::process_root(); apm::detail::start_clock(root),
           benchmark::DoNotOptimize(apm::detail::ticks(root));
           benchmark::DoNotOptimize(apm::detail::ticks(root)));
SPAN_BENCH(two_steady_clock_reads, , benchmark::DoNotOptimize(std::chrono::steady_clock::now());
           benchmark::DoNotOptimize(std::chrono::steady_clock::now()));

// --- recorded ---------------------------------------------------------------------------------------------------------

SPAN_BENCH(span_root, , TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_child, const auto one = above<1>(), TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_child_10_deep, const auto nine = above<9>(), TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_3_attributes, const auto one = above<1>();
           std::string_view route = "/product/{name}"; benchmark::DoNotOptimize(route),
           TRACE_SCOPE(telemetry.visit, {.visitor = 7, .route = route, .share = 0.5}));
SPAN_BENCH(span_named_attribute, const auto one = above<1>(), TRACE_SCOPE(telemetry.step); apm::current_span().set("visitor", 7));
SPAN_BENCH(span_event, const auto one = above<1>(), TRACE_SCOPE(telemetry.step); apm::current_span().event("seen"));
SPAN_BENCH(span_root_probability, const sampling all(apm::probability(1)), TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_child_tracestate, const auto from = apm::attach(elsewhere()); const auto one = above<1>(),
           TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_quick_look, const auto one = above<1>(), TRACE_SCOPE("look"));
SPAN_BENCH(span_measured, const auto one = above<1>(), TRACE_SCOPE(telemetry.counted));

// --- not recorded -----------------------------------------------------------------------------------------------------

SPAN_BENCH(span_unsampled, const sampling none(apm::always_off); const auto one = above<1>(), TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_unsampled_3_attributes, const sampling none(apm::always_off); const auto one = above<1>(),
           TRACE_SCOPE(telemetry.visit, {.visitor = 7, .route = "/product/{name}", .share = 0.5}));
SPAN_BENCH(span_unsampled_root, const sampling none(apm::always_off), TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_tail_sampled, const sampling none(apm::always_off); const tail_sampled errors, TRACE_SCOPE(telemetry.step));
SPAN_BENCH(span_measured_unsampled, const sampling none(apm::always_off); const auto one = above<1>(),
           TRACE_SCOPE(telemetry.counted));
// Of half a nanosecond, the loop would be the larger part: so by the one of batch.hpp.
static void span_switched_off(benchmark::State& state) {
    const switched_off off;
    bench::repeat(state, [](std::size_t) __attribute__((always_inline)) { TRACE_SCOPE(telemetry.step); });
}
BENCHMARK(span_switched_off);

// --- others -----------------------------------------------------------------------------------------------------------

SPAN_BENCH(our_timer, , APM_TIME(telemetry.latency));
#ifdef BENCH_PROMETHEUS_CPP
// What people write who have histograms only: two reads of the clock and an observation.
SPAN_BENCH(prometheus_timer, auto& histogram = bench::latency(), const auto start = std::chrono::steady_clock::now();
           histogram.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
#endif

BENCHMARK_MAIN();
