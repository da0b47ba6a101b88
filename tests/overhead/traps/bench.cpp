#include <thread>

#include <benchmark/benchmark.h>

#include "telemetry.hpp"

static void one(benchmark::State& state) {
    for (auto _ : state) traps::count();
}
BENCHMARK(one);

// More turns than it is asked for.
static void batch(benchmark::State& state) {
    while (state.KeepRunningBatch(1000))
        for (int i = 0; i < 1000; ++i) traps::count();
}
BENCHMARK(batch);

struct fixture : benchmark::Fixture {};
BENCHMARK_DEFINE_F(fixture, many)(benchmark::State& state) {
    for (auto _ : state)
        for (int i = 0; i < state.range(0); ++i) traps::count();
}
BENCHMARK_REGISTER_F(fixture, many)->Arg(10);

// Work is work, whatever does it.
static void another_thread(benchmark::State& state) {
    for (auto _ : state)
        std::thread([] {
            for (int i = 0; i < 1000; ++i) traps::count();
        }).join();
}
BENCHMARK(another_thread);

static void gives_up(benchmark::State& state) {
    state.SkipWithError("nothing to do");
    for (auto _ : state) traps::trace();
}
BENCHMARK(gives_up);

static void two_threads(benchmark::State& state) {
    for (auto _ : state) traps::count();
}
BENCHMARK(two_threads)->Threads(2);
