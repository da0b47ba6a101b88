// Tracy: a zone, which it keeps until a server connects; hence the fixed number. Built with TRACY_ON_DEMAND it would keep none.
#ifndef TRACY_ENABLE
#define TRACY_ENABLE
#endif
#include <tracy/Tracy.hpp>

#include <benchmark/benchmark.h>

static void tracy_zone(benchmark::State& state) {
#ifdef TRACY_ON_DEMAND
    state.SkipWithError("this Tracy records on demand only");
#endif
    for (auto _ : state) {
        ZoneScopedN("step");
        benchmark::ClobberMemory();
    }
}
BENCHMARK(tracy_zone)->Iterations(100'000);
