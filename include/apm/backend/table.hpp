// A snapshot as a table for people: totals with rates, present values, distributions with quantiles.
//
//     apm::print_table();                            // at the end of main: everything, to standard output
//     std::string text = apm::to_table(reader.collect());        // of the last minute, for a status page or a log
//
// Series that recorded nothing are left out; a row of which that is true of all is one line that says so.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend/quantile.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/hex.hpp>

namespace apm::inline APM_ABI {

struct table_options {
    bool own = false;  // the library's own rows too (schema/apm.hpp)
};

namespace detail {

// Not printf: its decimal point is the locale's.
inline std::string digits(double v, std::chars_format format, int precision) {
    char text[400];
    return {text, std::to_chars(text, text + sizeof text, v, format, precision).ptr};
}
// As many digits as a reader can use: 12345, 1234.6, 12.35, 0.00123.
inline std::string readable(double v) {
    const double size = std::fabs(v);
    if (v == std::floor(v) && size < 1e15) return digits(v, std::chars_format::fixed, 0);
    if (size >= 100 && size < 1e15) return digits(v, std::chars_format::fixed, 1);
    if (size >= 1 && size < 100) return digits(v, std::chars_format::fixed, 2);
    return digits(v, std::chars_format::general, 3);
}
// The largest of these units of which v is at least one.
struct scaled_unit {
    double size;
    const char* name;
};
template <std::size_t N>
std::string in_units(double v, const scaled_unit (&largest_first)[N]) {
    const scaled_unit* u = largest_first;
    while (u != largest_first + N - 1 && std::fabs(v) < u->size) ++u;
    return readable(v / u->size) + ' ' + u->name;
}
inline std::string with_unit(double v, const unit_info& unit) {
    static constexpr scaled_unit times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    static constexpr scaled_unit sizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}};
    if (unit.kept_as == number::nanoseconds) return in_units(v * unit.scale, times);
    if (equal(unit.ucum, "By")) return in_units(v, sizes);
    std::string name = unit.ucum;
    std::erase_if(name, [](char c) { return c == '{' || c == '}'; });
    return name.empty() || name == "1" ? readable(v) : readable(v) + ' ' + name;
}

// Label values may be untrusted, and a terminal executes escape sequences.
inline void put_safely(std::string& out, std::string_view text) {
    char before = '\0';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        // In UTF-8, C2 80 to C2 9F are commands, too.
        if (byte >= 0x20 && byte != 0x7f && !(before == '\xc2' && byte < 0xa0)) {
            out += c;
        } else {
            append_hex(out.append("\\x"), byte, 2);
        }
        before = c;
    }
}
inline std::string shown_name(const row& r, const series_view& s) {
    std::string text = r.name;
    char separator = '{';
    s.labels([&](std::string_view name, std::string_view value) {
        text += std::exchange(separator, ',');
        put_safely(text.append(name).append("="), value);
    });
    if (separator == ',') text += '}';
    return text;
}

// Lines of cells, of which the first is aligned left and the others right.
struct text_table {
    std::vector<std::vector<std::string>> lines;

    static std::size_t width(std::string_view cell) {  // in characters: continuation bytes of UTF-8 take no room
        return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    }
    void print(std::string& out, std::size_t first_width) const {
        std::vector<std::size_t> widths;
        for (const auto& line : lines)
            for (std::size_t i = 0; i < line.size(); ++i) {
                if (i == widths.size()) widths.push_back(0);
                widths[i] = (std::max)(widths[i], width(line[i]));
            }
        for (const auto& line : lines) {
            std::string text = line[0];
            text.append((std::max)(first_width, width(line[0])) - width(line[0]), ' ');
            for (std::size_t i = 1; i < line.size(); ++i) text.append(2 + widths[i] - width(line[i]), ' ').append(line[i]);
            out.append(text) += '\n';
        }
    }
};

inline bool recorded_something(const row& r, const series_view& s) {
    if (r.kind == kind::histogram) return s.count() > 0;
    return r.kind == kind::gauge || s.integer() != 0;
}
inline std::vector<std::string> table_line(const row& r, const series_view& s, double interval) {
    const auto per_second = [&](double n) { return interval > 0 ? readable(n / interval) : std::string("-"); };
    std::vector<std::string> line{"  " + shown_name(r, s)};
    if (r.kind == kind::histogram) {
        const auto n = static_cast<double>(s.count());
        line.push_back(readable(n));
        line.push_back(per_second(n));
        line.push_back(with_unit(s.sum() / n, *r.unit));
        for (const double q : {0.5, 0.95, 0.99}) {
            const estimate e = quantile(r, s, q);
            line.push_back((e.above ? "> " : "") + with_unit(e.value, *r.unit));
        }
    } else {
        line.push_back(with_unit(s.real(), *r.unit));
        if (r.kind == kind::counter) line.push_back(per_second(s.real()));
    }
    return line;
}

}  // namespace detail

// One section for each kind of row, rows in order of declaration. Rates are per second of the snapshot's interval, quantiles
// are estimates (quantile.hpp), "> x" means above the last bound. Any thread; no state; throws std::bad_alloc.
inline std::string to_table(const snapshot& s, const table_options& options = {}) {
    const double interval = s.time > s.started ? static_cast<double>(s.time - s.started) / 1e9 : 0;
    detail::text_table counters{{{"counters", "total", "per s"}}}, values{{{"now", "value"}}},
        histograms{{{"histograms", "count", "per s", "mean", "p50", "p95", "p99"}}};
    std::string notes;
    for (const family& f : s.families) {
        if (!options.own && std::string_view(f.schema->name) == "apm") continue;
        const row& r = *f.row;
        detail::text_table& section = r.kind == kind::counter ? counters : r.kind == kind::histogram ? histograms : values;
        const std::size_t before = section.lines.size();
        for (const series_view& x : f.series)
            if (detail::recorded_something(r, x)) section.lines.push_back(detail::table_line(r, x, interval));
        if (section.lines.size() == before)
            section.lines.push_back({std::string("  ") + r.name, r.kind == kind::gauge ? "never set" : "0"});
        const auto note = [&](std::uint64_t n, const char* what) {
            if (n) notes.append(r.name).append(": ").append(std::to_string(n)).append(what) += '\n';
        };
        note(f.overflowed, " records went to its overflow series");
        note(f.rejected, " values rejected");
    }
    std::size_t width = 0;
    const auto sections = {&counters, &values, &histograms};
    for (const detail::text_table* t : sections)
        for (const auto& line : t->lines) width = (std::max)(width, detail::text_table::width(line[0]));
    std::string text;
    for (const detail::text_table* t : sections) {
        if (t->lines.size() == 1) continue;
        if (!text.empty()) text += '\n';
        t->print(text, std::min<std::size_t>(width, 72));
    }
    return notes.empty() ? text : text + '\n' + notes;
}

// Everything recorded since the process began. Nothing where APM is compiled out.
template <mode M = APM_MODE>
void print_table(std::FILE* to = stdout, const table_options& options = {}) {
    if constexpr (M == mode::on) std::fputs(to_table(collect(), options).c_str(), to);
}

}  // namespace apm::inline APM_ABI
