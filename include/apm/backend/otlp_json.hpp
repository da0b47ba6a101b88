// OTLP as JSON (opentelemetry.io: protocol/otlp.md, "JSON Protobuf Encoding"): ids in hexadecimal, enums as integers, 64-bit
// integers as strings, what has its default value left out.
//
// To be written as lines of a file (protocol/file-exporter.md), each a TracesData. What spans share with other signals,
// attributes, the resource and the scope, is in functions of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/json.hpp>
#include <apm/config.hpp>
#include <apm/context.hpp>
#include <apm/row.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

namespace detail::otlp_json {

// --- shared by all signals --------------------------------------------------------------------------------------------

// An AnyValue.
inline void put_value(json_writer& json, std::string_view v) {
    json.begin_object(), json.key("stringValue"), json.text(v), json.end_object();
}
inline void put_value(json_writer& json, bool v) {
    json.begin_object(), json.key("boolValue"), json.boolean(v), json.end_object();
}
inline void put_value(json_writer& json, std::int64_t v) {
    json.begin_object(), json.key("intValue"), json.quoted(v), json.end_object();
}
inline void put_value(json_writer& json, double v) {
    json.begin_object(), json.key("doubleValue"), json.real(v), json.end_object();
}
template <class T>
void put_value(json_writer& json, const packed_numbers<T>& v) {
    json.begin_object(), json.key("arrayValue"), json.begin_object(), json.key("values"), json.begin_array();
    for (std::uint32_t i = 0; i < v.size(); ++i) put_value(json, v[i]);
    json.end_array(), json.end_object(), json.end_object();
}

// A KeyValue.
template <class Value>
void put_attribute(json_writer& json, std::string_view name, const Value& value) {
    json.begin_object();
    json.key("key"), json.text(name), json.key("value"), put_value(json, value);
    json.end_object();
}
inline void put_attribute(json_writer& json, const attribute_view& a) {
    a.visit([&](const auto& value) { put_attribute(json, a.name(), value); });
}
// "attributes" of anything with attributes(f), and how many it lacks.
template <class Owner>
void put_attributes(json_writer& json, const Owner& of, std::uint32_t dropped) {
    bool any = false;
    of.attributes([&](const attribute_view& a) {
        if (!any) json.key("attributes"), json.begin_array();
        any = true;
        put_attribute(json, a);
    });
    if (any) json.end_array();
    if (dropped) json.key("droppedAttributesCount"), json.integer(dropped);
}

inline void put_text_unless_empty(json_writer& json, std::string_view name, std::string_view text) {
    if (!text.empty()) json.key(name), json.text(text);
}

// "resource"
inline void put_resource(json_writer& json, const resource& who) {
    json.key("resource"), json.begin_object();
    if (!who.attributes.empty()) {
        json.key("attributes"), json.begin_array();
        for (const auto& [name, value] : who.attributes) put_attribute(json, name, std::string_view(value));
        json.end_array();
    }
    json.end_object();
}
// "scope"
inline void put_scope(json_writer& json, const scope& s) {
    json.key("scope"), json.begin_object();
    put_text_unless_empty(json, "name", s.name);
    put_text_unless_empty(json, "version", s.version);
    json.end_object();
}
// Two modules of one program may each have a copy of a scope.
inline bool same_scope(const scope& a, const scope& b) {
    const auto same = [](std::string_view x, std::string_view y) { return x == y; };
    return &a == &b || (same(a.name, b.name) && same(a.version, b.version) && same(a.schema_url, b.schema_url));
}

// --- spans ------------------------------------------------------------------------------------------------------------

enum flags : std::uint32_t {  // SpanFlags
    sampled = 0x001,
    remote_is_known = 0x100,
    remote = 0x200,
};

inline void put_event(json_writer& json, const event_view& e) {
    json.begin_object();
    json.key("timeUnixNano"), json.quoted(e.time());
    json.key("name"), json.text(e.name());
    put_attributes(json, e, e.dropped_attributes());
    json.end_object();
}
inline void put_link(json_writer& json, const link_view& l) {
    const context to = l.context();
    json.begin_object();
    json.key("traceId"), json.hex(to.trace.high, to.trace.low);
    json.key("spanId"), json.hex(to.span);
    put_attributes(json, l, l.dropped_attributes());
    json.key("flags"), json.integer(remote_is_known | (to.sampled ? sampled : 0u) | (to.remote ? remote : 0u));
    json.end_object();
}

inline void put_span(json_writer& json, const span_view& s) {
    json.begin_object();
    json.key("traceId"), json.hex(s.trace().high, s.trace().low);
    json.key("spanId"), json.hex(s.id());
    if (s.parent()) json.key("parentSpanId"), json.hex(s.parent());
    json.key("flags"), json.integer(remote_is_known | sampled | (s.parent_is_remote() ? remote : 0u));
    json.key("name"), json.text(s.name());
    json.key("kind"), json.integer(static_cast<int>(s.kind()));
    json.key("startTimeUnixNano"), json.quoted(s.start());
    json.key("endTimeUnixNano"), json.quoted(s.end());
    put_attributes(json, s, s.dropped().attributes);
    bool any = false;
    s.events([&](const event_view& e) {
        if (!any) json.key("events"), json.begin_array();
        any = true;
        put_event(json, e);
    });
    if (any) json.end_array();
    if (s.dropped().events) json.key("droppedEventsCount"), json.integer(s.dropped().events);
    any = false;
    s.links([&](const link_view& l) {
        if (!any) json.key("links"), json.begin_array();
        any = true;
        put_link(json, l);
    });
    if (any) json.end_array();
    if (s.dropped().links) json.key("droppedLinksCount"), json.integer(s.dropped().links);
    if (s.status() != span_status::unset) {
        json.key("status"), json.begin_object();
        put_text_unless_empty(json, "message", s.message());
        json.key("code"), json.integer(static_cast<int>(s.status()));
        json.end_object();
    }
    json.end_object();
}

}  // namespace detail::otlp_json

// Appends one line, with its newline: a TracesData of all spans of the batch, by scope. Of an empty batch: nothing. Spans without
// a row have a scope without a name. No thread safety of its own; throws std::bad_alloc.
inline void append_otlp_json(std::string& out, const span_batch& batch, const resource& who) {
    using namespace detail::otlp_json;
    if (batch.spans.empty()) return;
    struct group {
        const scope* from;
        std::vector<const span_view*> spans;
    };
    std::vector<group> groups;
    std::size_t last = 0;
    for (const span_view& s : batch.spans) {
        if (groups.empty() || groups[last].from != &s.scope()) {
            for (last = 0; last < groups.size() && !same_scope(*groups[last].from, s.scope());) ++last;
            if (last == groups.size()) groups.push_back({&s.scope(), {}});
        }
        groups[last].spans.push_back(&s);
    }
    json_writer json(out);
    json.begin_object(), json.key("resourceSpans"), json.begin_array(), json.begin_object();
    put_resource(json, who);
    json.key("scopeSpans"), json.begin_array();
    for (const group& g : groups) {
        json.begin_object();
        put_scope(json, *g.from);
        json.key("spans"), json.begin_array();
        for (const span_view* s : g.spans) put_span(json, *s);
        json.end_array();
        put_text_unless_empty(json, "schemaUrl", g.from->schema_url);
        json.end_object();
    }
    json.end_array(), json.end_object(), json.end_array(), json.end_object();
    out += '\n';
}

}  // namespace apm::inline APM_ABI
