// The words of the text formats: names, escapes and numbers, none of which depends on the program's locale.
// Sources: Prometheus exposition format 0.0.4; OpenMetrics 1.0 (specification/OpenMetrics.md).
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/utf8_text.hpp>
#include <apm/metrics/naming.hpp>

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
inline void put_scaled(std::string& out, std::uint64_t n, double scale) {
    int digits = 0;
    double power = 1;
    while (power < scale) power *= 10, ++digits;
    if (power != scale) return put_double(out, static_cast<double>(n) / scale);
    const auto divisor = static_cast<std::uint64_t>(scale);
    put_integer(out, n / divisor);
    std::uint64_t rest = n % divisor;
    if (rest == 0) return;
    while (rest % 10 == 0) rest /= 10, --digits;
    char fraction[24];
    for (int i = digits; i-- > 0; rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
    out += '.';
    out.append(fraction, static_cast<std::size_t>(digits));
}
inline void put_scaled(std::string& out, std::int64_t n, double scale) {
    if (n < 0) out += '-';
    put_scaled(out, n < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n), scale);
}

// A bound as OpenMetrics wants it: `1.0`, `0.005`, `100000.0`, `1e-05`, `1e+06`. (Prometheus 3 rewrites others to this on
// ingestion.)
inline void put_bound(std::string& out, double bound) {
    if (bound == 0) return void(out += "0.0");
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, bound, std::chars_format::scientific).ptr;
    std::string_view text(digits, static_cast<std::size_t>(end - digits));
    // The exponent as it is written, since a logarithm may round to the next one.
    const std::string_view exponent = text.substr(text.find('e') + 1);
    int e = 0;
    read_integer(exponent.substr(1), e);
    if (exponent[0] == '-' ? e <= 4 : e < 6) {
        const auto shorter = std::to_chars(digits, digits + sizeof digits, bound, std::chars_format::fixed).ptr;
        text = {digits, static_cast<std::size_t>(shorter - digits)};
    }
    out += text;
    if (text.find_first_of(".e") == text.npos) out += ".0";
}

// `\\`, `\n` and, where `quotes`, `\"`: label values always, help texts in OpenMetrics only. What is not UTF-8 becomes U+FFFD:
// one bad byte, and the scraper would reject the whole exposition.
inline void put_escaped(std::string& out, std::string_view text, bool quotes) {
    append_utf8(
        out, text, [quotes](char c) { return c == '\\' || c == '\n' || (c == '"' && quotes); },
        [&out](char c) { out += '\\', out += c == '\n' ? 'n' : c; });
}

// `http.route` -> `http_route`: what Prometheus allows in a label's name; a leading digit gets `_` in front, and what would
// begin with `__`, which Prometheus keeps for itself, gets `key`.
inline void put_label_name(std::string& out, std::string_view name) {
    const std::size_t from = out.size();
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char c : name) out += is_alphanumeric(c) ? c : '_';
    if (out.compare(from, 2, "__") == 0) out.insert(from, "key");
}

// The same for a metric's, which may have colons, too.
inline void put_metric_name(std::string& out, std::string_view name) {
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char c : name) out += is_alphanumeric(c) || c == ':' ? c : '_';
}

inline void put_label(std::string& out, std::string_view name, std::string_view value) {
    if (!out.empty() && out.back() == '"') out += ',';
    put_label_name(out, name);
    out += "=\"";
    put_escaped(out, value, true);
    out += '"';
}

}  // namespace apm::inline APM_ABI::detail::prometheus_text
