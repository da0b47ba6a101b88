// Reading a request's headers, and writing those of the next request, in all formats that are on, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/propagation/b3.hpp>
#include <apm/propagation/baggage_text.hpp>
#include <apm/propagation/carrier.hpp>
#include <apm/propagation/datadog.hpp>
#include <apm/propagation/formats.hpp>
#include <apm/propagation/jaeger.hpp>
#include <apm/propagation/w3c.hpp>
#include <apm/propagation/xray.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/make_shared_trace.hpp>
#include <apm/tracing/ot_tracestate.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI::detail {

inline std::string_view state_of(const context& c) {
    const shared_trace* const t = c.shared.get();
    return t ? std::string_view(t->state(), t->state_size) : std::string_view{};
}
inline std::string_view baggage_of(const context& c) {
    const shared_trace* const t = c.shared.get();
    return t ? std::string_view(t->baggage(), t->baggage_size) : std::string_view{};
}
// The member `dd` goes before the others, one of that name among them goes. Null where there is nothing to share, and where there
// is no memory.
inline shared_trace_ref share_texts(std::string_view dd, std::string_view state, std::string_view baggage) {
    const std::size_t most = dd.size() + (dd.empty() ? 0 : 1) + state.size();
    if (most + baggage.size() == 0) return {};
    shared_trace* const made = make_shared_trace(static_cast<std::uint32_t>(most + baggage.size()));
    if (!made) return {};
    bounded_text to(made->state(), most < shared_trace::most_text ? most : shared_trace::most_text);
    to.put(dd);
    if (dd.empty()) to.put(state), state = {};
    for (std::size_t members = 1; state.data() && members < tracestate_limits::members;) {
        const std::string_view member = cut_until(state, ',');
        if (member.empty() || member.substr(0, 3) == "dd=") continue;
        const std::size_t before = to.size();
        to.put(','), to.put(member);
        if (to.overflows()) to.cut_to(before);
        else ++members;
    }
    made->end_texts(static_cast<std::uint32_t>(to.size()), baggage.data(), static_cast<std::uint32_t>(baggage.size()));
    return shared_trace_ref(made);
}

// The first value of that name, copied: it may be gone when the next is asked for. Null where there is none; one that is longer
// than any valid one is as if it were empty, which is malformed.
template <std::size_t Room>
class header_value {
public:
    header_value(const header_source& from, std::string_view name) {
        from.find(name, [this](std::string_view value) {
            if (!found_) text_.put(trimmed(value));
            found_ = true;
        });
    }
    operator std::string_view() const {
        if (!found_) return {};
        return text_.overflows() ? std::string_view("") : text_.view();
    }

private:
    fixed_text<Room> text_;
    bool found_ = false;
};

class header_reader {
public:
    explicit header_reader(const header_source& from) : from_(from) {}

    context read(std::uint64_t formats) {
        for (std::uint64_t rest = formats; rest; rest >>= 4) read_one(static_cast<propagator>(rest & 15));
        // The tracestate of another trace than the one that is taken means nothing.
        if (!best_.valid() || best_.trace != state_of_) state_.clear();
        const bool has_dd = dd_.size() && best_.valid() && best_.trace == dd_of_;
        if (baggage_.cut()) say_baggage_was_cut();
        best_.shared = share_texts(has_dd ? dd_.view() : std::string_view{}, state_.view(), baggage_.view());
        return static_cast<context&&>(best_);
    }

private:
    void read_one(propagator format) {
        context c;
        switch (format) {
            case propagator::tracecontext: return read_w3c();
            case propagator::baggage:
                return from_.find("baggage", [this](std::string_view value) { baggage_.add(value); });
            case propagator::b3:
            case propagator::b3multi:
                if (read_b3_single(c) || read_b3_several(c)) accept(c);
                return;
            case propagator::jaeger:
                if (read_first("uber-trace-id", read_jaeger, c)) accept(c);
                return from_.find_all([this](std::string_view name, std::string_view value) {
                    constexpr std::size_t prefix = jaeger_baggage_prefix.size();
                    if (name.size() > prefix && equal_ignoring_case(name.substr(0, prefix), jaeger_baggage_prefix))
                        baggage_.add_url_encoded(name.substr(prefix), value);
                });
            case propagator::datadog: return read_datadogs();
            case propagator::xray:
                if (read_first("X-Amzn-Trace-Id", read_xray, c)) accept(c);
                return;
            case propagator::none: return;
        }
    }

