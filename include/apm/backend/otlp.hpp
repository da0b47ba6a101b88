// otlp: sends spans and metrics as OTLP over HTTP: to an OpenTelemetry Collector, Jaeger, Tempo, Prometheus, Datadog's Agent.
//
//     the runtime's thread               the sending thread
//     batch, snapshot ─ encode ─ gzip ─▶ export queue ─ POST ─ retry ─▶ collector    one queue for each of the two
//
// A receiver that is absent, slow or hostile costs the program what fits into the queue; what is lost is counted, by cause, in
// otel.sdk.exporter.span.exported and .metric_data_point.exported (schema/apm.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/absent.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/otlp/options.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

namespace detail::otlp {
class exporter;
}

// What became of items so far.
using otlp_totals = detail::delivery::totals;

// A back end for spans and metrics. The calling thread encodes and queues, which takes some 100 ns a span and never waits for the
// network; one thread of its own sends. apm::runtime has one already, by its options; this class is for another destination.
// Defined in the library behind apm::runtime (impl/otlp.ipp).
template <mode M>
class basic_otlp;

template <>
class basic_otlp<mode::on> {
public:
    explicit basic_otlp(const otlp_options& options = {});
    basic_otlp(const basic_otlp&) = delete;
    basic_otlp& operator=(const basic_otlp&) = delete;
    ~basic_otlp();

    [[nodiscard]] std::string_view name() const { return "otlp"; }
    [[nodiscard]] std::chrono::milliseconds interval() const;

    // An error where neither signal can be sent. Where one cannot, one line says why, and the other is sent.
    error start(const resource& who);
    // After start(): whether the runtime is to hand over spans, and metrics: they are wanted and can be sent.
    [[nodiscard]] bool sends_spans() const;
    [[nodiscard]] bool sends_metrics() const;

    // What is to be sent: cumulative, or, where deltas are preferred, since the last time.
    snapshot collect();
    error export_metrics(snapshot& s, deadline by);
    error export_spans(const span_batch& batch, deadline by);

    // True where all that was exported since the last time was delivered by then. Any thread.
    bool flush(deadline by);
    error stop(deadline by);

    // It works in a forked child, too: what is the parent's is not touched.
    static constexpr bool survives_forks = true;

    // Any thread; zeros before start().
    [[nodiscard]] otlp_totals span_totals() const;
    [[nodiscard]] otlp_totals data_point_totals() const;

private:
    std::unique_ptr<detail::otlp::exporter> made_;
};

template <>
class basic_otlp<mode::off> : public detail::absent_backend {
public:
    APM_INLINE constexpr explicit basic_otlp(const otlp_options& = {}) {}
    [[nodiscard]] otlp_totals span_totals() const { return {}; }
    [[nodiscard]] otlp_totals data_point_totals() const { return {}; }
};

using otlp = basic_otlp<APM_MODE>;

}  // namespace apm::inline APM_ABI
