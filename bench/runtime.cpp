// What does it cost to start and to end a runtime? By the clock on the wall: a user waits for it. Few iterations where a page is
// served: the server sleeps when it stops, at times for a second.
#include <benchmark/benchmark.h>

#include <apm/runtime.hpp>

#include "schema.hpp"

static void quiet(const char*) {}

static void runtime_alone(benchmark::State& state) {
    bench::telemetry.plain.add(1);
    for (auto _ : state) apm::runtime{{.metrics_exporter = "none", .on_error = quiet}};
}
static void runtime_serving(benchmark::State& state) {
    bench::telemetry.plain.add(1);
    for (auto _ : state) apm::runtime{{.prometheus = {.port = 0}, .on_error = quiet}};
}
BENCHMARK(runtime_alone)->UseRealTime();
BENCHMARK(runtime_serving)->Iterations(2)->UseRealTime();

BENCHMARK_MAIN();
