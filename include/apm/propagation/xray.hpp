// AWS X-Ray: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
//
//     X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//
// Root is the trace: the first eight digits are when it began, which X-Ray alone reads. Sampled=?, or anything else: not decided.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/context.hpp>

namespace apm::inline APM_ABI::detail {

inline bool read_xray_root(std::string_view text, trace_id& t) {
    trace_id found;
    std::uint64_t when = 0, rest = 0;
    if (text.size() != 35 || text.substr(0, 2) != "1-" || text[10] != '-') return false;
    if (!read_hex(text.substr(2, 8), when, letters::any) || !read_hex(text.substr(11, 8), rest, letters::any) ||
        !read_hex(text.substr(19, 16), found.low, letters::any))
        return false;
    found.high = when << 32 | rest;
    if (found == trace_id{}) return false;
    t = found;
    return true;
}

// False where it is malformed; then `c` is as it was. Parts come in any order; unknown ones are skipped. A decision
// without ids, as a load balancer sends it, is remote, and not valid().
inline bool read_xray(std::string_view text, context& c) {
    context found{.remote = true, .deferred = true};
    while (text.data()) {
        const std::string_view part = trimmed(cut_until(text, ';'));
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        if (equals == part.npos) return false;
        const std::string_view key = trimmed(part.substr(0, equals)), value = trimmed(part.substr(equals + 1));
        if (equal_ignoring_case(key, "Root")) {
            if (!read_xray_root(value, found.trace)) return false;
        } else if (equal_ignoring_case(key, "Parent")) {
            if (value.size() != 16 || !read_hex(value, found.span, letters::any) || found.span == 0) return false;
        } else if (equal_ignoring_case(key, "Sampled")) {
            found.sampled = value == "1";
            found.deferred = value != "0" && value != "1";
        }
    }
    if (!found.valid()) {
        if (found.deferred) return false;
        found.trace = {}, found.span = 0;
    }
    c = static_cast<context&&>(found);
    return true;
}

inline void write_xray(bounded_text& to, const context& c) {
    to.put("Root=1-");
    to.put_hex(c.trace.high >> 32, 8);
    to.put('-');
    to.put_hex(c.trace.high, 8);
    to.put_hex(c.trace.low, 16);
    to.put(";Parent=");
    to.put_hex(c.span, 16);
    if (c.sampled || !c.deferred) to.put(c.sampled ? ";Sampled=1" : ";Sampled=0");
}

}  // namespace apm::inline APM_ABI::detail
