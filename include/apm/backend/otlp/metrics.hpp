// Metrics as OTLP has them, and a request that delivers them to a collector.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/otlp/common.hpp>
#include <apm/backend/otlp/encoding.hpp>
#include <apm/backend/otlp/fields.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series_view.hpp>

namespace apm::inline APM_ABI::detail::otlp {

struct metric_fields {
    static constexpr field name{1, "name"}, description{2, "description"}, unit{3, "unit"}, gauge{5, "gauge", 2},
        sum{7, "sum", 2}, histogram{9, "histogram", 2}, exponential_histogram{10, "exponentialHistogram", 2};
    // Of each of these.
    static constexpr field temporality{2, "aggregationTemporality"}, is_monotonic{3, "isMonotonic"};
};
struct number_fields {
    static constexpr field points{1, "dataPoints"}, start_time{2, "startTimeUnixNano"}, time{3, "timeUnixNano"},
        as_double{4, "asDouble"}, exemplars{5, "exemplars"}, as_int{6, "asInt"}, attributes{7, "attributes"};
};
struct histogram_fields {
    static constexpr field points{1, "dataPoints", 2}, start_time{2, "startTimeUnixNano"}, time{3, "timeUnixNano"},
        count{4, "count"}, sum{5, "sum"}, bucket_counts{6, "bucketCounts"}, explicit_bounds{7, "explicitBounds"},
        exemplars{8, "exemplars"}, attributes{9, "attributes"};
};
struct exponential_fields {
    static constexpr field points{1, "dataPoints"}, attributes{1, "attributes"}, start_time{2, "startTimeUnixNano"},
        time{3, "timeUnixNano"}, count{4, "count"}, sum{5, "sum"}, scale{6, "scale"}, zero_count{7, "zeroCount"},
        positive{8, "positive"}, exemplars{11, "exemplars"}, zero_threshold{14, "zeroThreshold"};
    static constexpr field offset{1, "offset"}, bucket_counts{2, "bucketCounts"};  // of `positive`
};
struct exemplar_fields {
    static constexpr field time{2, "timeUnixNano"}, as_double{3, "asDouble"}, span_id{4, "spanId"}, trace_id{5, "traceId"},
        as_int{6, "asInt"};
};
struct temporality {
    static constexpr std::uint32_t delta = 1, cumulative = 2;
};

// --- what points have in common ---------------------------------------------------------------------------------------

// Integers go out as they are; what is kept as nanoseconds of a larger unit is a double there.
inline bool is_integer(const row& r) { return !r.floating() && r.unit->scale == 1; }
// OTLP's integers have a sign: 2^63 - 1 stands for whatever is beyond.
inline std::int64_t as_signed(const row& r, std::uint64_t kept) {
    if (r.kind == kind::counter) kept = (std::min)(kept, static_cast<std::uint64_t>(INT64_MAX));
    return static_cast<std::int64_t>(kept);
}

// From when to when a series' value is. No time is 0, which means "unknown": a field that is left out.
template <class To>
void put_times(To& to, const field& start_time, const field& time, const snapshot& s, const row& r) {
    const std::uint64_t start = r.kind == kind::updown ? s.origin : s.started;
    if (start) to.fixed64(start_time, start);
    to.fixed64(time, s.time);
}
template <class To>
void put_labels(To& to, const field& f, const series_view& x) {
    to.list(f, [&](auto&& one) {
        x.typed_labels([&](std::string_view name, const auto& value) { one([&] { put_key_value(to, name, value); }); });
    });
}
template <class To>
void put_exemplars(To& to, const field& f, const row& r, const series_view& x) {
    to.list(f, [&](auto&& one) {
        for (const exemplar& e : x.exemplars()) {
            one([&] {
                to.fixed64(exemplar_fields::time, e.time);
                if (!is_integer(r)) to.real(exemplar_fields::as_double, e.value);
                to.id(exemplar_fields::span_id, e.span);
                to.id(exemplar_fields::trace_id, e.trace.high, e.trace.low);
                if (is_integer(r)) to.sfixed64(exemplar_fields::as_int, as_signed(r, e.kept));
            });
        }
    });
}
// A histogram's sum, unless it may go down, which OTLP does not allow; 0 where nothing was counted yet.
template <class To>
void put_sum(To& to, const field& f, const row& r, const series_view& x, std::uint64_t count) {
    if (!(r.buckets->bounds[0] < 0)) to.real(f, count ? x.sum() : 0);
}

// --- a point of each kind ---------------------------------------------------------------------------------------------

template <class To>
void put_number(To& to, const snapshot& s, const row& r, const series_view& x) {
    put_times(to, number_fields::start_time, number_fields::time, s, r);
    if (!is_integer(r)) to.real(number_fields::as_double, x.real());
    put_exemplars(to, number_fields::exemplars, r, x);
    if (is_integer(r)) to.sfixed64(number_fields::as_int, as_signed(r, x.words()[0]));
    put_labels(to, number_fields::attributes, x);
}

template <class To>
void put_histogram(To& to, const snapshot& s, const row& r, const series_view& x) {
    const std::uint64_t count = x.count();
    put_times(to, histogram_fields::start_time, histogram_fields::time, s, r);
    to.fixed64(histogram_fields::count, count);
    put_sum(to, histogram_fields::sum, r, x, count);
    to.fixed64s(histogram_fields::bucket_counts, x.buckets());
    to.reals(histogram_fields::explicit_bounds, {r.buckets->bounds, r.buckets->count});
    put_exemplars(to, histogram_fields::exemplars, r, x);
    put_labels(to, histogram_fields::attributes, x);
}

// Our lowest bucket is OTLP's zero bucket, "at or below the threshold"; the next one has the row's first index.
template <class To>
void put_exponential(To& to, const snapshot& s, const row& r, const series_view& x) {
    const std::uint64_t count = x.count(), zero_count = x.buckets()[0];
    const buckets_info& b = *r.buckets;
    std::span<const std::uint64_t> counts = x.buckets().subspan(1);
    std::int32_t offset = b.first_index;
    put_labels(to, exponential_fields::attributes, x);
    put_times(to, exponential_fields::start_time, exponential_fields::time, s, r);
    to.fixed64(exponential_fields::count, count);
    put_sum(to, exponential_fields::sum, r, x, count);
    if (b.scale) to.sint32(exponential_fields::scale, b.scale);
    if (zero_count) to.fixed64(exponential_fields::zero_count, zero_count);
    while (!counts.empty() && !counts.back()) counts = counts.first(counts.size() - 1);
    while (!counts.empty() && !counts.front()) counts = counts.subspan(1), ++offset;
    if (!counts.empty()) {
        to.message(exponential_fields::positive, [&] {
            if (offset) to.sint32(exponential_fields::offset, offset);
            to.uint64s(exponential_fields::bucket_counts, counts);
        });
    }
    put_exemplars(to, exponential_fields::exemplars, r, x);
    to.real(exponential_fields::zero_threshold, b.bounds[0]);
}

// --- metrics ----------------------------------------------------------------------------------------------------------

template <class To>
void put_metric(To& to, const snapshot& s, const family& f) {
    const row& r = *f.row;
    const auto put_points = [&](const field& points, auto&& put) {
        to.list(points, [&](auto&& one) {
            for (const series_view& x : f.series) one([&] { put(to, s, r, x); });
        });
    };
    // Where deltas are asked for, an updown is still cumulative: it is a value.
    const auto put_temporality = [&] {
        to.enumerator(metric_fields::temporality, s.delta && !is_a_value(r) ? temporality::delta : temporality::cumulative);
    };
    to.text(metric_fields::name, r.name);
    put_unless_empty(to, metric_fields::description, r.help);
    put_unless_empty(to, metric_fields::unit, r.unit->ucum);
    if (r.kind == kind::gauge) {
        to.message(metric_fields::gauge, [&] { put_points(number_fields::points, put_number<To>); });
    } else if (r.kind != kind::histogram) {
        to.message(metric_fields::sum, [&] {
            put_points(number_fields::points, put_number<To>);
            put_temporality();
            if (r.kind == kind::counter) to.boolean(metric_fields::is_monotonic, true);
        });
    } else if (r.buckets->exponential) {
        to.message(metric_fields::exponential_histogram, [&] {
            put_points(exponential_fields::points, put_exponential<To>);
            put_temporality();
        });
    } else {
        to.message(metric_fields::histogram, [&] {
            put_points(histogram_fields::points, put_histogram<To>);
            put_temporality();
        });
    }
}

// Appends an ExportMetricsServiceRequest of these families of `s`, by scope; returns how many data points. Where there are none,
// nothing is appended. No thread safety of its own; throws std::bad_alloc. As protobuf, some 25 ns for a counter's series.
inline std::uint64_t append_request(std::string& out, encoding how, const snapshot& s, std::span<const family> families,
                                    const resource& who) {
    static constexpr request_fields fields{{1, "resourceMetrics", 3}, {2, "scopeMetrics", 3}, {2, "metrics", 2}};
    std::uint64_t points = 0;
    for (const family& f : families) points += f.series.size();
    if (points == 0) return 0;
    with_encoder(how, [&]<class To>() {
        To to(out);
        put_request(to, fields, who, by_scope(families, [](const family& f) { return !f.series.empty(); }),
                    [&](const family& f) { put_metric(to, s, f); });
    });
    return points;
}

}  // namespace apm::inline APM_ABI::detail::otlp
