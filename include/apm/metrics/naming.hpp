// Names: what a metric and a label may be called, and what Prometheus calls them.
//
// The mapping is OpenTelemetry's (specification, compatibility/prometheus_and_openmetrics.md): other characters become `_`,
// the unit's word is put behind the name, counters end in `_total`. It is constant evaluation, because two rows whose
// samples would collide in Prometheus are rejected when the schema is compiled.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>
#include <apm/detail/fixed_string.hpp>
#include <apm/detail/hash.hpp>

namespace apm::inline APM_ABI {

enum class kind : std::uint8_t { counter, updown, gauge, histogram };
constexpr bool is_sum(kind k) { return k == kind::counter || k == kind::updown; }

namespace detail {

// [a-z][a-z0-9_]*(\.[a-z0-9_]+)*, at most 255 characters: OpenTelemetry's grammar, lower case, without `-` and `/`.
constexpr bool valid_metric_name(const char* name) {
    if (!is_lower(*name)) return false;
    std::size_t n = 0;
    for (; name[n]; ++n) {
        const char c = name[n];
        if (!(is_lower(c) || is_digit(c) || c == '_' || c == '.')) return false;
        if (c == '.' && (name[n + 1] == '.' || name[n + 1] == '\0')) return false;
    }
    return n <= 255;
}
// Does it begin so in Prometheus, where a dot is `_`?
constexpr bool begins_in_prometheus(const char* name, const char* with) {
    for (; *with; ++name, ++with)
        if ((*name == '.' ? '_' : *name) != *with) return false;
    return true;
}
// [a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*, and more than `_`. In Prometheus, what begins with `__` is Prometheus' own, and so
// are `le` and `quantile`; what begins with `otel_scope_` is the scope's: one label that came twice would make the whole
// exposition invalid.
constexpr bool valid_label_name(const char* name) {
    if (!(is_alphanumeric(*name) && !is_digit(*name)) && !(*name == '_' && name[1])) return false;
    if (begins_in_prometheus(name, "__") || begins_in_prometheus(name, "otel_scope_")) return false;
    for (const char* c = name; *c; ++c) {
        if (!is_alphanumeric(*c) && *c != '_' && *c != '.') return false;
        if (*c == '.' && (c[1] == '.' || c[1] == '\0')) return false;
    }
    return !equal(name, "le") && !equal(name, "quantile");
}
// Two names that are one in Prometheus.
constexpr bool same_in_prometheus(const char* a, const char* b) {
    for (; *a && *b; ++a, ++b)
        if ((*a == '.' ? '_' : *a) != (*b == '.' ? '_' : *b)) return false;
    return *a == *b;
}
constexpr bool valid_prometheus_name(const char* name) {
    if (!is_alphanumeric(*name) && *name != '_') return false;
    if (is_digit(*name)) return false;
    for (; *name; ++name)
        if (!is_alphanumeric(*name) && *name != '_') return false;
    return true;
}

struct unit_word {
    const char* ucum;
    const char* word;
    const char* singular;  // behind `_per_`
};
inline constexpr unit_word unit_words[] = {
    {"s", "seconds", "second"}, {"ms", "milliseconds", "millisecond"}, {"us", "microseconds", "microsecond"},
    {"ns", "nanoseconds", "nanosecond"}, {"min", "minutes", "minute"}, {"h", "hours", "hour"}, {"d", "days", "day"},
    {"w", "weeks", "week"}, {"mo", "months", "month"}, {"y", "years", "year"}, {"By", "bytes", "byte"},
    {"KiBy", "kibibytes", "kibibyte"}, {"MiBy", "mebibytes", "mebibyte"}, {"GiBy", "gibibytes", "gibibyte"},
    {"TiBy", "tebibytes", "tebibyte"}, {"kBy", "kilobytes", "kilobyte"}, {"MBy", "megabytes", "megabyte"},
    {"GBy", "gigabytes", "gigabyte"}, {"TBy", "terabytes", "terabyte"}, {"m", "meters", "meter"}, {"V", "volts", "volt"},
    {"A", "amperes", "ampere"}, {"J", "joules", "joule"}, {"W", "watts", "watt"}, {"g", "grams", "gram"},
    {"Cel", "celsius", "celsius"}, {"Hz", "hertz", "hertz"}, {"%", "percent", "percent"},
};

// A name under construction: constant evaluation and run time alike.
template <std::size_t Capacity>
struct buffer_of {
    char text[Capacity];
    std::size_t size = 0;

    constexpr buffer_of() {}  // not zeroed: so many steps would be most of what a schema costs to compile
    constexpr void put(char c) {
        if (!is_alphanumeric(c) && c != ':') c = '_';
        if (c == '_' && size > 0 && text[size - 1] == '_') return;
        if (size < sizeof text - 1) text[size++] = c;
    }
    constexpr void put(const char* s) {
        for (; *s; ++s) {
            if (*s >= 'a' && *s <= 'z' && size < sizeof text - 1) text[size++] = *s;  // most are: spares the compiler a call
            else put(*s);
        }
    }
    constexpr void put_exactly(const char* s) {
        while (*s && size < sizeof text - 1) text[size++] = *s++;
    }
    [[nodiscard]] constexpr bool ends_in(const char* word) const {  // as a whole part of the name
        return ends_with(text, size, word) && (size == length(word) || text[size - length(word) - 1] == '_');
    }
    constexpr const char* c_str() { return text[size] = '\0', text; }
};
using name_buffer = buffer_of<600>;

// The suffix a unit gives: a word, two joined by `_per_`, or nothing.
constexpr void put_unit(name_buffer& out, const char* ucum, kind k, bool floating) {
    if (equal(ucum, "1")) {
        if (k == kind::gauge && floating && !out.ends_in("ratio")) out.put("_ratio");
        return;
    }
    buffer_of<192> word;  // of two parts of 63 at most
    const char* abbreviation = ucum;
    bool braces = false, per = false;
    char part[64];
    std::size_t n = 0;
    for (const char* c = ucum;; ++c) {
        if (*c == '{') braces = true;
        if (*c && *c != '/' && !braces && n < sizeof part - 1) part[n++] = *c;
        if (*c == '}') braces = false;
        if (*c && *c != '/') continue;
        part[n] = '\0';
        if (n > 0 && !equal(part, "1")) {
            const char* full = part;
            for (const unit_word& w : unit_words)
                if (equal(w.ucum, part)) full = per ? w.singular : w.word;
            if (per) word.put(word.size ? "_per_" : "per_");
            word.put(full);
        }
        n = 0;
        if (!*c) break;
        per = true;
    }
    if (word.size == 0) return;
    // `api_latency_ms` has its unit; it must not become `api_latency_ms_milliseconds`.
    if (out.ends_in(word.c_str()) || out.ends_in(abbreviation)) return;
    out.put('_');
    out.put(word.c_str());
}

// The family's name, without `_total`: `shop.checkout.duration` in seconds -> `shop_checkout_duration_seconds`.
constexpr void put_family(name_buffer& out, const char* name, const char* given, const char* ucum, kind k, bool floating) {
    if (given) out.put_exactly(given);
    else out.put(name);
    if (k == kind::counter && out.ends_in("total") && out.size > 6) out.size -= 6;
    if (!given) put_unit(out, ucum, k, floating);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
