// W3C Trace Context, level 2: https://www.w3.org/TR/trace-context-2/
//
//     traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01     version, trace, span, flags: 1 sampled, 2 random
//     tracestate: rojo=00f067aa0ba902b7,congo=t61rcWkgMzE
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/character.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/ot_tracestate.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI::detail {

inline constexpr std::size_t traceparent_size = 2 + 1 + 32 + 1 + 16 + 1 + 2;

// False where it is malformed; then `c` is as it was. Of a version to come, what this one knows.
inline bool read_traceparent(std::string_view text, context& c) {
    text = trimmed(text);
    if (text.size() < traceparent_size || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
    std::uint64_t version = 0, flags = 0;
    if (!read_hex(text.substr(0, 2), version) || version == 0xff) return false;
    if (text.size() > traceparent_size && (version == 0 || text[traceparent_size] != '-')) return false;
    context found;
    if (!read_trace(text.substr(3, 32), found.trace) || !read_hex(text.substr(36, 16), found.span)) return false;
    if (found.span == 0 || !read_hex(text.substr(53, 2), flags)) return false;
    found.sampled = flags & 1, found.random = flags & 2;
    found.remote = true;
    c = static_cast<context&&>(found);
    return true;
}

inline void write_traceparent(bounded_text& to, const context& c) {
    to.put("00-");
    to.put_trace(c.trace);
    to.put('-');
    to.put_hex(c.span, 16);
    to.put('-');
    to.put_hex((c.sampled ? 1u : 0u) | (c.random ? 2u : 0u), 2);
}

// The value of one header or of several, as it is sent on: members trimmed, empty ones gone. One violation, and there is nothing.
class tracestate_text {
public:
    void add(std::string_view header) {
        while (good_ && header.data()) {
            const std::string_view member = trimmed(cut_until(header, ','));
            if (!member.empty()) add_member(member);
        }
    }
    [[nodiscard]] std::string_view view() const { return good_ ? text_.view() : std::string_view{}; }
    void clear() {
        text_.cut_to(0);
        members_ = 0, good_ = true, tight_ = false;
    }

    static constexpr bool valid_key(std::string_view key) {
        const auto letter_or_digit = [](char c) { return is_lower(c) || is_digit(c); };
        if (key.empty() || key.size() > tracestate_limits::key || !letter_or_digit(key[0])) return false;
        for (const char c : key)
            if (!letter_or_digit(c) && c != '_' && c != '-' && c != '*' && c != '/' && c != '@') return false;
        return true;
    }
    static constexpr bool valid_value(std::string_view value) {
        if (value.empty() || value.size() > tracestate_limits::value || value.back() == ' ') return false;
        for (const char c : value)
            if (c < 0x20 || c > 0x7e || c == ',' || c == '=') return false;
        return true;
    }

private:
    void add_member(std::string_view member) {
        const std::size_t equals = member.find('=');
        good_ = equals != member.npos && valid_key(member.substr(0, equals)) && valid_value(member.substr(equals + 1)) &&
                ++members_ <= tracestate_limits::members;
        if (!good_) return;
        if (tight_ && member.size() > most_where_tight) return;
        const std::size_t before = text_.size();
        put(member);
        if (!text_.overflows()) return;
        text_.cut_to(before);
        tight_ = true;
        drop_long_ones();
        if (member.size() <= most_where_tight) put(member);
    }
    void put(std::string_view member) {
        if (text_.size()) text_.put(',');
        text_.put(member);
    }
    // What is too long for us loses its longest members first, as the specification advises; all others fit.
    void drop_long_ones() {
        std::string_view rest = text_.view();
        text_.cut_to(0);
        while (rest.data()) {
            const std::string_view member = cut_until(rest, ',');
            if (member.size() > most_where_tight) continue;
            put(member);
        }
    }

    static constexpr std::size_t most_where_tight = 128;
    static_assert(tracestate_limits::members * (most_where_tight + 1) <= shared_trace::most_text);

    fixed_text<shared_trace::most_text> text_;
    std::size_t members_ = 0;
    bool good_ = true, tight_ = false;
};

}  // namespace apm::inline APM_ABI::detail
