// otlp: spans and metrics to whoever takes OTLP by HTTP: an OpenTelemetry Collector, Jaeger, Tempo, Prometheus, Datadog's Agent.
//
//     the runtime's thread               the delivery's thread
//     batch, snapshot ─ encode ─ gzip ─▶ queue ─ POST ─ retry ─▶ collector           one queue for each of the two
//
// A receiver that is absent, slow or hostile costs the program what fits into the queue; what is lost is counted, by cause, in
// otel.sdk.exporter.span.exported and .metric_data_point.exported (schema/apm.hpp).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/otlp/delivery.hpp>
#include <apm/backend/otlp/metrics.hpp>
#include <apm/backend/otlp/resolve.hpp>
#include <apm/backend/otlp/spans.hpp>
#include <apm/backend/otlp_options.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/schema/apm.hpp>

namespace apm::inline APM_ABI {

// A back end for spans and metrics. What it is handed is encoded and queued by the thread that calls, which takes some 100 ns a
// span and never waits for the network; one thread of its own sends.
class otlp {
public:
    explicit otlp(const otlp_options& options = {})
        : interval_(options.interval), most_spans_(options.most_spans), temporality_(options.temporality),
          signals_{detail::otlp::resolve(options, options.traces, "traces"),
                   detail::otlp::resolve(options, options.metrics, "metrics")} {}

    [[nodiscard]] std::string_view name() const { return "otlp"; }
    [[nodiscard]] std::chrono::milliseconds interval() const { return interval_; }

    // An error where there is nowhere to send to. Of a signal that cannot be sent, one line says why; the other is sent.
    error start(const resource& who) {
        who_ = who;
        choose_temporality();
        std::vector<detail::otlp::destination> to;
        error failed;
        for (signal& s : signals_) {
            for (const std::string& line : s.remarks) detail::report("otlp: %s", line.c_str());
            if (!s.problem.empty()) failed += (failed.empty() ? "" : "; ") + s.problem;
            s.index = to.size();
            if (s.usable()) to.push_back(s.to);
        }
        if (to.empty()) return failed.empty() ? error("neither spans nor metrics are to be sent") : failed;
        if (!failed.empty()) detail::report("otlp: %s", failed.c_str());
        delivery_.emplace(std::move(to), detail::otlp::observer{[this](const detail::otlp::outcome& o) { count(o); },
                                                                [](const std::string& line) {
                                                                    detail::report("otlp: %s", line.c_str());
                                                                }});
        failed = delivery_->start();
        // What an earlier process left in the spool is ours to deliver.
        const auto adopt = [](const auto& row, std::uint64_t n, self::Exporter by) {
            row.template add<mode::on>(static_cast<std::int64_t>(n), {.exporter = by});
        };
        adopt(self::telemetry.spans_in_flight, spans().adopted, traces().exporter);
        adopt(self::telemetry.points_in_flight, points().adopted, metrics().exporter);
        return failed;
    }

    // What is due to be sent: since the process began, or, where deltas are preferred, since the last time.
    snapshot collect() { return delta_ ? deltas_.collect() : apm::collect(); }

    error export_metrics(snapshot& s, deadline) {
        if (metrics().usable()) send(s, s.families);
        return {};
    }
    error export_spans(const span_batch& batch, deadline) {
        if (!traces().usable()) return {};
        std::span<const span_view> left = batch.spans;
        while (!left.empty()) {
            const std::size_t n = most_spans_ ? std::min<std::size_t>(most_spans_, left.size()) : left.size();
            std::string body;
            detail::otlp::append_request(body, traces().encoding, left.first(n), who_);
            self::telemetry.spans_in_flight.add<mode::on>(static_cast<std::int64_t>(n), {.exporter = traces().exporter});
            delivery_->put(traces().index, std::move(body), n);
            left = left.subspan(n);
        }
        return {};
    }

    // True where all that waited was delivered by then.
    bool flush(deadline by) { return delivery_->flush(by); }
    error stop(deadline by) { return delivery_->stop(by); }

    // What became of the spans and points so far. Any thread, after start().
    [[nodiscard]] detail::otlp::totals spans() const { return totals_of(traces()); }
    [[nodiscard]] detail::otlp::totals points() const { return totals_of(metrics()); }

private:
    using signal = detail::otlp::signal;
    [[nodiscard]] const signal& traces() const { return signals_[0]; }
    [[nodiscard]] const signal& metrics() const { return signals_[1]; }

    void choose_temporality() {
        // `lowmemory` differs for observed counters only: cumulative would save others the memory of the last value, not us.
        delta_ = detail::equal_ignoring_case(temporality_, "delta") || detail::equal_ignoring_case(temporality_, "lowmemory");
        if (!delta_ && !detail::equal_ignoring_case(temporality_, "cumulative"))
            detail::report("otlp: temporality \"%s\" is unknown; using cumulative", temporality_.c_str());
    }

    // In halves, where it is larger than a request may be.
    void send(const snapshot& s, std::span<const family> families) {
        std::string body;
        const std::uint64_t points = detail::otlp::append_request(body, metrics().encoding, s, families, who_);
        if (points == 0) return;
        if (body.size() > metrics().to.most_request && families.size() > 1) {
            const std::size_t half = families.size() / 2;
            return send(s, families.first(half)), send(s, families.subspan(half));
        }
        self::telemetry.points_in_flight.add<mode::on>(static_cast<std::int64_t>(points), {.exporter = metrics().exporter});
        delivery_->put(metrics().index, std::move(body), points);
    }

    // Called by the delivery, one call at a time.
    void count(const detail::otlp::outcome& o) {
        const auto& rows = self::telemetry;
        const bool spans = traces().usable() && o.destination == traces().index;
        const signal& s = spans ? traces() : metrics();
        if (spans) settle(o, s.exporter, rows.spans_exported, rows.spans_in_flight);
        else settle(o, s.exporter, rows.points_exported, rows.points_in_flight);
        if (spans && o.lost.all()) detail::process_root().undelivered.add_shared(o.lost.all());
        if (o.duration.count() == 0) return;
        std::optional<apm::range<100, 599>> status;
        if (o.status) status = o.status;
        rows.operation.record<mode::on>(o.duration, {.exporter = s.exporter, .status = status});
    }
    template <class Exported, class InFlight>
    static void settle(const detail::otlp::outcome& o, self::Exporter by, const Exported& exported, const InFlight& in_flight) {
        const std::uint64_t lost = o.lost.all();
        if (o.delivered) exported.template add<mode::on>(o.delivered, {.exporter = by, .cause = {}});
        for (std::size_t i = 0; lost && i < detail::otlp::losses; ++i)
            if (const std::uint64_t n = o.lost.by_cause[i])
                exported.template add<mode::on>(n, {.exporter = by, .cause = static_cast<self::Failure>(i)});
        if (o.delivered + lost) in_flight.template sub<mode::on>(static_cast<std::int64_t>(o.delivered + lost), {.exporter = by});
    }
    [[nodiscard]] detail::otlp::totals totals_of(const signal& s) const {
        return delivery_ && s.usable() ? delivery_->count(s.index) : detail::otlp::totals{};
    }

    std::chrono::milliseconds interval_;
    std::size_t most_spans_;
    std::string temporality_;
    bool delta_ = false;
    delta_reader deltas_;
    signal signals_[2];
    resource who_;
    std::optional<detail::otlp::delivery> delivery_;
};

}  // namespace apm::inline APM_ABI
