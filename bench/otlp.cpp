// What does it cost to put spans and metrics into OTLP's bytes? Of spans, all of the way there: out of the rings, and encoded.
// Beside it: the two reads of the clock that each span took when it was recorded.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <time.h>

#include <benchmark/benchmark.h>

#include <apm/backend/otlp/metrics.hpp>
#include <apm/backend/otlp/spans.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>

#include "schema.hpp"

using apm::detail::otlp::encoding;

namespace {

APM_FIELDS(Purchase, (std::uint64_t, order), (apm::text<>, product), (bench::Method, method));
APM_FIELDS(Customer, (apm::text<64>, customer));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "bench.otlp", .version = "1.0"};
    span<>                                              step    {this, "step", "No attributes"};
    span<Purchase>                                      purchase{this, "purchase", "Three attributes"};
    counter<Customer>                                   orders  {this, "orders", "A series for each customer", {.limit = 20'000}};
    histogram<Customer, apm::seconds, apm::latency_buckets>
                                                        latency {this, "latency", "14 bounds", {.limit = 20'000}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

const apm::resource who{
    {{"service.name", "bench"}, {"service.instance.id", "0123456789abcdef"}, {"process.pid", std::int64_t{1}}}};

void step() { TRACE_SCOPE(telemetry.step); }
void purchase() { TRACE_SCOPE(telemetry.purchase, {.order = 123'456, .product = "green tea", .method = bench::Method::paypal}); }

constexpr int at_once = 256;  // spans: they all fit into a ring

// Of this thread, as Google Benchmark's own time is: what else runs on the machine is not in it.
double cpu_seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// One iteration is one span; recording is not measured.
template <class Record, class Take>
void spans(benchmark::State& state, Record&& record, Take&& take) {
    apm::drain_spans();
    const auto above = telemetry.step.scope();
    std::size_t size = 0, count = 0;
    while (state.KeepRunningBatch(at_once)) {
        for (int i = 0; i < at_once; ++i) record();
        const double begin = cpu_seconds();
        size += take();
        state.SetIterationTime(cpu_seconds() - begin);
        count += at_once;
    }
    state.counters["spans/s"] = benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsRate);
    state.counters["bytes/span"] = static_cast<double>(size) / static_cast<double>(count);
}
auto encoded(encoding how) {
    return [how, out = std::string()]() mutable {
        const apm::span_batch batch = apm::drain_spans();
        out.clear();
        apm::detail::otlp::append_request(out, how, batch.spans, who);
        return out.size();
    };
}

// One iteration is one data point: 10,000 series, each with a label of text.
template <class Row, class Make>
void points(benchmark::State& state, const Row& row, encoding how, Make&& make) {
    static constexpr int series = 10'000;
    for (int i = 0; i < series; ++i) make(Customer{.customer = "customer " + std::to_string(i)});
    const apm::snapshot now = apm::collect();
    const auto found = std::find_if(now.families.begin(), now.families.end(), [&](const auto& f) { return f.row == &row; });
    std::string out;
    std::uint64_t size = 0, count = 0;
    while (state.KeepRunningBatch(series)) {
        out.clear();
        count += apm::detail::otlp::append_request(out, how, now, {&*found, 1}, who);
        size += out.size();
    }
    state.counters["points/s"] = benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsRate);
    state.counters["bytes/point"] = static_cast<double>(size) / static_cast<double>(count);
}

}  // namespace

// --- spans ------------------------------------------------------------------------------------------------------------

static void two_clock_reads(benchmark::State& state) {
    apm::detail::root& root = apm::detail::process_root();
    apm::detail::start_clock(root);
    for (auto _ : state) {
        benchmark::DoNotOptimize(apm::detail::ticks(root));
        benchmark::DoNotOptimize(apm::detail::ticks(root));
    }
}
BENCHMARK(two_clock_reads);

#define SPANS_BENCH(name, ...)                                               \
    static void name(benchmark::State& state) { spans(state, __VA_ARGS__); } \
    BENCHMARK(name)->UseManualTime()

SPANS_BENCH(drain, step, [] { return apm::drain_spans().size; });
SPANS_BENCH(drain_3_attributes, purchase, [] { return apm::drain_spans().size; });
SPANS_BENCH(protobuf, step, encoded(encoding::protobuf));
SPANS_BENCH(protobuf_3_attributes, purchase, encoded(encoding::protobuf));
SPANS_BENCH(json, step, encoded(encoding::json));
SPANS_BENCH(json_3_attributes, purchase, encoded(encoding::json));

// --- metrics ----------------------------------------------------------------------------------------------------------

#define POINTS_BENCH(name, row, how, ...)                                                                                   \
    static void name(benchmark::State& state) {                                                                             \
        points(state, telemetry.row, how, [](const Customer& who_is) { telemetry.row.__VA_ARGS__; });                       \
    }                                                                                                                       \
    BENCHMARK(name)

POINTS_BENCH(counter_protobuf, orders, encoding::protobuf, add(1, who_is));
POINTS_BENCH(counter_json, orders, encoding::json, add(1, who_is));
POINTS_BENCH(histogram_protobuf, latency, encoding::protobuf, record(std::chrono::milliseconds(30), who_is));
POINTS_BENCH(histogram_json, latency, encoding::json, record(std::chrono::milliseconds(30), who_is));

BENCHMARK_MAIN();
