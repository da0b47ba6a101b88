// What does a scrape of 100,000 series cost, from the counters to the bytes of the page?
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include <apm/backend/prometheus_page.hpp>
#include <apm/collect.hpp>

#include "schema.hpp"
#if __has_include(<prometheus/registry.h>)
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#endif

static constexpr int series = 100'000;

namespace bench {

APM_FIELDS(Token, (apm::text<64>, token), (apm::text<64>, status));
struct ScrapeSchema : apm::schema<ScrapeSchema> {
    static constexpr apm::scope scope{.name = "bench.scrape"};
    counter<Token> scans{this, "scan.requests", "Scan requests by token and status", {.limit = series}};
};

}  // namespace bench

static std::string token(int i) { return "token-" + std::to_string(i); }

static const bool recorded = [] {
    for (int i = 0; i < series; ++i) apm::instruments<bench::ScrapeSchema>.scans.add(17, {.token = token(i), .status = "success"});
    return true;
}();

static void collect_only(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(apm::collect());
}
BENCHMARK(collect_only)->Unit(benchmark::kMillisecond);

static void page(benchmark::State& state) {
    apm::prometheus_page writer;
    for (auto _ : state) benchmark::DoNotOptimize(writer.write(apm::collect(), {}, apm::page_format::text));
    state.SetItemsProcessed(state.iterations() * series);
}
BENCHMARK(page)->Unit(benchmark::kMillisecond);

#if __has_include(<prometheus/registry.h>)
static void prometheus_page(benchmark::State& state) {
    static prometheus::Registry registry;
    static const bool filled = [] {
        auto& family = prometheus::BuildCounter().Name("scan_requests_total").Help("Scan requests by token and status").Register(registry);
        for (int i = 0; i < series; ++i) family.Add({{"token", token(i)}, {"status", "success"}}).Increment(17);
        return true;
    }();
    benchmark::DoNotOptimize(filled);
    for (auto _ : state) benchmark::DoNotOptimize(prometheus::TextSerializer().Serialize(registry.Collect()));
    state.SetItemsProcessed(state.iterations() * series);
}
BENCHMARK(prometheus_page)->Unit(benchmark::kMillisecond);
#endif

BENCHMARK_MAIN();
