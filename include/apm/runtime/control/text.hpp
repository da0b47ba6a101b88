// Sampling and control as text: what OTEL_TRACES_SAMPLER names, and lines key=value, which the watched file has, which the
// endpoint /control takes, and by which it says what is in effect.
//
//     # comment
//     sample_rate=0.5            parent_based(probability(0.5)); or sampler=NAME[:ARGUMENT], as in OTEL_TRACES_SAMPLER
//     row.checkout=1             traces that begin with this row: a share, or always_on, always_off, probability:0.5,
//                                traceidratio:0.5, rate_limited:5
//     max_level=2                the highest recorded; 255 or all: every
//     tail_errors=true
//     tail_slower_than=500       milliseconds; 0: that is no reason
//     tail_bytes=16777216
//     tracing=off
//
// A key without a value goes back to what the start had.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/real.hpp>
#include <apm/tracing/sampler.hpp>

namespace apm::inline APM_ABI::detail {

// Samplers that have a name, and what their argument may be.
struct named_sampler {
    const char* name;
    sampler (*make)(double);
    double low, high;      // of the argument; both 0: there is none
    const char* argument;  // in words
};
inline constexpr named_sampler named_samplers[] = {
    {"always_on", [](double) { return sampler(always_on); }, 0, 0, ""},
    {"always_off", [](double) { return sampler(always_off); }, 0, 0, ""},
    {"traceidratio", [](double x) { return trace_id_ratio(x); }, 0, 1, "a number from 0 to 1"},
    {"probability", [](double x) { return probability(x); }, 0, 1, "a number from 0 to 1"},
    {"rate_limited", [](double x) { return rate_limited(x); }, 0, 1e9, "how many a second"},
};
inline const named_sampler* sampler_named(std::string_view name) {
    for (const named_sampler& n : named_samplers)
        if (name == n.name) return &n;
    return nullptr;
}
inline bool takes_argument(const named_sampler& n) { return n.high > 0; }
// Of what is not within its bounds, nothing.
inline std::optional<sampler> made_of(const named_sampler& n, std::string_view argument) {
    double x = 0;
    if (!takes_argument(n)) return argument.empty() ? std::optional(n.make(0)) : std::nullopt;
    if (!read_real(argument, x) || !(x >= n.low && x <= n.high)) return {};
    return n.make(x);
}

// "probability:0.1"; empty where it has no name. The shortest number that makes the same sampler.
inline std::string words_for(const sampler& s) {
    for (const named_sampler& n : named_samplers) {
        if (!takes_argument(n)) {
            if (s == n.make(0)) return n.name;
            continue;
        }
        double about = 0;
        if (s.decide == sample_by_ratio && s.decide == n.make(0.5).decide) about = static_cast<double>(s.number) * 0x1p-64;
        else if (s.decide == sample_by_threshold && s.decide == n.make(0.5).decide)
            about = static_cast<double>(randomness_end - s.number) * 0x1p-56;
        else if (s.decide == sample_by_rate && s.decide == n.make(0.5).decide) about = 1e9 / static_cast<double>(s.number);
        else continue;
        for (int digits = 1; digits <= 17; ++digits) {
            char number[40];
            const auto end = std::to_chars(number, number + sizeof number, about, std::chars_format::general, digits).ptr;
            const std::string_view text(number, static_cast<std::size_t>(end - number));
            double same = 0;
            if (!read_real(text, same) || n.make(same) != s) continue;
            return n.name + (':' + std::string(number, std::to_chars(number, number + sizeof number, same).ptr));
        }
    }
    return {};
}
inline constexpr std::string_view parent_based_prefix = "parentbased_";
inline std::string words_for(const sampling_rules& r) {
    std::string root = words_for(r.root);
    if (root.empty() || r == sampling_rules(r.root)) return root;
    return r == parent_based(r.root) ? std::string(parent_based_prefix) + root : std::string();
}

// Of a line's value: NAME or NAME:ARGUMENT; with parentbased_ before it where `whole`.
inline std::optional<sampling_rules> read_rules(std::string_view text, bool whole) {
    const bool follows = whole && text.starts_with(parent_based_prefix);
    if (follows) text.remove_prefix(parent_based_prefix.size());
    const std::size_t colon = text.find(':');
    const named_sampler* const n = sampler_named(text.substr(0, colon));
    if (!n) return {};
    const auto s = made_of(*n, colon == text.npos ? std::string_view() : text.substr(colon + 1));
    if (!s) return {};
    return follows ? parent_based(*s) : sampling_rules(*s);
}

// The highest values of settings that lines and variables have in common.
inline constexpr std::int64_t longest_slower_than = 86'400'000;  // milliseconds: a day
inline constexpr std::uint64_t most_tail_bytes = 1ull << 40;

// One line that was understood.
struct edit {
    enum what : std::uint8_t { no_change, sampler, row, max_level, tail_errors, tail_slower_than, tail_bytes, tracing };
    what of = no_change;
    std::string name = {};    // of a row
    std::string value = {};   // as it stood there
    bool back = false;        // to what the start had
    sampling_rules rules = parent_based(always_on);
    std::uint64_t number = 0;
    std::size_t line = 0;     // where it stood, from 1; two that say the same are equal wherever they stand