    bool read_first(std::string_view name, bool (*codec)(std::string_view, context&), context& c) const {
        bool first = true, good = false;
        from_.find(name, [&](std::string_view value) {
            if (first) good = codec(value, c);
            first = false;
        });
        return good;
    }
    void read_w3c() {
        context c;
        unsigned count = 0;
        bool good = false;
        from_.find("traceparent", [&](std::string_view value) { good = ++count == 1 && read_traceparent(value, c); });
        if (!good) return;  // none, or more than one: what the tracestate says is not read either
        state_.clear();
        from_.find("tracestate", [this](std::string_view value) { state_.add(value); });
        state_of_ = c.trace;
        accept(c);
    }
    bool read_b3_single(context& c) const {
        return read_first("b3", [](std::string_view value, context& to) { return read_b3(value, to); }, c);
    }
    bool read_b3_several(context& c) const {
        const header_value<32> trace(from_, "X-B3-TraceId");
        const header_value<16> span(from_, "X-B3-SpanId");
        const header_value<8> sampled(from_, "X-B3-Sampled"), flags(from_, "X-B3-Flags");
        return read_b3(b3_headers{trace, span, sampled, flags}, c);
    }
    void read_datadogs() {
        const header_value<32> trace(from_, "x-datadog-trace-id"), parent(from_, "x-datadog-parent-id"),
            priority(from_, "x-datadog-sampling-priority");
        const header_value<256> origin(from_, "x-datadog-origin");
        const header_value<most_datadog_tags> tags(from_, "x-datadog-tags");
        context c;
        if (!read_datadog({trace, parent, priority, origin, tags}, c, dd_)) return;
        dd_of_ = c.trace;
        accept(c);
    }

    // As OpenTelemetry composes propagators, a later format that finds a parent is taken. What it does not know of the same
    // trace, it does not take away; and a decision without a trace does not take away a trace.
    void accept(context& c) {
        if (!c.valid() && best_.valid()) return;
        if (c.valid() && best_.valid() && c.trace == best_.trace) {
            c.random = c.random || best_.random;
            if (c.deferred) c.sampled = best_.sampled, c.debug = best_.debug, c.deferred = best_.deferred;
        }
        best_ = static_cast<context&&>(c);
    }
    const header_source& from_;
    context best_{};
    tracestate_text state_;
    trace_id state_of_{}, dd_of_{};
    baggage_text baggage_;
    fixed_text<most_dd> dd_;
};

[[APM_HIDDEN, gnu::noinline]] inline context read_headers(const header_source& from, std::uint64_t formats) {
    return header_reader(from).read(formats);
}

// --- the way out ------------------------------------------------------------------------------------------------------

