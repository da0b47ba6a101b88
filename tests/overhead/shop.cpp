// The shop's own functions, as its customers call them; the bank answers at once. What they cost with and without telemetry is
// what somebody pays who instruments a program like this one.
#include <benchmark/benchmark.h>

#include "../../examples/shop/front.hpp"

namespace {

shop::Front& front() {
    static shop::Front one;
    return one;
}

void answer(benchmark::State& state, const shop::Call& call) {
    shop::Dice dice(7919);
    for (auto _ : state) benchmark::DoNotOptimize(front().answer(call, dice).status);
}

void page(benchmark::State& state) { answer(state, {shop::Verb::GET, "/", 1}); }
void product(benchmark::State& state) { answer(state, {shop::Verb::GET, "/product/coffee", 1}); }

void check_out(benchmark::State& state) {
    shop::bank_answers_at_once = true;
    shop::Dice dice(7919);
    int items = 0;
    for (auto _ : state) {
        items = items % 5 + 1;
        const shop::Basket basket{.cents = 1249, .items = items};
        benchmark::DoNotOptimize(shop::check_out(1, basket, shop::Method::card, "4000 0000", dice).cents);
    }
}

}  // namespace

BENCHMARK(page);
BENCHMARK(product);
BENCHMARK(check_out);

BENCHMARK_MAIN();