    [[nodiscard]] bool same_place(const edit& other) const { return of == other.of && name == other.name; }
    friend bool operator==(const edit& a, const edit& b) {
        return a.same_place(b) && a.value == b.value && a.back == b.back && a.rules == b.rules && a.number == b.number;
    }
};
struct bad_line {
    std::size_t number;  // from 1
    std::string why;
    edit::what of;       // what it is about, if that was understood
    std::string name;
};

inline bool read_switch(std::string_view text, std::uint64_t& value) {
    if (text == "true" || text == "on") return value = 1, true;
    return text == "false" || text == "off" ? (value = 0, true) : false;
}

// As much of a key as a message has room for.
inline std::string shortened(std::string_view key) {
    constexpr std::size_t most = 100;
    return key.size() <= most ? std::string(key) : std::string(key.substr(0, most)) + "...";
}

// Empty: understood. Else what is allowed.
inline std::string read_line(std::string_view line, edit& e) {
    e = {};
    if (line.empty() || line.front() == '#') return {};
    const std::size_t equals = line.rfind('=');
    const std::string_view key = trimmed(line.substr(0, equals));
    const std::string_view value = equals == line.npos ? std::string_view() : trimmed(line.substr(equals + 1));
    e.value = value;
    e.back = value.empty();
    if (equals == line.npos) return "is no key=value";
    const auto number = [&](std::uint64_t most) { return e.back || read_integer(value, e.number, 0, most); };
    const auto on_or_off = [&] { return e.back || read_switch(value, e.number); };
    const auto read = [&](edit::what of, bool well, const char* allowed) {
        e.of = of;
        return well ? std::string() : shortened(key) + " takes " + allowed;
    };
    constexpr const char* share = "a number from 0 to 1";
    double rate = 0;
    if (key == "sample_rate") {
        const bool well = e.back || (read_real(value, rate) && rate >= 0 && rate <= 1);
        e.rules = parent_based(probability(rate));
        return read(edit::sampler, well, share);
    }
    if (key == "sampler") {
        const auto rules = read_rules(value, true);
        if (rules) e.rules = *rules;
        return read(edit::sampler, e.back || rules,
                    "[parentbased_]always_on, [parentbased_]always_off, or [parentbased_]probability, traceidratio (:0.1, from 0 "
                    "to 1) or rate_limited (:20, a second)");
    }
    if (key.starts_with("row.") && key.size() > 4) {
        if (key.find('\0') != key.npos) return "is about a row whose name has a zero byte";
        e.name = key.substr(4);
        auto rules = read_rules(value, false);
        if (read_real(value, rate) && rate >= 0 && rate <= 1) rules = probability(rate);
        if (rules) e.rules = *rules;
        return read(edit::row, e.back || rules, "a number from 0 to 1, always_on, always_off, probability:0.1, traceidratio:0.1 "
                    "or rate_limited:20");
    }
    if (key == "max_level") {
        if (value == "all") return e.number = control::every_level, read(edit::max_level, true, "");
        return read(edit::max_level, number(control::every_level), "a number from 0 to 255, or all");
    }
    constexpr const char* either = "true or false";
    if (key == "tail_errors") return read(edit::tail_errors, on_or_off(), either);
    if (key == "tail_slower_than")
        return read(edit::tail_slower_than, number(longest_slower_than), "milliseconds, from 0 to 86400000");
    if (key == "tail_bytes")
        return read(edit::tail_bytes, number(most_tail_bytes), "a number of bytes, from 0 to 1099511627776");
    if (key == "tracing") return read(edit::tracing, on_or_off(), "on or off");
    return shortened(key) + " is unknown; there are sample_rate, sampler, row.NAME, max_level, tail_errors, tail_slower_than, "
           "tail_bytes and tracing";
}

inline constexpr std::size_t most_bad_lines = 20;  // that are said of one text; of the rest, how many there are
struct control_lines {
    std::vector<edit> edits;      // of each place the last
    std::vector<bad_line> bad;
};
inline control_lines read_control(std::string_view text) {
    control_lines all;
    std::size_t number = 0;
    split(text, '\n', [&](std::string_view line) {
        ++number;
        if (line.ends_with('\r')) line = trimmed(line.substr(0, line.size() - 1));
        edit e;
        if (std::string why = read_line(line, e); !why.empty()) {
            all.bad.push_back({number, std::move(why), e.of, e.name});
        } else if (e.of != edit::no_change) {
            e.line = number;
            std::erase_if(all.edits, [&e](const edit& x) { return x.same_place(e); });
            all.edits.push_back(std::move(e));
        }
    });
    return all;
}

inline std::string no_room_for_row() {
    return "there have been rows of " + std::to_string(controls::most_rows) + " names, and there is no room for another";
}

// Does all of it, or nothing, and says why. `start`: what a line without a value goes back to. Any thread.
inline std::string apply_all(const std::vector<edit>& edits, const control::state& start) {
    constexpr mode on = mode::on;
    controls& c = controls::all();
    const lock guard(c.guard);
    const auto new_names = std::count_if(edits.begin(), edits.end(), [&c](const edit& e) {
        return e.of == edit::row && !e.back && !c.rows.knows(e.name);
    });
    if (!c.rows.has_room(static_cast<std::size_t>(new_names)))
        return no_room_for_row();
    const tail_rules before = control::now<on>().tail_sampling;
    tail_rules rules = before;
    for (const edit& e : edits) {
        if (e.of == edit::tail_errors) rules.errors = e.back ? start.tail_sampling.errors : e.number != 0;
        if (e.of == edit::tail_slower_than)
            rules.slower_than_ns = e.back ? start.tail_sampling.slower_than_ns : e.number * 1'000'000;
        if (e.of == edit::tail_bytes) rules.bytes = e.back ? start.tail_sampling.bytes : e.number;
    }
    if (rules != before && !control::tail_sample<on>(rules))
        return "there have been " + std::to_string(c.most_tail_rules) +
               " different rules for tail sampling, and there is no room for another";
    for (const edit& e : edits) {
        switch (e.of) {
            case edit::no_change: case edit::tail_errors: case edit::tail_slower_than: case edit::tail_bytes: break;
            case edit::sampler: control::sample_with<on>(e.back ? start.sampler : e.rules); break;
            case edit::row: {
                sampler rule = e.back ? sampler() : e.rules.root;
                for (const auto& [name, of_start] : start.rows)
                    if (e.back && name == e.name) rule = of_start;
                control::sample_row<on>(e.name, rule);
                break;
            }
            case edit::max_level: control::max_level<on>(e.back ? start.max_level : static_cast<int>(e.number)); break;
            case edit::tracing: control::tracing<on>(e.back ? start.tracing : e.number != 0); break;
        }
    }
    return {};
}

// Does what there is room for. Returns the rest; throws before it does anything.
struct no_room {
    edit what;
    std::string why;
};
inline std::vector<no_room> apply_what_fits(std::vector<edit> edits, const control::state& start) {
    controls& c = controls::all();
    const lock guard(c.guard);
    std::vector<no_room> rest;
    rest.reserve(edits.size());
    std::size_t fresh = 0;
    const auto fits = [&](const edit& e) {
        return e.of != edit::row || e.back || c.rows.knows(e.name) || (c.rows.has_room(fresh + 1) && ++fresh);
    };
    for (edit& e : edits)
        if (!fits(e)) rest.push_back({e, no_room_for_row()}), e.of = edit::no_change;
    if (const std::string why = apply_all(edits, start); !why.empty()) {  // there are too many rules for tail sampling
        for (edit& e : edits)
            if (e.of == edit::tail_errors || e.of == edit::tail_slower_than || e.of == edit::tail_bytes)
                rest.push_back({e, why}), e.of = edit::no_change;
        apply_all(edits, start);
    }
    return rest;
}

// What is in effect, in lines that can be given back.
inline std::string words_for(const control::state& s) {
    std::string all;
    const auto line = [&all](std::string_view key, std::string_view value) { all.append(key).append("=").append(value) += '\n'; };
    const std::string rules = words_for(s.sampler), rate = "parentbased_probability:";
    if (rules.starts_with(rate)) line("sample_rate", std::string_view(rules).substr(rate.size()));
    else if (rules.empty()) all += "# the sampler is one that has no name here\n";
    else line("sampler", rules);
    for (const auto& [name, rule] : s.rows) {
        const std::string text = words_for(rule);
        if (text.empty()) all += "# row." + name + " has a sampler that has no name here\n";
        else line("row." + name, text);
    }
    line("max_level", s.max_level >= control::every_level ? "all" : std::to_string(s.max_level));
    line("tail_errors", s.tail_sampling.errors ? "true" : "false");
    const std::uint64_t ns = s.tail_sampling.slower_than_ns, ms = 1'000'000;
    line("tail_slower_than", std::to_string(ns / ms + (ns % ms != 0)));
    line("tail_bytes", std::to_string(s.tail_sampling.bytes));
    line("tracing", s.tracing ? "on" : "off");
    return all;
}

}  // namespace apm::inline APM_ABI::detail
