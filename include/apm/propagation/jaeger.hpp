// Jaeger's own header, which W3C's has replaced: https://www.jaegertracing.io/sdk-migration/#propagation-format
//
//     uber-trace-id: 5b2b4e4b2b3c4d5e6f708192a3b4c5d6:a3b4c5d6e7f80910:0:01    trace, span, parent (not used), flags: 1 sampled,
//                                                                              2 debug
//     uberctx-tenant: acme%20inc                                               baggage, a header for each
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/context.hpp>

namespace apm::inline APM_ABI::detail {

inline constexpr std::string_view jaeger_baggage_prefix = "uberctx-";

// False where it is malformed; then `c` is as it was. Short ids are read as if zeros preceded, and %3A as a colon.
inline bool read_jaeger(std::string_view text, context& c) {
    fixed_text<32 + 16 + 16 + 2 + 3> plain;
    text = trimmed(text);
    if (text.find('%') != text.npos) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool colon = text[i] == '%' && equal_ignoring_case(text.substr(i, 3), "%3a");
            plain.put(colon ? ':' : text[i]);
            if (colon) i += 2;
        }
        text = plain.view();
    }
    context found{.remote = true};
    const std::string_view trace = cut_until(text, ':'), span = cut_until(text, ':'), parent = cut_until(text, ':');
    std::uint64_t flags = 0, parent_id = 0;
    if (trace.size() > 32 || !read_trace(trace, found.trace, letters::any)) return false;
    if (!read_hex(span, found.span, letters::any) || found.span == 0) return false;
    if (!parent.empty() && !read_hex(parent, parent_id, letters::any)) return false;
    if (text.size() > 2 || !read_hex(text, flags, letters::any)) return false;
    found.sampled = flags & 1;
    found.debug = found.sampled && flags & 2;
    c = static_cast<context&&>(found);
    return true;
}

inline void write_jaeger(bounded_text& to, const context& c) {
    to.put_trace(c.trace);
    to.put(':');
    to.put_hex(c.span, 16);
    to.put(":0:");
    to.put(c.sampled ? (c.debug ? "03" : "01") : "00");
}

}  // namespace apm::inline APM_ABI::detail
