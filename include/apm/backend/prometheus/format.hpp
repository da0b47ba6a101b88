// The exposition formats of Prometheus.
#pragma once

#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

enum class exposition_format : std::uint8_t { text, openmetrics };

[[nodiscard]] inline std::string_view content_type(exposition_format f) {
    return f == exposition_format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                               : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace apm::inline APM_ABI
