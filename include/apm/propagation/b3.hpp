// B3, Zipkin's: https://github.com/openzipkin/b3-propagation
//
//     b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1      sampled 1, not sampled 0, debug d; without: not decided
//     b3: 0                                                        only the decision
// or X-B3-TraceId, X-B3-SpanId, X-B3-Sampled (1 or 0; true and false are read, too) and X-B3-Flags (1: debug).
// A parent's id may follow; it is not read, and not sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/context.hpp>

namespace apm::inline APM_ABI::detail {

// Of 16 or 32 digits the trace, of 16 the span.
inline bool read_b3_ids(std::string_view trace, std::string_view span, context& c) {
    if ((trace.size() != 16 && trace.size() != 32) || span.size() != 16) return false;
    return read_trace(trace, c.trace) && read_hex(span, c.span) && c.span != 0;
}
inline bool read_b3_state(std::string_view state, context& c) {
    if (state != "0" && state != "1" && state != "d") return false;
    c.deferred = false;
    c.sampled = state != "0", c.debug = state == "d";
    return true;
}

// False where it is malformed; then `c` is as it was. A decision without ids is remote, and not valid().
inline bool read_b3(std::string_view text, context& c) {
    std::string_view rest = trimmed(text);
    context found{.remote = true, .deferred = true};
    if (!read_b3_state(rest, found)) {
        const std::string_view trace = cut_until(rest, '-'), span = cut_until(rest, '-');
        if (!read_b3_ids(trace, span, found)) return false;
        if (rest.data()) {
            if (!read_b3_state(cut_until(rest, '-'), found)) return false;
            std::uint64_t parent = 0;
            if (rest.data() && (rest.size() != 16 || !read_hex(rest, parent))) return false;
        }
    }
    c = static_cast<context&&>(found);
    return true;
}

struct b3_headers {
    std::string_view trace, span, sampled, flags;  // null where there is none
};
inline bool read_b3(const b3_headers& h, context& c) {
    context found{.remote = true, .deferred = true};
    if ((h.trace.data() || h.span.data()) && !read_b3_ids(trimmed(h.trace), trimmed(h.span), found)) return false;
    const std::string_view sampled = trimmed(h.sampled);
    if (sampled == "1" || equal_ignoring_case(sampled, "true")) found.sampled = true, found.deferred = false;
    else if (sampled == "0" || equal_ignoring_case(sampled, "false")) found.deferred = false;
    else if (sampled.data()) return false;
    if (trimmed(h.flags) == "1") found.sampled = found.debug = true, found.deferred = false;
    if (!found.valid() && found.deferred) return false;
    c = static_cast<context&&>(found);
    return true;
}

inline void write_b3(bounded_text& to, const context& c) {
    if (c.valid()) {
        to.put_trace(c.trace);
        to.put('-');
        to.put_hex(c.span, 16);
        if (!c.sampled && c.deferred) return;
        to.put('-');
    }
    to.put(c.debug ? 'd' : c.sampled ? '1' : '0');
}

}  // namespace apm::inline APM_ABI::detail
