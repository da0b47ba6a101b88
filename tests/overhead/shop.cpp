// The shop's own functions, as its customers call them, in one process and without HTTP; the bank answers at once. With and
// without telemetry: the difference is what it costs to instrument a program like this one.
#include <benchmark/benchmark.h>

#include "../../examples/shop/bank.hpp"
#include "../../examples/shop/checkout.hpp"
#include "../../examples/shop/front.hpp"

namespace {

shop::Receipt place(const shop::Purchase& purchase) {
    static shop::Dice dice(7919);
    return shop::orders::check_out(purchase, [](const shop::Purchase& p) { return shop::payment::take_money(p, dice); });
}

shop::gateway::Front& front() {
    static shop::gateway::Front one(place);
    return one;
}

void answer(benchmark::State& state, const shop::gateway::Visitor& visitor) {
    for (auto _ : state) benchmark::DoNotOptimize(front().answer(visitor).status);
}

void page(benchmark::State& state) { answer(state, {shop::Verb::GET, "/", 1}); }
void product(benchmark::State& state) { answer(state, {shop::Verb::GET, "/product/coffee", 1}); }

void check_out(benchmark::State& state) {
    shop::payment::bank_answers_at_once = true;
    int items = 0;
    for (auto _ : state) {
        items = items % 5 + 1;
        benchmark::DoNotOptimize(place({.customer = 1, .items = items, .cents = 1249, .card = "4000 0000"}).cents);
    }
}

}  // namespace

BENCHMARK(page);
BENCHMARK(product);
BENCHMARK(check_out);

BENCHMARK_MAIN();
