// Trees of spans as text for people.
//
//     12.3 ms  checkout order_id=7 coupon="X"
//              │  +1.20ms retry attempt=2
//     1.20 ms  ├─ reserve
//     10.1 ms  └─ pay  ERROR: the card was declined
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <apm/backend/console/span_tree.hpp>
#include <apm/backend/table.hpp>
#include <apm/config.hpp>
#include <apm/detail/hex.hpp>

namespace apm::inline APM_ABI {

struct span_text_options {
    bool attributes = true;  // those of spans, events and links
    bool colours = false;    // ANSI escape sequences, for a terminal
};

namespace detail {

// Three significant digits and the unit; above 999 s, whole seconds. In integers: printf's decimal point is the locale's.
inline std::string short_time(std::uint64_t ns, const char* space = " ") {
    if (ns < 1000) return std::to_string(ns) + space + "ns";
    static constexpr struct { std::uint64_t size; const char* name; } units[] = {{1'000, "us"}, {1'000'000, "ms"},
                                                                                 {1'000'000'000, "s"}};
    for (const auto& u : units) {
        const std::uint64_t whole = ns / u.size, rounded = whole + (ns % u.size >= u.size / 2);
        const bool is_last = &u == &units[2];
        if (rounded >= 1000 && !is_last) continue;
        std::string text;
        const std::uint64_t hundredths = whole < 10 ? (ns * 100 + u.size / 2) / u.size : 1000;
        const std::uint64_t tenths = whole < 100 ? (ns * 10 + u.size / 2) / u.size : 1000;
        if (hundredths < 1000) text = std::to_string(hundredths + 1000).substr(1).insert(1, ".");
        else if (tenths < 1000) text = std::to_string(tenths).insert(2, ".");
        else text = std::to_string(rounded);
        return text + space + u.name;
    }
    return {};
}

inline std::string hexadecimal(std::uint64_t n) {
    std::string text;
    append_hex(text, n);
    return text;
}

// At most so many bytes of text are shown of one value; the rest is an ellipsis.
inline constexpr std::size_t all_of_it = ~std::size_t{0};
inline std::string_view shortened(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (text[most] & 0xc0) == 0x80) --most;
    return text.substr(0, most);
}
inline void put_shown(std::string& out, const attribute_value& value, std::size_t most) {
    const auto number = [&](auto n) {
        char digits[32];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
    };
    const auto visitor = [&]<class V>(const V& v) {
        if constexpr (std::same_as<V, bool>) out += v ? "true" : "false";
        else if constexpr (std::same_as<V, std::string>) {
            out += '"';
            const std::string_view shown = shortened(v, most);
            for (std::size_t at = 0; at < shown.size();) {
                const std::size_t next = (std::min)(shown.find_first_of("\"\\", at), shown.size());
                put_safely(out, shown.substr(at, next - at));
                if (next < shown.size()) (out += '\\') += shown[next];
                at = next + 1;
            }
            out += shown.size() < v.size() ? "…\"" : "\"";
        } else if constexpr (requires { v.size(); }) {
            const std::size_t before = out.size();
            out += '[';
            for (std::size_t i = 0; i < v.size(); ++i) {
                if (i) out += ',';
                if (out.size() - before > most) {
                    out += "…";
                    break;
                }
                number(v[i]);
            }
            out += ']';
        } else number(v);
    };
    std::visit(visitor, value);
}
inline void put_shown(std::string& out, const attribute_data& a, std::size_t most) {
    put_safely(out, a.name);
    put_shown(out += '=', a.value, most);
}

class span_printer {
public:
    span_printer(std::string& out, const span_text_options& options) : out_(out), options_(options) {}

    void put(const span_tree::place& at) {
        const std::size_t level = (std::min)(at.depth, most_indent);
        if (open_.size() <= level) open_.resize(level + 1);
        if (at.depth <= most_indent) open_[level] = !at.last;
        if (at.span) return put_span(at, *at.span);
        margin("", 0);
        coloured(dim, "(parent " + hexadecimal(at.missing.id) + " is not here)");
        out_ += '\n';
    }

private:
    static constexpr const char *dim = "\033[2m", *red = "\033[31m", *cyan = "\033[36m";
    static constexpr std::size_t most_indent = 32;  // levels; below that, the level is a number
    static constexpr std::size_t longest_value = 200;

    void coloured(const char* colour, std::string_view text) {
        if (options_.colours) out_ += colour;
        out_ += text;
        if (options_.colours) out_ += "\033[0m";
    }
    // The column of durations, and the lines down from the spans above: of `levels` levels.
    void margin(const std::string& duration, std::size_t levels, const char* end = "") {
        std::string text(duration.size() < 7 ? 7 - duration.size() : 0, ' ');
        text.append(duration).append("  ");
        for (std::size_t i = 1; i <= levels; ++i) text.append(open_[i] ? "│  " : "   ");
        coloured(dim, text += end);
    }
    void put_attributes(const std::vector<attribute_data>& all) {
        if (!options_.attributes || all.empty()) return;
        std::string text;
        for (const attribute_data& a : all) put_shown(text += ' ', a, longest_value);
        coloured(cyan, text);
    }
    void put_name(std::string_view name, bool failed) {
        std::string text;
        put_safely(text, name.empty() ? "(no name)" : name);
        if (failed) coloured(red, text);
        else out_ += text;
    }
    void put_span(const span_tree::place& at, const span_data& s) {
        const std::size_t level = (std::min)(at.depth, most_indent);
        const bool failed = s.status == span_status::error;
        if (at.depth == 0) margin(short_time(s.duration), 0);
        else if (at.depth <= most_indent) margin(short_time(s.duration), level - 1, at.last ? "└─ " : "├─ ");
        else margin(short_time(s.duration), level, ("[" + std::to_string(at.depth) + "] ").c_str());
        put_name(s.name, failed);
        put_attributes(s.attributes);
        if (failed) {
            std::string text = s.message.empty() ? "  ERROR" : "  ERROR: ";
            put_safely(text, s.message);
            coloured(red, text);
        }
        if (at.depth == 0 && s.parent_is_remote)
            coloured(dim, "  (parent " + hexadecimal(s.parent) + " in another process)");
        out_ += '\n';

        const char* const below = at.leaf || at.depth >= most_indent ? "   " : "│  ";
        for (const event_data& e : s.events) {
            margin("", level, below);
            coloured(dim, '+' + short_time(e.time > s.start ? e.time - s.start : 0, "") + ' ');
            put_name(e.name, false);
            put_attributes(e.attributes);
            out_ += '\n';
        }
        for (const link_data& l : s.links) {
            margin("", level, below);
            out_ += "link to " + hexadecimal(l.context.span) + " of trace " + hexadecimal(l.context.trace.high) +
                    hexadecimal(l.context.trace.low);
            put_attributes(l.attributes);
            out_ += '\n';
        }
        if (const auto& d = s.dropped; d.attributes | d.events | d.links) {
            margin("", level, below);
            coloured(dim, "left out: " + std::to_string(d.attributes) + " attributes, " + std::to_string(d.events) +
                              " events, " + std::to_string(d.links) + " links");
            out_ += '\n';
        }
    }

    std::string& out_;
    span_text_options options_;
    std::vector<char> open_;  // by level: whether the span above has a sibling below, to which a line leads down
};

}  // namespace detail

// Durations first; errors with their message; under a span its events, by when they were after its start, and its links. Control
// characters are shown, not sent: names and values may be untrusted. Below 32 levels a number says how deep a span
// is, so that lines stay short and the whole is linear.
inline std::string to_text(const span_tree& tree, const span_text_options& options = {}) {
    std::string text;
    detail::span_printer printer(text, options);
    tree.each([&](const span_tree::place& at) { printer.put(at); });
    return text;
}

}  // namespace apm::inline APM_ABI
