// LTTng-UST: what bench/spans.cpp records, as pairs of tracepoints. Whether they are switched on is decided from outside, by a
// session (tools/lib/bench_lttng.py); a case that was meant for the other state fails, and is left out.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "peer_lttng.hpp"

#include <cstddef>

#include <benchmark/benchmark.h>

#include "batch.hpp"

namespace {

void expect(benchmark::State& state, bool enabled) {
    if (bool(lttng_ust_tracepoint_enabled(apm_bench, step_begin)) != enabled) state.SkipWithError("not in this session");
}

[[gnu::always_inline]] inline void step() {
    lttng_ust_tracepoint(apm_bench, step_begin);
    lttng_ust_tracepoint(apm_bench, step_end);
}
[[gnu::always_inline]] inline void visit(const char* route) {
    lttng_ust_tracepoint(apm_bench, visit_begin, 7, route, 0.5);
    lttng_ust_tracepoint(apm_bench, visit_end);
}

void lttng_off(benchmark::State& state) {
    expect(state, false);
    bench::repeat(state, [](std::size_t) __attribute__((always_inline)) { step(); });
}
void lttng(benchmark::State& state) {
    expect(state, true);
    bench::repeat(state, [](std::size_t) __attribute__((always_inline)) { step(); });
}
void lttng_3_attributes(benchmark::State& state) {
    expect(state, true);
    const char* route = "/product/{name}";
    benchmark::DoNotOptimize(route);
    bench::repeat(state, [route](std::size_t) __attribute__((always_inline)) { visit(route); });
}
BENCHMARK(lttng_off);
BENCHMARK(lttng);
BENCHMARK(lttng_3_attributes);

}  // namespace
