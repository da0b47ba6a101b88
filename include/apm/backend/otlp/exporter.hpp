// What apm::otlp does: encodes what it is handed, queues it, counts what becomes of it. See backend/otlp.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/exporter.hpp>
#include <apm/backend/otlp/metrics.hpp>
#include <apm/backend/otlp/options.hpp>
#include <apm/backend/otlp/resolve.hpp>
#include <apm/backend/otlp/spans.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/throttle.hpp>
#include <apm/schema/apm.hpp>

namespace apm::inline APM_ABI::detail::otlp {

class exporter {
public:
    explicit exporter(const otlp_options& options)
        : interval_(options.interval), max_export_batch_size_(batch_size(options)),
          signals_{resolve(options, options.traces, "traces"),
                   resolve(options, options.metrics, "metrics")} {}

    [[nodiscard]] std::string_view name() const { return "otlp"; }
    [[nodiscard]] std::chrono::milliseconds interval() const { return interval_; }

    error start(const resource& who) {
        who_ = who;
        process_ = getpid();
        std::vector<delivery::destination> to;
        error failed;
        for (signal& s : signals_) {
            for (const std::string& line : s.remarks) report("otlp: %s", line.c_str());
            if (!s.problem.empty()) failed += (failed.empty() ? "" : "; ") + s.problem;
            s.index = to.size();
            if (s.usable()) to.push_back(s.to);
        }
        if (to.empty()) return failed.empty() ? error("neither spans nor metrics are to be sent") : failed;
        if (!failed.empty()) report("otlp: %s", failed.c_str());
        delivery::observer told;
        told.finished = [this](const delivery::outcome& o) { count(o); };
        told.adopted = [this](std::size_t destination, std::uint64_t items) { add_in_flight(destination, signed_of(items)); };
        told.say = [lines = throttle()](const std::string& line) mutable {  // one call at a time
            if (lines.admits("otlp", line)) report("otlp: %s", line.c_str());
        };
        deltas_ = continued(metrics());
        delivery_.emplace(std::move(to), std::move(told));
        failed = delivery_->start();
        if (!failed.empty()) leave_the_spool();
        return failed;
    }
    [[nodiscard]] bool sends_spans() const { return traces().usable(); }
    [[nodiscard]] bool sends_metrics() const { return metrics().usable(); }

    snapshot collect() { return metrics().delta ? deltas_.collect() : apm::collect(); }

    error export_metrics(snapshot& s, deadline) {
        if (metrics().usable()) send(s, s.families);
        return {};
    }
    error export_spans(const span_batch& batch, deadline) {
        std::span<const span_view> left = batch.spans;
        if (traces().wanted && !traces().usable()) process_root().undelivered.add_shared(std::uint64_t{left.size()});
        while (traces().usable() && !left.empty()) {
            const std::size_t n = max_export_batch_size_ ? (std::min)(max_export_batch_size_, left.size()) : left.size();
            send(left.first(n));
            left = left.subspan(n);
        }
        return {};
    }

    bool flush(deadline by) { return !delivery_ || delivery_->flush(by); }
    error stop(deadline by) {
        if (!delivery_) return {};
        const error lost = delivery_->stop(by);
        leave_the_spool();
        continued(metrics()) = std::move(deltas_);
        return lost;
    }

    static constexpr bool survives_forks = true;

    using totals = delivery::totals;
    [[nodiscard]] totals span_totals() const { return totals_of(traces()); }
    [[nodiscard]] totals data_point_totals() const { return totals_of(metrics()); }

private:
    [[nodiscard]] const signal& traces() const { return signals_[0]; }
    [[nodiscard]] const signal& metrics() const { return signals_[1]; }

    static std::int64_t signed_of(std::uint64_t n) { return static_cast<std::int64_t>(n); }

    // A batch is a part of what may wait: a queue that is full loses some, not all.
    static std::size_t batch_size(const otlp_options& options) {
        const std::size_t asked = options.max_export_batch_size, most = options.max_queue_size;
        if (most == 0) return asked;
        const std::size_t part = std::clamp<std::size_t>(most / 4, 1, 512);
        return asked ? (std::min)(asked, most) : part;
    }
    [[nodiscard]] bool too_large(const std::string& body, const signal& s) const {
        return body.size() > (std::min)(s.to.max_request_bytes, s.to.queue_bytes / 4);
    }

