// What do two threads that record the same series cost each other? What is reported is the time of one record, by whichever
// thread: half of one thread's where neither disturbs the other.
#include <atomic>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "batch.hpp"
#include "prometheus_cpp.hpp"
#include "schema.hpp"
#include "values.hpp"

using namespace bench;

namespace bench {
constinit std::atomic<std::uint64_t> shared;
}  // namespace bench

#define BENCH_THREADS(name, ...) BENCH(name, __VA_ARGS__)->Threads(1)->Threads(2)->UseRealTime()

BENCH_THREADS(counter_add, telemetry.plain.add(1));
BENCH_THREADS(counter_add_labels, telemetry.orders.add(1, {.method = methods[i], .outcome = outcomes[i]}));
BENCH_THREADS(counter_add_text, telemetry.routes.add(1, {.route = routes[i]}));
BENCH_THREADS(histogram_record, telemetry.latency.record(times[i]));
BENCH_THREADS(gauge_set, telemetry.level.set(amounts[i]));  // the one that is shared: the last writer wins
BENCH_THREADS(shared_add, shared.fetch_add(1, std::memory_order_relaxed));

#if BENCH_PROMETHEUS_CPP
static auto& kept = orders().Add({{"method", "card"}, {"outcome", "ok"}});
static auto& histogram = latency();
BENCH_THREADS(prometheus_counter_kept, kept.Increment());
BENCH_THREADS(prometheus_counter_labels, orders().Add({{"method", "card"}, {"outcome", "ok"}}).Increment());
BENCH_THREADS(prometheus_histogram, histogram.Observe(seconds[i]));
#endif

BENCHMARK_MAIN();
