// The settings of apm::runtime, each with its default. Text is viewed, not copied: it need only live while the runtime is
// being constructed. Plain values throughout, so that an options object leaves nothing behind where APM is compiled out.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <apm/backend/prometheus_options.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

struct service_options {
    std::string_view name = {};         // OTEL_SERVICE_NAME; default: unknown_service:<executable>
    std::string_view version = {};      // APM_VERSION
    std::string_view name_space = {};
    std::string_view instance_id = {};
    std::string_view environment = {};  // APM_ENVIRONMENT: deployment.environment.name
};

struct runtime_options {
    service_options service = {};
    std::initializer_list<std::pair<std::string_view, std::string_view>> resource = {};  // win over OTEL_RESOURCE_ATTRIBUTES
    std::string_view metrics_exporter = "prometheus";  // OTEL_METRICS_EXPORTER: a list of prometheus, none
    prometheus_options prometheus = {};
    std::uint64_t bytes_per_thread = 0;                // APM_BYTES_PER_THREAD; 0: no limit. Above it, threads share blocks
    std::chrono::milliseconds shutdown_timeout{5'000}; // APM_SHUTDOWN_TIMEOUT: what destruction waits for exports
    void (*on_error)(const char* line) = nullptr;      // default: one line on standard error. Any thread may call it
};

}  // namespace apm::inline APM_ABI