    // Splits what is too large into halves.
    void send(std::span<const span_view> spans) {
        std::string body;
        append_request(body, traces().encoding, spans, here());
        if (spans.size() > 1 && too_large(body, traces())) {
            send(spans.first(spans.size() / 2));
            return send(spans.subspan(spans.size() / 2));
        }
        put(traces(), std::move(body), spans.size());
    }
    void send(const snapshot& s, std::span<const family> families) {
        std::string body;
        const std::uint64_t points = append_request(body, metrics().encoding, s, families, here());
        if (points == 0) return;
        if (families.size() > 1 && too_large(body, metrics())) {
            send(s, families.first(families.size() / 2));
            return send(s, families.subspan(families.size() / 2));
        }
        put(metrics(), std::move(body), points);
    }
    void put(const signal& s, std::string&& body, std::uint64_t items) {
        if (!delivery_) return;  // not started
        add_in_flight(s.index, signed_of(items));
        delivery_->put(s.index, std::move(body), items);
    }
    // The resource; in a forked child, with its own process id.
    const resource& here() {
        if (getpid() != process_) process_ = getpid(), who_ = of_this_process(std::move(who_));
        return who_;
    }
    // The baseline of a destination's deltas: a program's next runtime continues that of the one before. One thread at a time.
    static delta_reader& continued(const signal& s) {
        static auto& all = *new std::map<std::string, delta_reader>;
        return all[s.to.unix_socket + s.to.url];
    }

    [[nodiscard]] bool is_of_spans(std::size_t destination) const { return traces().usable() && destination == traces().index; }
    void add_in_flight(std::size_t destination, std::int64_t items) const {
        const auto& rows = self::telemetry;
        if (is_of_spans(destination)) rows.spans_in_flight.add<mode::on>(items, {.exporter = traces().exporter});
        else rows.points_in_flight.add<mode::on>(items, {.exporter = metrics().exporter});
    }
    // What is in the spool is for the next process to deliver: it is not in flight any more.
    void leave_the_spool() const {
        for (const signal& s : signals_)
            if (s.usable()) add_in_flight(s.index, -signed_of(totals_of(s).waiting));
    }
    // Called by the exporter, one call at a time.
    void count(const delivery::outcome& o) {
        const auto& rows = self::telemetry;
        const bool spans = is_of_spans(o.destination);
        const signal& s = spans ? traces() : metrics();
        if (spans) settle(o, s.exporter, rows.spans_exported, rows.spans_in_flight);
        else settle(o, s.exporter, rows.points_exported, rows.points_in_flight);
        if (spans && o.lost.all()) process_root().undelivered.add_shared(o.lost.all());
        if (o.duration.count() == 0) return;
        std::optional<apm::range<100, 599>> status;
        if (o.status) status = o.status;
        rows.operation.record<mode::on>(o.duration, {.exporter = s.exporter, .status = status});
    }
    // A loss is a Failure of the same name.
    static_assert([] {
        const auto& names = enumeration<self::Failure>::table.names;
        for (std::size_t i = 0; i < delivery::losses; ++i)
            if (text_of(static_cast<delivery::loss>(i)) != names[i]) return false;
        return enumeration<self::Failure>::table.size == delivery::losses;
    }());
    template <class Exported, class InFlight>
    static void settle(const delivery::outcome& o, self::Exporter by, const Exported& exported,
                       const InFlight& in_flight) {
        const std::uint64_t lost = o.lost.all();
        if (o.delivered) exported.template add<mode::on>(o.delivered, {.exporter = by, .cause = {}});
        for (std::size_t i = 0; lost && i < delivery::losses; ++i)
            if (const std::uint64_t n = o.lost.by_cause[i])
                exported.template add<mode::on>(n, {.exporter = by, .cause = static_cast<self::Failure>(i)});
        if (o.delivered + lost) in_flight.template sub<mode::on>(signed_of(o.delivered + lost), {.exporter = by});
    }
    [[nodiscard]] totals totals_of(const signal& s) const {
        return delivery_ && s.usable() ? delivery_->count(s.index) : totals{};
    }

    std::chrono::milliseconds interval_;
    std::size_t max_export_batch_size_;
    delta_reader deltas_;
    signal signals_[2];
    resource who_;
    pid_t process_ = 0;
    std::optional<delivery::exporter> delivery_;
};

}  // namespace apm::inline APM_ABI::detail::otlp
