// What a scraper accepts: the format by `Accept` (RFC 9110, 12.5.1), gzip by `Accept-Encoding`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <zlib.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/real.hpp>

namespace apm::inline APM_ABI::detail::http {

// The weights (0..1000) that a header gives; what it does not name is weighted 0.
template <class F>
void weigh(std::string_view header, F&& f) {
    split(header, ',', [&](std::string_view item) {
        std::string_view name, version;
        int weight = 1000;
        bool first = true;
        split(item, ';', [&](std::string_view part) {
            if (first) name = part;
            first = false;
            const std::size_t equals = part.find('=');
            if (equals == part.npos) return;
            const std::string_view key = trimmed(part.substr(0, equals));
            std::string_view value = trimmed(part.substr(equals + 1));
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
            if (equal_ignoring_case(key, "version")) version = value;
            if (!equal_ignoring_case(key, "q")) return;
            double q = 0;
            if (!read_real(value, q) || !(q >= 0)) q = 0;
            weight = static_cast<int>((std::min)(q, 1.0) * 1000);
        });
        f(name, version, weight);
    });
}

// OpenMetrics where the client prefers it to plain text (Prometheus does); a browser, or no header, gets text.
inline bool prefers_openmetrics(std::string_view accept) {
    int open = 0, text = 0;
    weigh(accept, [&](std::string_view type, std::string_view version, int weight) {
        const bool is_open = equal_ignoring_case(type, "application/openmetrics-text");
        if (is_open && (version.empty() || version == "1.0.0")) open = (std::max)(open, weight);
        if (equal_ignoring_case(type, "text/plain") || equal_ignoring_case(type, "text/html")) text = (std::max)(text, weight);
    });
    return open > 0 && open >= text;
}

inline bool accepts_gzip(std::string_view accept_encoding) {
    int gzip = -1, any = 0;
    weigh(accept_encoding, [&](std::string_view coding, std::string_view, int weight) {
        if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) gzip = (std::max)(gzip, weight);
        if (coding == "*") any = weight;
    });
    return gzip > 0 || (gzip < 0 && any > 0);
}

}  // namespace apm::inline APM_ABI::detail::http
