#include <benchmark/benchmark.h>

#include "till.hpp"

static void sell(benchmark::State& state) {
    unsigned article = 0;
    for (auto _ : state) benchmark::DoNotOptimize(till::sell(++article, article % 3 ? till::Payment::card : till::Payment::cash));
}
BENCHMARK(sell);

static void restock(benchmark::State& state) {
    for (auto _ : state) till::restock(1);
}
BENCHMARK(restock);
