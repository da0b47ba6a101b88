// The settings of the Prometheus back end. Apart from it, so that options can be written where no back end is compiled in.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// The endpoint for Prometheus (backend/prometheus.hpp). Text is viewed until start() returns, which copies what it keeps.
struct prometheus_options {
    std::string_view host = "127.0.0.1";  // OTEL_EXPORTER_PROMETHEUS_HOST; 0.0.0.0 to be reached from other machines
    std::uint16_t port = 9464;            // OTEL_EXPORTER_PROMETHEUS_PORT, PROMETHEUS_PORT; 0: any that is free
    std::string_view path = "/metrics";   // PROMETHEUS_METRICS_PATH
    std::string_view user = {};                // basic authentication, where not empty
    std::string_view password = {};
    std::string_view certificate = {};         // a PEM file with key and certificate: serves HTTPS, and only HTTPS
    unsigned connections = 4;             // served at once; others wait
    std::chrono::milliseconds client_deadline{5'000};   // a slower client is cut off: before a scrape of 10 s gives up
    bool scope_labels = false;            // otel_scope_name and _version on every series; without, equal series are added up
};

}  // namespace apm::inline APM_ABI
