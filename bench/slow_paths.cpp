// What do the paths off the hot one cost? Each beside the hot path that it was meant to be.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <apm/apm.hpp>
#include <apm/runtime.hpp>

#include "batch.hpp"
#include "schema.hpp"
#include "values.hpp"

using namespace bench;

namespace slow {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "slow"};
    counter<Route> full{this, "slow.full", "More routes than fit", {.limit = 16}};
    counter<Route> at_limit{this, "slow.at_limit", "As many routes as fit", {.limit = 2000}};
    counter<Route> growing{this, "slow.growing", "A new route each time", {.limit = 1u << 20}};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

// Of a schema of its own: the only one that gets no memory.
struct Poor : apm::schema<Poor> {
    static constexpr apm::scope scope{.name = "poor"};
    counter<Order> orders{this, "poor.orders", "Two closed labels"};
    counter<Route> routes{this, "poor.routes", "An open label"};
};
inline constexpr auto& poor = apm::instruments<Poor>;

// Of a schema of their own, which is small: what a thread pays when it first records.
struct Fresh : apm::schema<Fresh> {
    static constexpr apm::scope scope{.name = "fresh"};
    counter<> ticks{this, "fresh.ticks", "No labels"};
};
inline constexpr auto& fresh = apm::instruments<Fresh>;

}  // namespace slow

static std::vector<std::string> numbered(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("/product/" + std::to_string(i));
    return names;
}
static const std::vector<std::string> many = numbered(2'000);
static void quiet(const char*) {}  // the lines that say so are not what is measured

// --- series -----------------------------------------------------------------------------------------------------------

BENCH(counter_add_text, telemetry.routes.add(1, {.route = routes[i]}));

static void counter_add_overflow(benchmark::State& state) {
    apm::on_error(quiet);
    for (std::size_t i = 0; i < 16; ++i) slow::telemetry.full.add(1, {.route = "/" + std::to_string(i)});
    repeat(state, [&](std::size_t i) { slow::telemetry.full.add(1, {.route = routes[i]}); });
}
static void counter_add_text_at_limit(benchmark::State& state) {
    for (const std::string& name : many) slow::telemetry.at_limit.add(1, {.route = name});
    repeat(state, [&](std::size_t i) { slow::telemetry.at_limit.add(1, {.route = many[i]}); });
}
// Admission: the first record of a series. Sixteen repetitions of this many fit the row's limit.
static void counter_add_new_series(benchmark::State& state) {
    static std::uint32_t next = 0;
    repeat(state, [](std::size_t) {
        char name[] = "/new/........";
        const std::uint32_t n = next++;
        for (std::size_t digit = 0; digit < 8; ++digit) name[5 + digit] = "0123456789abcdef"[n >> 4 * digit & 15];
        slow::telemetry.growing.add(1, {.route = name});
    });
}
BENCHMARK(counter_add_overflow);
BENCHMARK(counter_add_text_at_limit);
BENCHMARK(counter_add_new_series)->Iterations(65'536);

// --- a thread that may hold no memory: its records go to a block that all such threads share --------------------------

BENCH(counter_add_constant_labels, telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}));

// The limit outlives the runtime that set it.
static void limit_thread_to(std::uint64_t bytes) {
    const apm::runtime setting{{.metrics_exporter = "none", .bytes_per_thread = bytes, .on_error = quiet}};
}
static void counter_add_shared_block(benchmark::State& state) {
    limit_thread_to(1);
    repeat(state, [](std::size_t) { slow::poor.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}); });
    limit_thread_to(0);
}
static void counter_add_text_shared_block(benchmark::State& state) {
    limit_thread_to(1);
    repeat(state, [](std::size_t i) { slow::poor.routes.add(1, {.route = routes[i]}); });
    limit_thread_to(0);
}
BENCHMARK(counter_add_shared_block);
BENCHMARK(counter_add_text_shared_block);

// --- values that a row rejects ----------------------------------------------------------------------------------------

BENCH(histogram_record_double, telemetry.score.record(seconds[i]));

static void histogram_record_nan(benchmark::State& state) {
    double nan = std::numeric_limits<double>::quiet_NaN();
    benchmark::DoNotOptimize(nan);
    repeat(state, [nan](std::size_t) { telemetry.score.record(nan); });
}
static void histogram_record_negative_time(benchmark::State& state) {
    auto time = std::chrono::nanoseconds(-1);
    benchmark::DoNotOptimize(time);
    repeat(state, [time](std::size_t) { telemetry.latency.record(time); });
}
BENCHMARK(histogram_record_nan);
BENCHMARK(histogram_record_negative_time);

// --- threads ----------------------------------------------------------------------------------------------------------

static void thread_that_records_nothing(benchmark::State& state) {
    for (auto _ : state) std::thread([] {}).join();
}
static void thread_that_records_once(benchmark::State& state) {
    for (auto _ : state) std::thread([] { slow::fresh.ticks.add(1); }).join();
}
// By the process' clock: what the other thread does is what is measured.
BENCHMARK(thread_that_records_nothing)->MeasureProcessCPUTime();
BENCHMARK(thread_that_records_once)->MeasureProcessCPUTime();

BENCHMARK_MAIN();
