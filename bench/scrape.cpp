// What does it cost to look? 100,000 series of one counter, to a snapshot and to the exposition that Prometheus reads; beside it
// prometheus-cpp with the same series.
#include <cstddef>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#if __has_include(<apm/backend/prometheus/exposition.hpp>)
#include <apm/backend/prometheus/exposition.hpp>
#endif

#include "prometheus_cpp.hpp"
#if BENCH_PROMETHEUS_CPP
#include <prometheus/text_serializer.h>
#endif

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, get, post, put, remove)
APM_FIELDS(Request, (Method, method), (apm::text<32>, route));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "scrape"};
    counter<Request> requests{this, "scrape.requests", "Requests answered", {.limit = 100'000}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

constexpr std::size_t series = 100'000;

std::string route(std::size_t n) { return "/api/v1/items/" + std::to_string(n / 4); }
// Totals of one to ten digits, as they are in production.
std::uint64_t total(std::size_t n) { return n * n % 9'999'999'967u; }

void fill() {
    static const bool once = [] {
        for (std::size_t n = 0; n < series; ++n)
            telemetry.requests.add(total(n), {.method = static_cast<Method>(n % 4), .route = route(n)});
        return true;
    }();
    static_cast<void>(once);
}

void per_series(benchmark::State& state) { state.SetItemsProcessed(static_cast<std::int64_t>(series) * state.iterations()); }

void collect(benchmark::State& state) {
    fill();
    for (auto _ : state) {
        auto snapshot = apm::collect();
        benchmark::DoNotOptimize(snapshot);
    }
    per_series(state);
}
BENCHMARK(collect)->Unit(benchmark::kMillisecond);

#if __has_include(<apm/backend/prometheus/exposition.hpp>)
void exposition_of(benchmark::State& state, apm::exposition_format format) {
    fill();
    apm::detail::prometheus_exposition writer;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::string text = writer.write(apm::collect(), {}, format);
        bytes = text.size();
        benchmark::DoNotOptimize(text.data());
    }
    per_series(state);
    state.counters["bytes"] = static_cast<double>(bytes);
}
void exposition(benchmark::State& state) { exposition_of(state, apm::exposition_format::text); }
void exposition_openmetrics(benchmark::State& state) { exposition_of(state, apm::exposition_format::openmetrics); }
BENCHMARK(exposition)->Unit(benchmark::kMillisecond);
BENCHMARK(exposition_openmetrics)->Unit(benchmark::kMillisecond);
#endif

#if BENCH_PROMETHEUS_CPP
prometheus::Registry& filled() {
    static prometheus::Registry registry;
    static auto& family = prometheus::BuildCounter().Name("scrape_requests_total").Help("Requests answered").Register(registry);
    static const bool once = [] {
        const char* const methods[] = {"get", "post", "put", "remove"};
        for (std::size_t n = 0; n < series; ++n)
            family.Add({{"method", methods[n % 4]}, {"route", route(n)}}).Increment(static_cast<double>(total(n)));
        return true;
    }();
    static_cast<void>(once);
    return registry;
}

void prometheus_collect(benchmark::State& state) {
    const prometheus::Registry& registry = filled();
    for (auto _ : state) {
        auto families = registry.Collect();
        benchmark::DoNotOptimize(families);
    }
    per_series(state);
}
void prometheus_exposition(benchmark::State& state) {
    const prometheus::Registry& registry = filled();
    const prometheus::TextSerializer serializer;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::string text = serializer.Serialize(registry.Collect());
        bytes = text.size();
        benchmark::DoNotOptimize(text.data());
    }
    per_series(state);
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(prometheus_collect)->Unit(benchmark::kMillisecond);
BENCHMARK(prometheus_exposition)->Unit(benchmark::kMillisecond);
#endif

}  // namespace

BENCHMARK_MAIN();
