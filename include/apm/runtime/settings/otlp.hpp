// OTLP's options, overridden by the environment: OTEL_EXPORTER_OTLP_*, OTEL_METRIC_EXPORT_INTERVAL, and what of OTEL_BSP_* is
// about sending.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/backend/otlp/options.hpp>
#include <apm/config.hpp>
#include <apm/runtime/settings/reader.hpp>

namespace apm::inline APM_ABI::detail {

// `older`: an endpoint that an older variable, of that name, gave; empty: none.
inline void read_otlp(settings_reader& reader, otlp_options& o, std::string_view older, const std::string& older_name) {
    const std::string prefix = "OTEL_EXPORTER_OTLP_";
    struct signal {
        const char* name;
        otlp_signal_options& own;
    } const both[] = {{"TRACES_", o.traces}, {"METRICS_", o.metrics}};
    enum kind { text, url, secret };
    struct {
        const char* name;
        std::string_view otlp_options::* all;
        std::string_view otlp_signal_options::* own;
        kind is;
    } const options[] = {
        {"ENDPOINT", &otlp_options::endpoint, &otlp_signal_options::endpoint, url},
        {"HEADERS", &otlp_options::headers, &otlp_signal_options::headers, secret},
        {"PROTOCOL", &otlp_options::protocol, &otlp_signal_options::protocol, text},
        {"COMPRESSION", &otlp_options::compression, &otlp_signal_options::compression, text},
        {"CERTIFICATE", &otlp_options::certificate, &otlp_signal_options::certificate, text},
        {"CLIENT_KEY", &otlp_options::client_key, &otlp_signal_options::client_key, text},
        {"CLIENT_CERTIFICATE", &otlp_options::client_certificate, &otlp_signal_options::client_certificate, text},
    };
    const auto read = [&reader](std::string_view& target, kind is, const std::string& name) {
        return is == url ? reader.url(target, name) : is == secret ? reader.secret(target, name) : reader.text(target, name);
    };
    if (!older.empty()) o.endpoint = older;
    for (const auto& x : options) {
        bool given = read(o.*x.all, x.is, prefix + x.name);
        if (x.all == &otlp_options::endpoint && !older.empty()) given = true, reader.due_to(older_name);
        for (const signal& s : both) {
            // What the environment says for all signals overrides what the code says for one of them.
            if (given) s.own.*x.own = {};
            read(s.own.*x.own, x.is, prefix + s.name + x.name);
        }
    }
    const bool given = reader.duration(o.timeout, 0, hour, "OTEL_EXPORTER_OTLP_TIMEOUT");
    for (const signal& s : both) {
        auto timeout = given || s.own.timeout.count() < 0 ? o.timeout : s.own.timeout;
        reader.duration(timeout, 0, hour, prefix + s.name + "TIMEOUT");
        s.own.timeout = timeout;
    }

    // libcurl would read these itself, at any time: not while the program may change them. (HTTP_PROXY is not among them: a CGI
    // program's caller can set it.)
    reader.url(o.http_proxy, "http_proxy", "all_proxy", "ALL_PROXY");
    reader.url(o.https_proxy, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY");
    reader.text(o.no_proxy, "no_proxy", "NO_PROXY");

    reader.duration(o.interval, 1, 24 * hour, "OTEL_METRIC_EXPORT_INTERVAL");
    reader.text(o.temporality, prefix + "METRICS_TEMPORALITY_PREFERENCE");
    // A row says which buckets it has: base-2 ones are sent as exponential histograms, all others as explicit ones.
    std::string_view aggregation = "explicit_bucket_histogram";
    reader.text(aggregation, prefix + "METRICS_DEFAULT_HISTOGRAM_AGGREGATION");
    if (!equal_ignoring_case(aggregation, "explicit_bucket_histogram") &&
        !equal_ignoring_case(aggregation, "base2_exponential_bucket_histogram"))
        report("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=%s is unknown; ignored",
               std::string(aggregation).c_str());
    constexpr std::uint64_t many = 1ull << 31;
    reader.number(o.max_export_batch_size, 0, many, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    if (!o.max_export_batch_size) reader.shown_as("none");
    reader.number(o.max_queue_size, 0, many, "OTEL_BSP_MAX_QUEUE_SIZE");
    if (!o.max_queue_size) reader.shown_as("none");
    if (o.max_queue_size && o.max_export_batch_size > o.max_queue_size) {
        report("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=%u is more than OTEL_BSP_MAX_QUEUE_SIZE; using %llu", o.max_export_batch_size,
               static_cast<unsigned long long>(o.max_queue_size));
        o.max_export_batch_size = static_cast<std::uint32_t>(o.max_queue_size);
    }
    reader.number(o.queue_bytes, 1 << 16, 1ull << 40, "APM_OTLP_QUEUE_BYTES");
    reader.duration(o.max_elapsed_time, 0, 24 * hour, "APM_OTLP_MAX_ELAPSED_TIME");
    reader.text(o.spool_directory, "APM_OTLP_SPOOL_DIRECTORY");
    reader.number(o.spool_bytes, 1 << 20, 1ull << 50, "APM_OTLP_SPOOL_BYTES");
}

}  // namespace apm::inline APM_ABI::detail
