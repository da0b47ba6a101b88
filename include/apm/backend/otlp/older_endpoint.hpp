// An address of an older protocol as an endpoint of OTLP over HTTP.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail {

// Translates an address of Jaeger's older protocols, or of OTLP over gRPC, to the endpoint of OTLP over HTTP on the same host: an
// agent's host, `http://jaeger:14268/api/traces`, `collector:4317`. Other ports and paths, and a URL without a port, stay.
inline std::string otlp_over_http(std::string_view given) {
    if (given.starts_with("unix:")) return std::string(given);
    url_parts p = split_url(given);
    const bool bare = p.scheme.empty() && p.port.empty() && p.path.empty();  // a host, and nothing else
    while (p.path.ends_with('/')) p.path.remove_suffix(1);
    if (p.path == "/api/traces" || p.path == "/v1/traces") p.path = p.query = {};
    constexpr std::string_view older[] = {"4317", "14268", "14250", "6831", "6832"};
    if (bare || std::find(std::begin(older), std::end(older), p.port) != std::end(older)) p.port = "4318";
    const bool secure = equal_ignoring_case(p.scheme, "https://") || equal_ignoring_case(p.scheme, "grpcs://");
    std::string url(secure ? "https://" : "http://");
    url.append(p.host);
    if (!p.port.empty()) url.append(":").append(p.port);
    return url.append(p.path).append(p.query);
}

}  // namespace apm::inline APM_ABI::detail
