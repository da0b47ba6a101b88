// A bridge for programs that use prometheus-cpp today. Needs prometheus-cpp; link apm::prometheus_cpp.
//
//     apm.show(apm::families_of(registry));                    // your prometheus::Registry, in our exposition
//     auto ours = apm::as_collectable();                       // our schemas, on your Exposer; keep `ours`
//     exposer.RegisterCollectable(ours);
//     auto failed = apm::push_to_gateway({.job = "nightly"}, std::chrono::steady_clock::now() + 5s);
//
// Everything that passes through prometheus-cpp is a double: counts beyond 2^53, and the nanoseconds of long sums, are rounded.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/gateway.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <apm/backend.hpp>
#include <apm/backend/prometheus/families.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/backend/prometheus/text.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// A template, since prometheus-cpp before 1.2 has no Info.
template <class Type>
other_family::kind other_kind(Type t) {
    using kind = other_family::kind;
    if constexpr (requires { Type::Info; })
        if (t == Type::Info) return kind::info;
    switch (t) {
        case Type::Counter: return kind::counter;
        case Type::Gauge: return kind::gauge;
        case Type::Histogram: return kind::histogram;
        case Type::Summary: return kind::summary;
        default: return kind::untyped;
    }
}

inline other_family to_other(const ::prometheus::MetricFamily& from) {
    using kind = other_family::kind;
    other_family f{.name = from.name, .help = from.help, .type = other_kind(from.type)};
    for (const ::prometheus::ClientMetric& m : from.metric) {
        std::vector<std::pair<std::string, std::string>> labels;
        for (const auto& l : m.label) labels.emplace_back(l.name, l.value);
        const auto put = [&](const char* suffix, auto value, std::string bound = {}) {
            f.samples.push_back({suffix, labels, std::move(bound), value, m.timestamp_ms});
        };
        const auto written = [](double bound) {
            std::string text;
            if (std::isfinite(bound)) prometheus_text::put_bound(text, bound);
            else prometheus_text::put_double(text, bound);
            return text;
        };
        switch (f.type) {
            case kind::counter: put("", m.counter.value); break;
            case kind::gauge: put("", m.gauge.value); break;
            case kind::untyped: put("", m.untyped.value); break;
            case kind::info: put("", 1.0); break;
            case kind::summary:
                for (const auto& q : m.summary.quantile) put("", q.value, written(q.quantile));
                put("_count", m.summary.sample_count), put("_sum", m.summary.sample_sum);
                break;
            case kind::histogram:
                for (const auto& b : m.histogram.bucket) {
                    if (std::isinf(b.upper_bound)) continue;  // written below, so that it is there once and equals the count
                    f.negative_bounds = f.negative_bounds || b.upper_bound < 0;
                    put("_bucket", b.cumulative_count, written(b.upper_bound));
                }
                put("_bucket", m.histogram.sample_count, "+Inf");
                put("_count", m.histogram.sample_count), put("_sum", m.histogram.sample_sum);
        }
    }
    if (f.type == kind::info && !f.name.ends_with("_info")) f.name += "_info";  // as prometheus-cpp writes it
    return f;
}

