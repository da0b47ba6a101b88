// Spans as OTLP has them, over either encoder.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/otlp/common.hpp>
#include <apm/backend/otlp/fields.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>
#include <apm/tracing/context.hpp>

namespace apm::inline APM_ABI::detail::otlp {

struct span_fields {
    static constexpr field trace_id{1, "traceId"}, span_id{2, "spanId"}, trace_state{3, "traceState"},
        parent_span_id{4, "parentSpanId"}, name{5, "name"},
        kind{6, "kind"}, start_time{7, "startTimeUnixNano"}, end_time{8, "endTimeUnixNano"}, attributes{9, "attributes"},
        dropped_attributes{10, "droppedAttributesCount"}, events{11, "events"}, dropped_events{12, "droppedEventsCount"},
        links{13, "links"}, dropped_links{14, "droppedLinksCount"}, status{15, "status"}, flags{16, "flags"};
};
struct event_fields {
    static constexpr field time{1, "timeUnixNano"}, name{2, "name"}, attributes{3, "attributes"},
        dropped_attributes{4, "droppedAttributesCount"};
};
struct link_fields {
    static constexpr field trace_id{1, "traceId"}, span_id{2, "spanId"}, trace_state{3, "traceState"},
        attributes{4, "attributes"}, dropped_attributes{5, "droppedAttributesCount"}, flags{6, "flags"};
};
struct status_fields {
    static constexpr field message{2, "message"}, code{3, "code"};
};
struct span_flags {
    static constexpr std::uint32_t sampled = 0x001, random = 0x002, remote_is_known = 0x100, remote = 0x200;

    static constexpr std::uint32_t of(bool is_sampled, bool is_random, bool is_remote) {
        return remote_is_known | (is_sampled ? sampled : 0) | (is_random ? random : 0) | (is_remote ? remote : 0);
    }
};

template <class To>
void put_event(To& to, const event_view& e) {
    to.fixed64(event_fields::time, e.time());
    to.text(event_fields::name, e.name());
    put_attributes(to, event_fields::attributes, e);
    put_unless_zero(to, event_fields::dropped_attributes, e.dropped_attributes());
}
template <class To>
void put_link(To& to, const link_view& l) {
    const context there = l.context();
    to.id(link_fields::trace_id, there.trace.high, there.trace.low);
    to.id(link_fields::span_id, there.span);
    put_unless_empty(to, link_fields::trace_state, l.trace_state());
    put_attributes(to, link_fields::attributes, l);
    put_unless_zero(to, link_fields::dropped_attributes, l.dropped_attributes());
    to.fixed32(link_fields::flags, span_flags::of(there.sampled, there.random, there.remote));
}
template <class To>
void put_span(To& to, const span_view& s) {
    const std::uint32_t flags = span_flags::of(s.sampled(), s.trace_is_random(), s.parent_is_remote());
    to.id(span_fields::trace_id, s.trace().high, s.trace().low);
    to.id(span_fields::span_id, s.id());
    put_unless_empty(to, span_fields::trace_state, s.trace_state());
    if (s.parent()) to.id(span_fields::parent_span_id, s.parent());
    if (!To::in_order_of_numbers) to.fixed32(span_fields::flags, flags);
    to.text(span_fields::name, s.name());
    to.enumerator(span_fields::kind, static_cast<std::uint32_t>(s.kind()));
    to.fixed64(span_fields::start_time, s.start());
    to.fixed64(span_fields::end_time, s.end());
    put_attributes(to, span_fields::attributes, s);
    put_unless_zero(to, span_fields::dropped_attributes, s.dropped().attributes);
    to.list(span_fields::events, [&](auto&& one) {
        s.events([&](const event_view& e) { one([&] { put_event(to, e); }); });
    });
    put_unless_zero(to, span_fields::dropped_events, s.dropped().events);
    to.list(span_fields::links, [&](auto&& one) {
        s.links([&](const link_view& l) { one([&] { put_link(to, l); }); });
    });
    put_unless_zero(to, span_fields::dropped_links, s.dropped().links);
    if (s.status() != span_status::unset) {
        to.message(span_fields::status, [&] {
            put_unless_empty(to, status_fields::message, s.message());
            to.enumerator(status_fields::code, static_cast<std::uint32_t>(s.status()));
        });
    }
    if (To::in_order_of_numbers) to.fixed32(span_fields::flags, flags);
}

// Of no spans: nothing. Spans without a row have a scope without a name.
template <class To>
void append_spans(std::string& out, std::span<const span_view> spans, const resource& who) {
    if (spans.empty()) return;
    static constexpr request_fields fields{{1, "resourceSpans", 3}, {2, "scopeSpans", 3}, {2, "spans", 2}};
    To to(out);
    put_request(to, fields, who, by_scope(spans, [](const span_view&) { return true; }),
                [&](const span_view& s) { put_span(to, s); });
}

}  // namespace apm::inline APM_ABI::detail::otlp
