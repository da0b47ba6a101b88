// How much memory does it take? Counted by the allocator, so that ours and prometheus-cpp's are counted alike. Memory is taken
// once: the figures are those of the first repetition, and the times mean nothing.
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <malloc.h>

#include <benchmark/benchmark.h>
#include <boost/preprocessor/cat.hpp>
#include <boost/preprocessor/repetition/repeat.hpp>
#include <boost/preprocessor/stringize.hpp>

#include <apm/apm.hpp>

#include "prometheus_cpp.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
APM_FIELDS(Order, (Method, method), (Outcome, outcome));
APM_FIELDS(Route, (apm::text<64>, route));

// Else a second thread would allocate from an arena of its own, which nobody counts.
const int one_arena = mallopt(M_ARENA_MAX, 1);

// The size of a large program's: 200 rows of 6 series each, "other" not counted.
#define ROW(z, n, unused) counter<Order> BOOST_PP_CAT(row, n){this, "memory.row" BOOST_PP_STRINGIZE(n), "A row of six series"};
struct Large : apm::schema<Large> {
    static constexpr apm::scope scope{.name = "large"};
    BOOST_PP_REPEAT(200, ROW, ~)
};
constexpr auto& large = apm::instruments<Large>;

struct Text : apm::schema<Text> {
    static constexpr apm::scope scope{.name = "text"};
    counter<Route> routes{this, "memory.routes", "An open label", {.limit = 100'000}};
    histogram<Route, apm::seconds, apm::latency_buckets> durations{this, "memory.durations", "An open label, 14 bounds", {.limit = 10'000}};
};
constexpr auto& text = apm::instruments<Text>;

struct ns_of {  // of std::chrono::duration's shape
    using rep = std::int64_t;
    struct period { static constexpr std::int64_t num = 1, den = 1'000'000'000; };
    [[nodiscard]] std::int64_t count() const { return 1'000'000; }
};

std::string route(std::size_t n) { return "/api/v1/items/" + std::to_string(n); }

double allocated() {
    const auto all = mallinfo2();
    return static_cast<double>(all.uordblks + all.hblkhd);
}

// What f() leaves allocated, divided by `count`.
template <class F>
void measure(benchmark::State& state, const char* what, std::size_t count, F&& f) {
    for (auto _ : state) {
        const double before = allocated();
        f();
        state.counters[what] = (allocated() - before) / static_cast<double>(count);
    }
}

void first_thread(benchmark::State& state) {
    measure(state, "bytes", 1, [] { large.row0.add(1, {.method = Method::card, .outcome = Outcome::ok}); });
}
void another_thread(benchmark::State& state) {
    measure(state, "bytes", 1, [] {
        std::thread([] { large.row0.add(1, {.method = Method::card, .outcome = Outcome::ok}); }).join();
    });
}
void text_series(benchmark::State& state) {
    measure(state, "bytes_per_series", 100'000, [] {
        for (std::size_t n = 0; n < 100'000; ++n) text.routes.add(1, {.route = route(n)});
    });
}
void text_series_in_another_thread(benchmark::State& state) {
    measure(state, "bytes_per_series", 100'000, [] {
        std::thread([] {
            for (std::size_t n = 0; n < 100'000; ++n) text.routes.add(1, {.route = route(n)});
        }).join();
    });
}
void text_histogram_series(benchmark::State& state) {
    measure(state, "bytes_per_series", 10'000, [] {
        for (std::size_t n = 0; n < 10'000; ++n) text.durations.record(ns_of{}, {.route = route(n)});
    });
}
BENCHMARK(first_thread)->Iterations(1);
BENCHMARK(another_thread)->Iterations(1);
BENCHMARK(text_series)->Iterations(1);
BENCHMARK(text_series_in_another_thread)->Iterations(1);
BENCHMARK(text_histogram_series)->Iterations(1);

#if BENCH_PROMETHEUS_CPP
void prometheus_series(benchmark::State& state) {
    measure(state, "bytes_per_series", 100'000, [] {
        for (std::size_t n = 0; n < 100'000; ++n) bench::orders().Add({{"route", route(n)}}).Increment();
    });
}
void prometheus_histogram_series(benchmark::State& state) {
    static auto& family = prometheus::BuildHistogram().Name("durations").Help("Durations").Register(bench::registry());
    measure(state, "bytes_per_series", 10'000, [] {
        const prometheus::Histogram::BucketBoundaries bounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
        for (std::size_t n = 0; n < 10'000; ++n) family.Add({{"route", route(n)}}, bounds).Observe(0.001);
    });
}
BENCHMARK(prometheus_series)->Iterations(1);
BENCHMARK(prometheus_histogram_series)->Iterations(1);
#endif

}  // namespace

BENCHMARK_MAIN();
