// What does it cost where the fast path is left? So that it is never paid for by a slow one.
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>

#include "batch.hpp"
#include "schema.hpp"

namespace bench {

struct FullSchema : apm::schema<FullSchema> {
    static constexpr apm::scope scope{.name = "bench.full"};
    counter<Route> routes{this, "full.routes", "Full after one series", {.limit = 1}};
};
struct StarvedSchema : apm::schema<StarvedSchema> {
    static constexpr apm::scope scope{.name = "bench.starved"};
    counter<Order> orders{this, "starved.orders", "Has no memory of its own"};
};

}  // namespace bench

using namespace bench;
inline constexpr auto& full = apm::instruments<FullSchema>;
inline constexpr auto& starved = apm::instruments<StarvedSchema>;

BENCH(counter_add, telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}));
// A record whose series found no room: it is looked up, and counted in the overflow series.
static void overflow_series(benchmark::State& state) {
    full.routes.add(1, {.route = "/"});
    repeat(state, [](std::size_t) { full.routes.add(1, {.route = "/product/{name}"}); });
}
BENCHMARK(overflow_series);
// A thread that may hold no memory: every record is a call and a locked addition.
static void shared_fallback(benchmark::State& state) {
    apm::detail::process_root().thread_bytes.store(1);
    repeat(state, [](std::size_t) { starved.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}); });
    apm::detail::process_root().thread_bytes.store(0);
}
BENCHMARK(shared_fallback);
BENCH(refused_value, telemetry.score.record(std::numeric_limits<double>::quiet_NaN()));

// A thread's whole life, without and with its first record: attaching, and giving the block back.
static void thread_only(benchmark::State& state) {
    for (auto _ : state) std::thread([] {}).join();
}
static void thread_that_records(benchmark::State& state) {
    for (auto _ : state) std::thread([] { telemetry.plain.add(1); }).join();
}
BENCHMARK(thread_only)->UseRealTime();
BENCHMARK(thread_that_records)->UseRealTime();

BENCHMARK_MAIN();
