// The words of the text formats: names, escapes and numbers, none of which depends on the program's locale.
// Sources: Prometheus exposition format 0.0.4; OpenMetrics 1.0 (specification/OpenMetrics.md).
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/naming.hpp>

namespace apm::inline APM_ABI::detail::prometheus_text {

template <class Integer>
void put_integer(std::string& out, Integer n) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

// The shortest digits that read back as the same double.
inline void put_double(std::string& out, double v) {
    if (std::isnan(v)) return void(out += "NaN");
    if (std::isinf(v)) return void(out += v > 0 ? "+Inf" : "-Inf");
    char digits[40];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

// n / scale exactly: times are kept in integer nanoseconds and read in the row's unit. Scales are powers of ten; another
// scale (minutes) is divided as doubles are.
inline void put_scaled(std::string& out, std::int64_t n, double scale) {
    int digits = 0;
    double power = 1;
    while (power < scale) power *= 10, ++digits;
    if (power != scale) return put_double(out, static_cast<double>(n) / scale);
    const auto divisor = static_cast<std::uint64_t>(scale);
    const auto magnitude = n < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    if (n < 0) out += '-';
    put_integer(out, magnitude / divisor);
    std::uint64_t rest = magnitude % divisor;
    if (rest == 0) return;
    while (rest % 10 == 0) rest /= 10, --digits;
    char fraction[24];
    for (int i = digits; i-- > 0; rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
    out += '.';
    out.append(fraction, static_cast<std::size_t>(digits));
}

// A bound as OpenMetrics wants it: `1.0`, `0.005`, `100000.0`, `1e+06`. (Prometheus 3 rewrites others to this on ingestion.)
inline void put_bound(std::string& out, double bound) {
    if (bound == 0) return void(out += "0.0");
    const int exponent = static_cast<int>(std::floor(std::log10(std::fabs(bound))));
    char digits[400];
    const auto format = exponent < -5 || exponent >= 6 ? std::chars_format::scientific : std::chars_format::fixed;
    const auto end = std::to_chars(digits, digits + sizeof digits, bound, format).ptr;
    const std::string_view text(digits, static_cast<std::size_t>(end - digits));
    out += text;
    if (text.find_first_of(".e") == text.npos) out += ".0";
}

// `\\`, `\n` and, where `quotes`, `\"`: label values always, help texts in OpenMetrics only.
inline void put_escaped(std::string& out, std::string_view text, bool quotes) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '\\' && c != '\n' && !(c == '"' && quotes)) continue;
        out.append(text, from, i - from);
        out += '\\';
        out += c == '\n' ? 'n' : c;
        from = i + 1;
    }
    out.append(text, from);
}

// `http.route` -> `http_route`: what Prometheus allows in a label's name; a leading digit gets `_` in front.
inline void put_label_name(std::string& out, std::string_view name) {
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char c : name) out += is_alphanumeric(c) ? c : '_';
}

inline void put_label(std::string& out, std::string_view name, std::string_view value) {
    if (!out.empty() && out.back() == '"') out += ',';
    put_label_name(out, name);
    out += "=\"";
    put_escaped(out, value, true);
    out += '"';
}

}  // namespace apm::inline APM_ABI::detail::prometheus_text