class collectable : public ::prometheus::Collectable {
public:
    std::vector<::prometheus::MetricFamily> Collect() const override {
        const snapshot now = collect();  // outside of the lock: callbacks run
        const std::lock_guard guard(mutex_);
        std::vector<::prometheus::MetricFamily> all;
        for (const prometheus_family& f : families_.group(now)) all.push_back(convert(f));
        return all;
    }

private:
    static ::prometheus::MetricFamily convert(const prometheus_family& from) {
        using type = ::prometheus::MetricType;
        const row& r = from.first();
        ::prometheus::MetricFamily f;
        f.name = from.name + (r.kind == kind::counter ? "_total" : "");
        // prometheus-cpp writes it as it is: a line feed would break the exposition.
        prometheus_text::put_escaped(f.help, r.help, false);
        f.type = r.kind == kind::counter ? type::Counter : r.kind == kind::histogram ? type::Histogram : type::Gauge;
        const merged_series merged(from);
        for (const prometheus_series& one : merged.all()) {
            const series_view& s = one.values;
            ::prometheus::ClientMetric& m = f.metric.emplace_back();
            s.labels([&m](std::string_view name, std::string_view value) {
                auto& l = m.label.emplace_back();
                prometheus_text::put_label_name(l.name, name);
                l.value = value;
            });
            if (r.kind == kind::counter) m.counter.value = s.real();
            else if (r.kind == kind::histogram) put_histogram(m.histogram, r, s);
            else m.gauge.value = s.real();
        }
        return f;
    }
    static void put_histogram(::prometheus::ClientMetric::Histogram& h, const row& r, const series_view& s) {
        const auto counts = s.buckets();
        for (std::uint32_t i = 0; i < counts.size(); ++i) {
            h.sample_count += counts[i];
            h.bucket.push_back({h.sample_count, i < r.buckets->count ? r.buckets->bounds[i] : HUGE_VAL});
        }
        h.sample_sum = s.sum();
    }
    mutable std::mutex mutex_;
    mutable prometheus_families families_;
};

}  // namespace detail

// What a prometheus::Registry, or anything else that prometheus-cpp collects from, has to show in our exposition: for
// runtime.show() or prometheus::also(). It is watched, not kept: once it is gone, nothing is shown. Counts of its histograms stay
// integers.
[[nodiscard]] inline other_families families_of(std::weak_ptr<::prometheus::Collectable> from) {
    return [watched = std::move(from)] {
        std::vector<other_family> families;
        if (const auto alive = watched.lock())
            for (const ::prometheus::MetricFamily& f : alive->Collect()) families.push_back(detail::to_other(f));
        return families;
    };
}

// Our schemas, for a program that has an Exposer of its own, which keeps a weak pointer only: keep this one. Any thread.
[[nodiscard]] inline std::shared_ptr<::prometheus::Collectable> as_collectable() {
    return std::make_shared<detail::collectable>();
}

struct gateway_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 9091;
    std::string job = {};
    std::map<std::string, std::string> labels = {};  // with the job, the group that is pushed to
    std::string user = {};                           // basic authentication, where not empty
    std::string password = {};
};

// Pushes our schemas to a Pushgateway now: for a batch job's end. Replaces metrics of the same names in the group and leaves
// others there. prometheus-cpp has no timeout; a push that is not done by the deadline is left to a thread of its own, which
// ends with the process.
[[nodiscard]] inline error push_to_gateway(const gateway_options& o, deadline by) {
    const std::string where = "Pushgateway at " + o.host + ":" + std::to_string(o.port);
    if (o.job.empty()) return "cannot push to the " + where + ": give the job a name";
    std::future<int> done;
    try {
        std::packaged_task<int()> push([o, ours = as_collectable()] {
            ::prometheus::Gateway gateway(o.host, std::to_string(o.port), o.job, o.labels, o.user, o.password);
            gateway.RegisterCollectable(ours);
            return gateway.Push();
        });
        done = push.get_future();
        std::thread(std::move(push)).detach();
        if (done.wait_until(by) != std::future_status::ready) return "no answer in time from the " + where + "; is it there?";
        const int status = done.get();
        if (status >= 200 && status < 300) return {};
        if (status >= 100) return "the " + where + " rejected the push: HTTP status " + std::to_string(status);
        const char* why = status == -6   ? "no such host"
                          : status == -7 ? "cannot connect; is it running?"
                                         : "the connection failed";
        return "cannot push to the " + where + ": " + why + " (curl error " + std::to_string(-status) + ")";
    } catch (const std::exception& e) {
        return "cannot push to the " + where + ": " + e.what();
    }
}

}  // namespace apm::inline APM_ABI
