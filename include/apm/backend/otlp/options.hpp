// What the OTLP back end needs to know. Plain values, for the runtime's options; the environment's OTEL_EXPORTER_OTLP_*
// variables override them (runtime/settings.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// What one signal has of its own. Empty, or negative: as otlp_options says for all.
struct otlp_signal_options {
    bool send = true;
    std::string_view endpoint = {};     // a whole URL, used as it is
    std::string_view headers = {};
    std::string_view protocol = {};
    std::string_view compression = {};
    std::chrono::milliseconds timeout{-1};
    std::string_view certificate = {}, client_key = {}, client_certificate = {};
};

// Text is viewed until otlp's constructor returns. A protocol, compression or temporality that is unknown is one line, and the
// default is used; with an endpoint that is no URL, or the protocol grpc, one line says so and the signal is not sent.
struct otlp_options {
    // Where to: `http://host:4318`, `https://...`, or `unix:///run/otlp.sock`. /v1/traces and /v1/metrics are appended.
    std::string_view endpoint = {};                   // empty: http://localhost:4318
    std::string_view headers = {};                    // `name=value,name=value`, percent-encoded; never printed
    std::string_view protocol = "http/protobuf";      // or http/json
    std::string_view compression = "none";            // or gzip
    std::chrono::milliseconds timeout{10'000};        // of one attempt; 0: no limit of its own
    std::string_view certificate = {};                // PEM files: authorities to trust (empty: the system's),
    std::string_view client_key = {}, client_certificate = {};  // and who we are
    std::string_view http_proxy = {}, https_proxy = {}, no_proxy = {};  // as everywhere: http://proxy:3128; a list of hosts, or *
    otlp_signal_options traces = {}, metrics = {};

    std::chrono::milliseconds interval{60'000};       // of metrics: OTEL_METRIC_EXPORT_INTERVAL
    std::string_view temporality = "cumulative";      // or delta: of counters and histograms
    std::uint32_t max_export_batch_size = 0;          // spans of one request; 0: what one drain of the rings gives
    std::uint64_t queue_bytes = 16 << 20;             // that wait for each signal; what does not fit is lost, and counted
    std::uint64_t max_queue_size = 0;                 // the same in spans; 0: no limit of its own
    std::chrono::milliseconds max_elapsed_time{300'000};  // a batch that could not be delivered for so long is lost
    std::string_view spool_directory = {};            // keep on disk what waits: it survives the process; empty: in memory only
    std::uint64_t spool_bytes = 256 << 20;            // for each signal
};

}  // namespace apm::inline APM_ABI