// Sets it, or, where there is nothing to say, takes out what may be there of another trace.
inline void set_or_remove(const header_sink& to, std::string_view name, std::string_view value) {
    if (value.empty()) to.remove(name);
    else to.set(name, value);
}
inline void write_w3c(const header_sink& to, const context& c) {
    fixed_text<traceparent_size> text;
    write_traceparent(text, c);
    to.set("traceparent", text.view());
    set_or_remove(to, "tracestate", state_of(c));
}
inline void write_b3_several(const header_sink& to, const context& c) {
    fixed_text<32> text;
    text.put_trace(c.trace);
    to.set("X-B3-TraceId", text.view());
    text.cut_to(0);
    text.put_hex(c.span, 16);
    to.set("X-B3-SpanId", text.view());
    to.remove("X-B3-ParentSpanId");
    set_or_remove(to, "X-B3-Sampled", c.debug || (c.deferred && !c.sampled) ? "" : c.sampled ? "1" : "0");
    set_or_remove(to, "X-B3-Flags", c.debug ? "1" : "");
}
inline void write_datadogs(const header_sink& to, const context& c) {
    datadog_values v;
    if (!write_datadog(v, c, dd_of(state_of(c)))) return;
    to.set("x-datadog-trace-id", v.trace.view());
    to.set("x-datadog-parent-id", v.parent.view());
    set_or_remove(to, "x-datadog-sampling-priority", v.priority.view());
    set_or_remove(to, "x-datadog-origin", v.origin.view());
    set_or_remove(to, "x-datadog-tags", v.tags.view());
}
inline void write_jaeger_baggage(const header_sink& to, std::string_view baggage) {
    while (baggage.data()) {
        baggage_member m;
        if (!read_baggage_member(cut_until(baggage, ','), m)) continue;
        fixed_text<256> name;
        fixed_text<shared_trace::most_text> value;
        name.put(jaeger_baggage_prefix), name.put(m.key);
        for (const char c : m.value)
            if (c == '+') value.put("%2B");  // which in a URL's encoding would be a blank
            else value.put(c);
        if (!name.overflows() && !value.overflows()) to.set(name.view(), value.view());
    }
}
// Calls f(what may leave, the list of keys); the latter is null where all may.
template <class F>
void with_allowed_baggage(const context& c, F&& f) {
    const auto* const keys = process_root().baggage_keys.pointer_acquire<const baggage_keys>();
    if (!keys) return f(baggage_of(c), keys);
    fixed_text<shared_trace::most_text> allowed;
    put_allowed(allowed, baggage_of(c), *keys);
    f(allowed.view(), keys);
}
// A list of what may leave holds for what is in the headers already, too.
inline void write_baggage(const header_sink& to, std::string_view baggage, const baggage_keys* allowed) {
    if (allowed) set_or_remove(to, "baggage", baggage);
    else if (!baggage.empty()) to.set("baggage", baggage);
}
inline void write_jaeger_baggage(const header_sink& to, std::string_view baggage, const baggage_keys* allowed) {
    if (allowed) to.remove_each(jaeger_baggage_prefix, [&](std::string_view key) { return !allowed->has(key); });
    write_jaeger_baggage(to, baggage);
}

[[APM_HIDDEN, gnu::noinline]] inline void write_headers(const header_sink& to, const context& c, std::uint64_t formats) {
    fixed_text<128> text;
    const bool valid = c.valid();
    for (; formats; formats >>= 4) {
        text.cut_to(0);
        switch (static_cast<propagator>(formats & 15)) {
            case propagator::tracecontext:
                if (valid) write_w3c(to, c);
                break;
            case propagator::baggage:
                with_allowed_baggage(c, [&](std::string_view baggage, auto* keys) { write_baggage(to, baggage, keys); });
                break;
            case propagator::b3:
                if (!valid && (!c.remote || c.deferred)) break;  // which may be no more than a decision
                write_b3(text, c);
                to.set("b3", text.view());
                break;
            case propagator::b3multi:
                if (valid) write_b3_several(to, c);
                break;
            case propagator::jaeger:
                if (valid) write_jaeger(text, c), to.set("uber-trace-id", text.view());
                with_allowed_baggage(c, [&](std::string_view baggage, auto* keys) { write_jaeger_baggage(to, baggage, keys); });
                break;
            case propagator::datadog: write_datadogs(to, c); break;
            case propagator::xray:
                if (valid) write_xray(text, c), to.set("X-Amzn-Trace-Id", text.view());
                break;
            case propagator::none: break;
        }
    }
}

}  // namespace apm::inline APM_ABI::detail
