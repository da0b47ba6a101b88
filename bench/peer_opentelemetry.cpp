// opentelemetry-cpp: what bench/spans.cpp records, by its API, to its SDK with the batch processor that its documentation advises
// and an exporter that takes everything at once.
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/recordable.h>
#include <opentelemetry/sdk/trace/samplers/always_off.h>
#include <opentelemetry/sdk/trace/samplers/always_on.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/noop.h>
#include <opentelemetry/trace/tracer.h>

namespace {

namespace sdk = opentelemetry::sdk;
namespace trace = opentelemetry::trace;
using opentelemetry::nostd::shared_ptr;
using opentelemetry::nostd::span;

struct nowhere : sdk::trace::SpanExporter {
    std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override {
        return std::make_unique<sdk::trace::SpanData>();
    }
    sdk::common::ExportResult Export(const span<std::unique_ptr<sdk::trace::Recordable>>&) noexcept override {
        return sdk::common::ExportResult::kSuccess;
    }
    bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
    bool Shutdown(std::chrono::microseconds) noexcept override { return true; }
};

shared_ptr<trace::Tracer> tracer(std::unique_ptr<sdk::trace::Sampler> sampler) {
    auto processor = sdk::trace::BatchSpanProcessorFactory::Create(std::make_unique<nowhere>(), {});
    static std::vector<std::shared_ptr<trace::TracerProvider>> alive;
    alive.push_back(sdk::trace::TracerProviderFactory::Create(std::move(processor), sdk::resource::Resource::Create({}),
                                                              std::move(sampler)));
    return alive.back()->GetTracer("bench");
}

template <class Start>
void repeat(benchmark::State& state, const shared_ptr<trace::Tracer>& with, Start&& start) {
    const auto above = with->StartSpan("above");
    const trace::Scope current(above);
    for (auto _ : state) {
        const trace::Scope scope(start(*with));      // current until the end of the turn, like a TRACE_SCOPE
        benchmark::ClobberMemory();
    }
}
shared_ptr<trace::Span> step(trace::Tracer& t) { return t.StartSpan("bench.step"); }
shared_ptr<trace::Span> visit(trace::Tracer& t) {
    return t.StartSpan("bench.visit", {{"visitor", std::uint64_t{7}}, {"route", "/product/{name}"}, {"share", 0.5}});
}

const auto& on() { static const auto t = tracer(std::make_unique<sdk::trace::AlwaysOnSampler>()); return t; }
const auto& off() { static const auto t = tracer(std::make_unique<sdk::trace::AlwaysOffSampler>()); return t; }

void opentelemetry_span(benchmark::State& state) { repeat(state, on(), step); }
void opentelemetry_3_attributes(benchmark::State& state) { repeat(state, on(), visit); }
void opentelemetry_unsampled(benchmark::State& state) { repeat(state, off(), step); }
void opentelemetry_noop(benchmark::State& state) {
    static const shared_ptr<trace::Tracer> none(new trace::NoopTracer);
    repeat(state, none, step);
}
BENCHMARK(opentelemetry_span);
BENCHMARK(opentelemetry_3_attributes);
BENCHMARK(opentelemetry_unsampled);
BENCHMARK(opentelemetry_noop);

}  // namespace
