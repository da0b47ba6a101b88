// What does it cost to read a trace out of a request's headers, and to write it into the next request's? The headers are a
// std::map of ten; those that are written are there already, so that what is measured is not the map's allocator.
#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include <apm/baggage.hpp>
#include <apm/propagation.hpp>

namespace {

using headers = std::map<std::string, std::string>;
using enum apm::propagator;

const headers others{{"accept", "*/*"}, {"accept-encoding", "gzip"}, {"authorization", "Bearer 0123456789"},
                     {"content-length", "17"}, {"content-type", "application/json"}, {"host", "shop"}, {"user-agent", "bench"}};
const std::string traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

headers with(headers more) {
    more.insert(others.begin(), others.end());
    return more;
}
// A request in one format.
headers request(std::initializer_list<apm::propagator> formats) {
    apm::propagate_with(formats);
    headers h = others;
    apm::add_trace_context(h, {.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c}, .span = 0xb7ad6b7169203331, .sampled = true});
    return h;
}

void extract(benchmark::State& state, std::initializer_list<apm::propagator> formats, const headers& from) {
    apm::propagate_with(formats);
    for (auto _ : state) {
        const apm::context c = apm::extract(from);
        benchmark::DoNotOptimize(&c);
        benchmark::ClobberMemory();
    }
}
void inject(benchmark::State& state, std::initializer_list<apm::propagator> formats, const headers& from) {
    apm::propagate_with(formats);
    const apm::context c = apm::extract(from);
    headers to = from;
    for (auto _ : state) {
        apm::add_trace_context(to, c);
        benchmark::ClobberMemory();
    }
}

// The longest that has to go through: 64 members, 8,191 bytes.
std::string large_baggage() {
    apm::baggage b;
    for (int i = 10; i < 74; ++i) b.set("k" + std::to_string(i), std::string(123, 'v'));
    return b.header();
}

const headers plain = with({{"traceparent", traceparent}});
const headers full = with({{"traceparent", traceparent}, {"tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"},
                           {"baggage", "tenant=acme,region=eu"}});
const headers large = with({{"traceparent", traceparent}, {"baggage", large_baggage()}});

}  // namespace

#define PROPAGATION_BENCH(in, out, from, ...)                                                   \
    static void in(benchmark::State& state) { extract(state, {__VA_ARGS__}, from); }            \
    static void out(benchmark::State& state) { inject(state, {__VA_ARGS__}, from); }            \
    BENCHMARK(in);                                                                              \
    BENCHMARK(out)

PROPAGATION_BENCH(extract_traceparent, inject_traceparent, plain, tracecontext, baggage);
PROPAGATION_BENCH(extract_tracestate_baggage, inject_tracestate_baggage, full, tracecontext, baggage);
PROPAGATION_BENCH(extract_large_baggage, inject_large_baggage, large, tracecontext, baggage);
PROPAGATION_BENCH(extract_b3, inject_b3, request({b3}), b3);
PROPAGATION_BENCH(extract_b3multi, inject_b3multi, request({b3multi}), b3multi);
PROPAGATION_BENCH(extract_jaeger, inject_jaeger, request({jaeger}), jaeger);
PROPAGATION_BENCH(extract_datadog, inject_datadog, request({datadog}), datadog);
PROPAGATION_BENCH(extract_xray, inject_xray, request({xray}), xray);

static void extract_nothing(benchmark::State& state) { extract(state, {tracecontext, baggage}, others); }
BENCHMARK(extract_nothing);

BENCHMARK_MAIN();
