// ctest: LABELS serial
#include <apm/metrics/naming.hpp>

#include <string>
#include <string_view>

#include <apm/unit.hpp>

#include "catch.hpp"

namespace {

using apm::kind;
using apm::detail::name_buffer;
using apm::detail::valid_label_name;
using apm::detail::valid_metric_name;
using apm::detail::valid_prometheus_name;

std::string family(const char* name, const char* ucum, kind k = kind::histogram, bool floating = false,
                   const char* given = nullptr) {
    name_buffer b;
    apm::detail::put_family(b, name, given, ucum, k, floating);
    return b.c_str();
}

}  // namespace

TEST_CASE("metric names") {
    for (const char* good : {"a", "shop.orders", "a1.b_2.c", "http.server.request.duration", "a__b", "a.1"})
        CHECK(valid_metric_name(good));
    for (const char* bad : {"", ".", "a.", ".a", "a..b", "1a", "_a", "Shop", "shop.Orders", "a-b", "a/b", "a b", "\xc3\xa9", "a\n"})
        CHECK_FALSE(valid_metric_name(bad));
    CHECK(valid_metric_name(std::string(255, 'a').c_str()));
    CHECK_FALSE(valid_metric_name(std::string(256, 'a').c_str()));
}

TEST_CASE("label names") {
    for (const char* good : {"a", "Method", "http.request.method", "_private", "a1", "le_", "leq", "a_", "a__b", "_a._b", "otel.scope",
                             "otel_scopes", "otel.metric.overflow"})
        CHECK(valid_label_name(good));
    for (const char* bad : {"", "_", "__", "__name__", "1a", "a.", ".a", "a..b", "a-b", "a b", "le", "quantile", "\xc3\xa9", "_.", "_.x",
                            "otel.scope.name", "otel_scope_version", "otel.scope_schema.url", "otel_scope_"})
        CHECK_FALSE(valid_label_name(bad));
}

TEST_CASE("names for Prometheus, given exactly") {
    for (const char* good : {"a", "A_1", "_a", "http_requests_total"}) CHECK(valid_prometheus_name(good));
    for (const char* bad : {"", "1a", "a.b", "a-b", "a b"}) CHECK_FALSE(valid_prometheus_name(bad));
}

TEST_CASE("what OpenTelemetry's mapping makes of a name and a unit") {
    CHECK(family("http.server.request.duration", "s") == "http_server_request_duration_seconds");
    CHECK(family("disk.io", "By", kind::counter) == "disk_io_bytes");
    CHECK(family("temperature", "Cel", kind::gauge, true) == "temperature_celsius");
    CHECK(family("cpu", "%", kind::gauge, true) == "cpu_percent");
    CHECK(family("speed", "m/s", kind::gauge, true) == "speed_meters_per_second");
    CHECK(family("throughput", "MiBy/min", kind::gauge, true) == "throughput_mebibytes_per_minute");
    CHECK(family("shop.orders", "{order}", kind::counter) == "shop_orders");
    CHECK(family("traffic", "{packet}/s", kind::gauge, true) == "traffic_per_second");
    CHECK(family("rate", "1/s", kind::gauge, true) == "rate_per_second");
    CHECK(family("odd", "furlong", kind::gauge, true) == "odd_furlong");
    CHECK(family("plain", "", kind::gauge, true) == "plain");
    CHECK(family("a.b__c", "1") == "a_b_c");
}

TEST_CASE("a share of one is a ratio on gauges, and nothing elsewhere") {
    CHECK(family("hit", "1", kind::gauge, true) == "hit_ratio");
    CHECK(family("hit.ratio", "1", kind::gauge, true) == "hit_ratio");
    CHECK(family("hit", "1", kind::gauge, false) == "hit");
    CHECK(family("hit", "1", kind::counter, true) == "hit");
    CHECK(family("hit", "1", kind::histogram, true) == "hit");
}

TEST_CASE("a unit that is there already is not given again") {
    CHECK(family("api_latency_ms", "ms") == "api_latency_ms");
    CHECK(family("api.latency.milliseconds", "ms") == "api_latency_milliseconds");
    CHECK(family("bytes", "By") == "bytes");
    CHECK(family("megabytes", "By") == "megabytes_bytes");  // "bytes" is no part of its own here
    CHECK(family("queue.items", "s") == "queue_items_seconds");
}

TEST_CASE("`total` belongs to the samples of a counter, not to its family") {
    CHECK(family("requests_total", "1", kind::counter) == "requests");
    CHECK(family("requests.total", "By", kind::counter) == "requests_bytes");
    CHECK(family("requests_total", "1", kind::gauge) == "requests_total");
    CHECK(family("total", "1", kind::counter) == "total");
    CHECK(family("subtotal", "1", kind::counter) == "subtotal");
}

TEST_CASE("a name for Prometheus is taken exactly, unit and all") {
    CHECK(family("a.b", "s", kind::histogram, false, "legacy__latency") == "legacy__latency");
    CHECK(family("a.b", "s", kind::counter, false, "legacy_total") == "legacy");
    CHECK(family("a.b", "s", kind::gauge, false, "legacy_total") == "legacy_total");
}

TEST_CASE("the longest name with the longest unit fits") {
    const std::string longest(255, 'a'), unit(63, 'u');
    CHECK(family(longest.c_str(), unit.c_str()) == longest + "_" + unit);
}
