// Datadog's headers: https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/
//
//     x-datadog-trace-id: 8448249129284030420       the low 64 bits of the trace, decimal
//     x-datadog-parent-id: 1311768467463790320      the span
//     x-datadog-sampling-priority: 1                above 0: sampled
//     x-datadog-origin: synthetics                  where the trace came from
//     x-datadog-tags: _dd.p.tid=640cfd8d00000000,_dd.p.dm=-1     the high 64 bits of the trace, and what else goes with it
//
// Priority, origin and tags travel with the trace as Datadog's tracers put them into a tracestate:
//     dd=s:1;p:123456789abcdef0;o:synthetics;t.dm:-1
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/number.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/context.hpp>

namespace apm::inline APM_ABI::detail {

struct datadog_headers {
    std::string_view trace, parent, priority, origin, tags;  // null where there is none
};
inline constexpr std::size_t most_dd = 3 + 256;            // `dd=` and a value
inline constexpr std::size_t most_datadog_tags = 512;
inline constexpr std::string_view dd_tag_prefix = "_dd.p.";

// A priority that ints can be; false where it is malformed.
inline bool read_priority(std::string_view text, std::int64_t& priority) {
    return read_integer(text, priority, -0x7fffffff, 0x7fffffff);
}
inline void put_priority(bounded_text& to, std::int64_t priority) {
    if (priority < 0) to.put('-');
    to.put_decimal(static_cast<std::uint64_t>(priority < 0 ? -priority : priority));
}

// In a tracestate = is ~, and what may not be there is _; and back.
inline void put_for_dd(bounded_text& to, std::string_view text, std::string_view never) {
    for (const char c : text) to.put(c == '=' ? '~' : c < 0x20 || c > 0x7e || never.find(c) != never.npos ? '_' : c);
}
inline void put_from_dd(bounded_text& to, std::string_view text) {
    for (const char c : text) to.put(c == '~' ? '=' : c);
}

// Calls f(key, value) for each of `k=v,k=v`, keys without their prefix; others are skipped.
template <class F>
void each_datadog_tag(std::string_view tags, F&& f) {
    if (tags.size() > most_datadog_tags) return;
    while (tags.data()) {
        const std::string_view tag = trimmed(cut_until(tags, ','));
        const std::size_t equals = tag.find('=');
        if (equals == tag.npos || equals <= dd_tag_prefix.size()) continue;
        if (tag.substr(0, dd_tag_prefix.size()) != dd_tag_prefix) continue;
        f(tag.substr(dd_tag_prefix.size(), equals - dd_tag_prefix.size()), tag.substr(equals + 1));
    }
}

// False where it is malformed; then `c` is as it was. `member` gets what belongs into the tracestate; of what is too long for it,
// whole parts are left out.
inline bool read_datadog(const datadog_headers& h, context& c, bounded_text& member) {
    context found{.remote = true, .deferred = true};
    std::int64_t priority = 0;
    if (read_priority(trimmed(h.priority), priority)) found.sampled = priority > 0, found.deferred = false;
    if (h.trace.data() || h.parent.data()) {
        if (!read_integer(trimmed(h.trace), found.trace.low) || found.trace.low == 0) return false;
        if (!read_integer(trimmed(h.parent), found.span) || found.span == 0) return false;
        each_datadog_tag(h.tags, [&](std::string_view key, std::string_view value) {
            if (key == "tid" && value.size() == 16) read_hex(value, found.trace.high);
        });
    } else if (found.deferred) {
        return false;
    }
    member.cut_to(0);
    const auto part = [&](auto&& put) {
        const std::size_t before = member.size();
        member.put(before ? ";" : "dd=");
        put();
        if (member.size() > most_dd) member.cut_to(before);
    };
    if (!found.deferred) part([&] { member.put("s:"), put_priority(member, priority); });
    if (found.span) part([&] { member.put("p:"), member.put_hex(found.span, 16); });  // the last span that Datadog has seen
    if (const std::string_view origin = trimmed(h.origin); !origin.empty())
        part([&] { member.put("o:"), put_for_dd(member, origin, ",;~"); });
    each_datadog_tag(h.tags, [&](std::string_view key, std::string_view value) {
        if (key != "tid")
            part([&] { member.put("t."), put_for_dd(member, key, " ,;:=~"), member.put(':'), put_for_dd(member, value, ",;~"); });
    });
    c = static_cast<context&&>(found);
    return true;
}

// The value of the member `dd`, or null.
inline std::string_view dd_of(std::string_view tracestate) {
    while (tracestate.data()) {
        const std::string_view member = trimmed(cut_until(tracestate, ','));
        if (member.substr(0, 3) == "dd=") return member.substr(3);
    }
    return {};
}

struct datadog_values {
    fixed_text<20> trace, parent, priority;
    fixed_text<256> origin;
    fixed_text<most_datadog_tags> tags;
};
// What cannot be said in this format (the low half of the trace is 0): false.
inline bool write_datadog(datadog_values& to, const context& c, std::string_view dd) {
    if (!c.valid() || c.trace.low == 0) return false;
    to.trace.put_decimal(c.trace.low);
    to.parent.put_decimal(c.span);
    std::int64_t priority = c.sampled ? 1 : 0;
    bool theirs = false;
    for (std::string_view rest = dd; rest.data();) {
        const std::string_view part = cut_until(rest, ';');
        std::int64_t said;
        if (part.substr(0, 2) == "s:" && read_priority(part.substr(2), said) && (said > 0) == c.sampled)
            priority = said, theirs = true;
    }
    if (c.sampled || !c.deferred) put_priority(to.priority, priority);
    const auto tag = [&](std::string_view key) {
        if (to.tags.size()) to.tags.put(',');
        to.tags.put(dd_tag_prefix);
        to.tags.put(key);
        to.tags.put('=');
    };
    if (c.trace.high) tag("tid"), to.tags.put_hex(c.trace.high, 16);
    while (dd.data()) {
        const std::string_view part = cut_until(dd, ';');
        const std::size_t colon = part.find(':');
        if (colon == part.npos) continue;
        const std::string_view key = part.substr(0, colon), value = part.substr(colon + 1);
        if (key == "o") to.origin.cut_to(0), put_from_dd(to.origin, value);
        // Which sampler decided is not known any more where the decision is another.
        if (key.size() > 2 && key.substr(0, 2) == "t." && key != "t.tid" && (theirs || c.deferred || key != "t.dm"))
            tag(key.substr(2)), put_from_dd(to.tags, value);
    }
    return true;
}

}  // namespace apm::inline APM_ABI::detail
