// What do two threads that record the same series cost each other? What is reported is the processor time of one record, by
// whichever thread: half of one thread's where neither disturbs the other.
//
// Threads that take turns, as they do on a busy machine, cannot disturb each other and would show nothing. So each has a core of
// its own, rounds are short, and only one in which all ran at once, all the time, counts.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include <sched.h>
#include <time.h>

#include <benchmark/benchmark.h>

#include "batch.hpp"
#include "prometheus_cpp.hpp"
#include "schema.hpp"
#include "values.hpp"

using namespace bench;

namespace {

void move_to_core(std::size_t wanted) {
    cpu_set_t all, one;
    sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&one);
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &all) && wanted-- == 0) CPU_SET(core, &one);
    if (CPU_COUNT(&one)) sched_setaffinity(0, sizeof one, &one);
}

double now(clockid_t clock) {
    timespec t;
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct run {
    double begin, end, processor;  // ns
};

// So many records in each of so many threads, by what make(thread) returns. Nothing if they did not run at once.
template <class Make>
std::optional<double> round(std::size_t threads, std::size_t records, Make make) {
    std::vector<run> runs(threads);
    std::atomic<std::size_t> waiting{threads};
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            move_to_core(t);
            const auto f = make(t);
            f(0);  // the first record of a thread makes its memory
            waiting.fetch_sub(1);
            while (waiting.load() != 0) sched_yield();
            const double begin = now(CLOCK_MONOTONIC), processor = now(CLOCK_THREAD_CPUTIME_ID);
            for (std::size_t n = 0; n < records; n += batch)
                [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
                    ((f((n + I) % inputs), benchmark::ClobberMemory()), ...);
                }(std::make_index_sequence<batch>{});
            runs[t] = {begin, now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID) - processor};
        });
    for (std::thread& thread : all) thread.join();

    double begin = runs[0].begin, end = runs[0].end, processor = 0;
    for (const run& r : runs) {
        begin = std::max(begin, r.begin), end = std::min(end, r.end);
        processor += r.processor;
    }
    for (const run& r : runs)
        if (end - begin < 0.95 * (r.end - r.begin) || r.processor < 0.95 * (r.end - r.begin)) return {};
    const auto n = static_cast<double>(threads);
    return processor / n / n / static_cast<double>(records);
}

// The time of a record in seconds: the best of nine rounds of a millisecond or more in which the machine let all threads run.
// The best, since two threads may be given one core's two halves for a while; who is disturbed by what the other thread
// records is so in every round.
template <class Make>
std::optional<double> compete(std::size_t threads, Make make) {
    std::size_t records = 1 << 14;
    std::optional<double> best;
    for (int tries = 0, good = 0; tries < 300 && good < 9; ++tries) {
        const auto time = round(threads, records, make);
        if (!time) continue;
        if (*time * static_cast<double>(threads * records) < 1e6) {
            records *= 2;
        } else {
            best = std::min(best.value_or(*time), *time);
            ++good;
        }
    }
    if (best) *best *= 1e-9;
    return best;
}

}  // namespace

namespace bench {
constinit std::atomic<std::uint64_t> shared;
}  // namespace bench

// What each thread has of its own comes first, in parentheses, as in a lambda's capture; it may say `thread`, its number.
#define BENCH_THREADS_WITH(name, own, ...)                                                                                 \
    static void name(benchmark::State& state) {                                                                            \
        for (auto _ : state) {                                                                                             \
            const auto time = compete(static_cast<std::size_t>(state.range(0)), []([[maybe_unused]] std::size_t thread) {  \
                return [BENCH_STRIP own]([[maybe_unused]] std::size_t i) __attribute__((always_inline)) { __VA_ARGS__; };  \
            });                                                                                                            \
            time ? state.SetIterationTime(*time) : state.SkipWithError("the threads took turns");                          \
        }                                                                                                                  \
    }                                                                                                                      \
    BENCHMARK(name)->Arg(1)->Arg(2)->Iterations(1)->UseManualTime()
#define BENCH_STRIP(...) __VA_ARGS__
#define BENCH_THREADS(name, ...) BENCH_THREADS_WITH(name, (), __VA_ARGS__)

// Two that show what the others can be: the one is never disturbed, the other always.
thread_local std::uint64_t own;
std::atomic<std::uint64_t> shared_words[65];
BENCH_THREADS(own_add, ++own);
BENCH_THREADS(shared_add, shared.fetch_add(1, std::memory_order_relaxed));

// The same instructions, to one counter or to two. Two threads may have to share a core's units, as those of one core's two
// halves do; that costs both of these alike.
BENCH_THREADS_WITH(counter_together, (series = telemetry.orders.with({.method = methods[0], .outcome = outcomes[0]})),
                   series.add(1u));
BENCH_THREADS_WITH(counter_apart, (series = telemetry.orders.with({.method = methods[thread], .outcome = outcomes[thread]})),
                   series.add(1u));
BENCH_THREADS_WITH(atomic_together, (word = &shared_words[0]), word->fetch_add(1, std::memory_order_relaxed));
BENCH_THREADS_WITH(atomic_apart, (word = &shared_words[64 * thread]), word->fetch_add(1, std::memory_order_relaxed));

BENCH_THREADS(counter_add, telemetry.plain.add(1));
BENCH_THREADS(counter_add_labels, telemetry.orders.add(1, {.method = methods[i], .outcome = outcomes[i]}));
BENCH_THREADS(counter_add_text, telemetry.routes.add(1, {.route = routes[i]}));
BENCH_THREADS(histogram_record, telemetry.latency.record(times[i]));
BENCH_THREADS(gauge_set, telemetry.level.set(amounts[i]));  // the one that is shared: the last writer wins

#if BENCH_PROMETHEUS_CPP
static auto& kept = orders().Add({{"method", "card"}, {"outcome", "ok"}});
static auto& histogram = latency();
BENCH_THREADS(prometheus_counter_kept, kept.Increment());
BENCH_THREADS(prometheus_counter_labels, orders().Add({{"method", "card"}, {"outcome", "ok"}}).Increment());
BENCH_THREADS(prometheus_histogram, histogram.Observe(seconds[i]));
#endif

BENCHMARK_MAIN();
