// Do threads slow one another down? Each case on one thread and on two, all recording into one series.
// Google Benchmark's time per iteration is wall time over the iterations of all threads: two threads that do not disturb
// each other show half the time of one.
#include <atomic>
#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "batch.hpp"
#include "schema.hpp"
#if __has_include(<prometheus/registry.h>)
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#endif

using namespace bench;

static std::atomic<std::uint64_t> shared_word;

BENCH(shared_add, shared_word.fetch_add(1, std::memory_order_relaxed))->Threads(1)->Threads(2)->UseRealTime();
BENCH(counter_add, telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}))->Threads(1)->Threads(2)->UseRealTime();
BENCH(counter_add_text, telemetry.routes.add(1, {.route = "/product/{name}"}))->Threads(1)->Threads(2)->UseRealTime();
BENCH(histogram_record, telemetry.latency.record(std::chrono::milliseconds(20)))->Threads(1)->Threads(2)->UseRealTime();

#if __has_include(<prometheus/registry.h>)
static prometheus::Registry registry;
static auto& kept = prometheus::BuildCounter().Name("orders").Help("Orders").Register(registry).Add({{"method", "card"}});
BENCH(prometheus_counter_kept, kept.Increment())->Threads(1)->Threads(2)->UseRealTime();
#endif

BENCHMARK_MAIN();
