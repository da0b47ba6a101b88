// opentelemetry-cpp's propagators, with the headers of bench/propagation.cpp.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <opentelemetry/baggage/propagation/baggage_propagator.h>
#include <opentelemetry/context/propagation/composite_propagator.h>
#include <opentelemetry/context/propagation/text_map_propagator.h>
#include <opentelemetry/trace/propagation/b3_propagator.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/propagation/jaeger.h>

namespace {

namespace propagation = opentelemetry::context::propagation;
using opentelemetry::nostd::string_view;

struct carrier : propagation::TextMapCarrier {
    std::map<std::string, std::string> headers{
        {"accept", "*/*"}, {"accept-encoding", "gzip"}, {"authorization", "Bearer 0123456789"}, {"content-length", "17"},
        {"content-type", "application/json"}, {"host", "shop"}, {"user-agent", "bench"}};
    string_view Get(string_view key) const noexcept override {
        const auto found = headers.find(std::string(key));
        return found == headers.end() ? string_view() : string_view(found->second);
    }
    void Set(string_view key, string_view value) noexcept override { headers[std::string(key)] = std::string(value); }
};
carrier with(std::initializer_list<std::pair<const std::string, std::string>> more) {
    carrier c;
    c.headers.insert(more.begin(), more.end());
    return c;
}

std::unique_ptr<propagation::TextMapPropagator> w3c() {
    std::vector<std::unique_ptr<propagation::TextMapPropagator>> both;
    both.push_back(std::make_unique<opentelemetry::trace::propagation::HttpTraceContext>());
    both.push_back(std::make_unique<opentelemetry::baggage::propagation::BaggagePropagator>());
    return std::make_unique<propagation::CompositePropagator>(std::move(both));
}

void extract(benchmark::State& state, propagation::TextMapPropagator& p, const carrier& from) {
    opentelemetry::context::Context empty;
    for (auto _ : state) {
        auto c = p.Extract(from, empty);
        benchmark::DoNotOptimize(&c);
        benchmark::ClobberMemory();
    }
}
void inject(benchmark::State& state, propagation::TextMapPropagator& p, const carrier& from) {
    opentelemetry::context::Context empty;
    const auto c = p.Extract(from, empty);
    carrier to = from;
    for (auto _ : state) {
        p.Inject(to, c);
        benchmark::ClobberMemory();
    }
}

const std::string traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const carrier plain = with({{"traceparent", traceparent}});
const carrier full =
    with({{"traceparent", traceparent}, {"tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}, {"baggage", "tenant=acme,region=eu"}});
const carrier b3_request = with({{"b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"}});
const carrier jaeger_request = with({{"uber-trace-id", "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:01"}});

}  // namespace

#define PROPAGATION_BENCH(in, out, from, ...)       \
    static void in(benchmark::State& state) {       \
        const auto p = __VA_ARGS__;                 \
        extract(state, *p, from);                   \
    }                                               \
    static void out(benchmark::State& state) {      \
        const auto p = __VA_ARGS__;                 \
        inject(state, *p, from);                    \
    }                                               \
    BENCHMARK(in);                                  \
    BENCHMARK(out)

PROPAGATION_BENCH(opentelemetry_extract_traceparent, opentelemetry_inject_traceparent, plain, w3c());
PROPAGATION_BENCH(opentelemetry_extract_tracestate_baggage, opentelemetry_inject_tracestate_baggage, full, w3c());
PROPAGATION_BENCH(opentelemetry_extract_b3, opentelemetry_inject_b3, b3_request,
                  std::make_unique<opentelemetry::trace::propagation::B3Propagator>());
PROPAGATION_BENCH(opentelemetry_extract_jaeger, opentelemetry_inject_jaeger, jaeger_request,
                  std::make_unique<opentelemetry::trace::propagation::JaegerPropagator>());
