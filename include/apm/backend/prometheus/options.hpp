// The settings of the Prometheus back end. Apart from it, so that options can be written where no back end is compiled in.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// The endpoint for Prometheus (backend/prometheus.hpp). Text is viewed until start() returns, which copies what it keeps.
struct prometheus_options {
    // OTEL_EXPORTER_PROMETHEUS_HOST: an address; 0.0.0.0 or :: to be reached from other machines; unix:/path for a unix socket,
    // which its user and group may use. A loopback address is asked by an address or localhost: other names (`Host`) are refused.
    std::string_view host = "127.0.0.1";
    std::uint16_t port = 9464;            // OTEL_EXPORTER_PROMETHEUS_PORT, PROMETHEUS_PORT; 0: any that is free
    std::string_view path = "/metrics";   // PROMETHEUS_METRICS_PATH
    std::string_view user = {};                // basic authentication, where not empty
    std::string_view password = {};
    std::string_view certificate = {};         // a PEM file with key and certificate: HTTPS (TLS 1.2 and 1.3), and only that
    unsigned connections = 128;           // open at once; when there is one more, the one that waits longest is cut off
    // A client that takes longer to ask, or to take its answer, is cut off: before a scrape of 10 s gives up.
    std::chrono::milliseconds client_deadline{5'000};
    bool scope_labels = false;            // otel_scope_name and _version on every series; without, equal series are added up
};

}  // namespace apm::inline APM_ABI
