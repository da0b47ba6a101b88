// What does it cost to record one value? Beside it: the bare additions that nothing can beat, and prometheus-cpp.
#include <atomic>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include "batch.hpp"
#include "prometheus_cpp.hpp"
#include "schema.hpp"
#include "values.hpp"

using namespace bench;

// --- the bare additions -----------------------------------------------------------------------------------------------

namespace bench {
// Not static: the compiler has to expect that other code reads them.
constinit thread_local std::uint64_t raw;
constinit thread_local std::uint64_t raw_by_labels[6];
constinit std::uint64_t raw_at;
constinit std::atomic<std::uint64_t> shared;
}  // namespace bench

BENCH(raw_add, ++raw);
BENCH(raw_add_by_labels, ++raw_by_labels[static_cast<unsigned>(methods[i]) * 2 + static_cast<unsigned>(outcomes[i])]);
BENCH(shared_add, shared.fetch_add(1, std::memory_order_relaxed));
// The least there is: the address in a register. (`raw` is reached through a segment register, which keeps some processors
// from forwarding one addition's store to the next one's load; then it takes several times as long as this.)
static void raw_add_by_pointer(benchmark::State& state) {
    std::uint64_t* at = &raw_at;
    benchmark::DoNotOptimize(at);
    repeat(state, [at](std::size_t) { ++*at; });
}
BENCHMARK(raw_add_by_pointer);

// --- counters ---------------------------------------------------------------------------------------------------------

BENCH(counter_add, telemetry.plain.add(1));
BENCH(counter_add_amount, telemetry.plain.add(amounts[i]));
BENCH(counter_add_constant_labels, telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}));
BENCH(counter_add_labels, telemetry.orders.add(1, {.method = methods[i], .outcome = outcomes[i]}));
BENCH(counter_add_double, telemetry.revenue.add(prices[i], {.method = methods[i], .outcome = outcomes[i]}));
BENCH(counter_add_time, telemetry.busy.add(times[i], {.method = methods[i], .outcome = outcomes[i]}));
BENCH(counter_add_wide_label, telemetry.statuses.add(1, {.status = 200 + amounts[i]}));
BENCH(counter_add_constant_text, telemetry.routes.add(1, {.route = "/product/{name}"}));
BENCH(counter_add_text, telemetry.routes.add(1, {.route = routes[i]}));
BENCH(counter_add_text_and_labels, telemetry.answers.add(1, {.route = routes[i], .method = methods[i], .outcome = outcomes[i]}));

static void counter_add_bound(benchmark::State& state) {
    const auto series = telemetry.orders.with({.method = Method::card, .outcome = Outcome::ok});
    benchmark::DoNotOptimize(series);
    repeat(state, [&](std::size_t) { series.add(1); });
}
static void counter_add_bound_text(benchmark::State& state) {
    const auto series = telemetry.routes.with({.route = "/product/{name}"});
    benchmark::DoNotOptimize(series);
    repeat(state, [&](std::size_t) { series.add(1); });
}
BENCHMARK(counter_add_bound);
BENCHMARK(counter_add_bound_text);

// --- updown, gauge ----------------------------------------------------------------------------------------------------

BENCH(updown_add, telemetry.in_flight.add(amounts[i]));
BENCH(gauge_set, telemetry.level.set(amounts[i]));

// --- histograms -------------------------------------------------------------------------------------------------------

BENCH(histogram_record, telemetry.latency.record(times[i]));
BENCH(histogram_record_labels, telemetry.checkout.record(times[i], {.method = methods[i], .outcome = outcomes[i]}));
BENCH(histogram_record_double, telemetry.score.record(seconds[i]));
BENCH(histogram_record_base2, telemetry.base2.record(times[i]));

static void histogram_record_bound(benchmark::State& state) {
    const auto series = telemetry.checkout.with({.method = Method::card, .outcome = Outcome::ok});
    benchmark::DoNotOptimize(series);
    repeat(state, [&](std::size_t i) { series.record(times[i]); });
}
BENCHMARK(histogram_record_bound);

// --- prometheus-cpp ---------------------------------------------------------------------------------------------------

#if BENCH_PROMETHEUS_CPP
static auto& family = orders();
static auto& kept = family.Add({{"method", "paypal"}, {"outcome", "ok"}});
static auto& histogram = latency();
static const std::string method_names[] = {"card", "paypal", "cash"}, outcome_names[] = {"ok", "declined"};

BENCH(prometheus_counter_kept, kept.Increment());
BENCH(prometheus_counter_constant_labels, family.Add({{"method", "card"}, {"outcome", "ok"}}).Increment());
BENCH(prometheus_counter_labels, family.Add({{"method", method_names[static_cast<unsigned>(methods[i])]},
                                             {"outcome", outcome_names[static_cast<unsigned>(outcomes[i])]}}).Increment());
BENCH(prometheus_histogram, histogram.Observe(seconds[i]));
#endif

BENCHMARK_MAIN();
