// What can be set on a span that is under way: attributes, events, links, status, another name.
//
// Every method is safe on a span that ended, is not sampled, or never was: nothing is recorded. (On one that is not sampled
// context() still answers, and status() is still counted where its row is measured.) For the thread that the span is current on;
// of one that is current nowhere, for one thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <typeinfo>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/attributes.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/exception.hpp>
#include <apm/tracing/items.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/span_bytes.hpp>
#include <apm/tracing/span_row.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// What has no room is counted with the kind that it is of.
enum : std::uint32_t { an_attribute, an_event, a_link };

struct attribute_name {
    const char* text;
    std::size_t size;
    friend bool operator==(const attribute_name& a, const attribute_name& b) {
        return a.size == b.size && same_bytes(a.text, b.text, a.size);
    }
};
inline attribute_name name_of(const item_at& x, const attributes_info& fields) {
    if (x.index() == by_name) return {x.name(), x.name_size()};
    const char* name = fields.fields[x.index()].name;
    return {name, __builtin_strlen(name)};
}

// Takes an item out of those of a span; what is behind it moves up.
APM_COLD inline void erase(open_span& s, item_at x) {
    const char* const behind = x.next().at;
    __builtin_memmove(s.items + (x.at - s.items), behind, static_cast<std::size_t>(s.items + s.used - behind));
    s.used -= static_cast<std::uint32_t>(behind - x.at);
}
// Of each attribute from `from` on: one of the same name that was given before no longer counts; where there is none, and no
// room for another name, this one does not.
APM_COLD inline void admit_each(open_span& s, std::uint32_t from) {
    const attributes_info& fields = *s.record.row->attributes;
    while (from < s.used) {
        const item_at given{s.items + from};
        const attribute_name name = name_of(given, fields);
        item_at x{s.items};
        while (x.at < given.at && !(x.is_attribute() && name_of(x, fields) == name)) x = x.next();
        if (x.at == given.at && s.attributes == limits::attributes) {
            ++s.dropped[an_attribute];
            erase(s, given);
            continue;
        }
        const auto size = static_cast<std::uint32_t>(given.next().at - given.at);
        if (x.at == given.at) {
            ++s.attributes;
        } else {
            from -= static_cast<std::uint32_t>(x.next().at - x.at);
            erase(s, x);
        }
        from += size;
    }
}
// Counts `count` attributes that were just written behind `from`; the limit is of names, so that giving one anew is always
// possible.
APM_INLINE void admit(open_span& s, std::uint32_t from, std::uint32_t count) {
    if (s.attributes == 0) [[likely]] s.attributes = static_cast<std::uint16_t>(count);  // no more than a struct may have
    else admit_each(s, from);
}

// Out of line: inlined, three attributes are 700 bytes of code at each place, and not faster.
template <class A>
[[APM_HIDDEN, gnu::noinline]] void set_all(open_span& s, const A& a) {
    const auto m = attributes<A>::size(a);
    char* const to = room_for(s, m.bytes);
    if (!to) [[unlikely]] {
        s.dropped[an_attribute] += m.count;
        return;
    }
    if (m.cut) [[unlikely]] s.cut = true;
    attributes<A>::write(to, a);
    const std::uint32_t from = s.used;
    s.used += m.bytes;
    admit(s, from, m.count);
}

APM_COLD inline void set_one(open_span& s, const attribute& a) {
    char* const to = room_for(s, a.size());
    if (!to) {
        ++s.dropped[an_attribute];
        return;
    }
    if (a.cut()) s.cut = true;
    a.write(to);
    const std::uint32_t from = s.used;
    s.used += a.size();
    admit(s, from, 1);
}

template <class A, auto Member>
APM_INLINE void set_member(open_span& s, const type_of_member<Member>& value) {
    using field = attribute_field<type_of_member<Member>>;
    const std::uint32_t bytes = field::size(value);
    if (bytes == 0) return;  // absent, or secret
    char* const to = room_for(s, bytes);
    if (!to) [[unlikely]] {
        ++s.dropped[an_attribute];
        return;
    }
    if (field::cuts(value)) [[unlikely]] s.cut = true;
    field::put(to, attributes<A>::all::template index<Member>, value);
    const std::uint32_t from = s.used;
    s.used += bytes;
    admit(s, from, 1);
}

// Two shapes of attributes, to be written behind an event's or a link's head.
template <class A>
struct given_struct {
    const A& a;
    [[nodiscard]] const attributes_info* info() const { return &attributes<A>::info; }
    [[nodiscard]] auto measure() const { return attributes<A>::size(a); }
    void write(char* to) const { attributes<A>::write(to, a); }
};
struct given_list {
    std::initializer_list<attribute> list;
    [[nodiscard]] const attributes_info* info() const { return nullptr; }
    [[nodiscard]] attributes<no_attributes>::measure measure() const {
        attributes<no_attributes>::measure m;
        for (const attribute& a : list)
            if (m.count++ < limits::attributes) m.bytes += a.size(), m.cut += a.cut() ? 1u : 0u;
        return m;
    }
    void write(char* to) const {
        std::uint32_t n = 0;
        for (const attribute& a : list)
            if (n++ < limits::attributes) to = a.write(to);
    }
};

// Where `more` bytes go behind the head, or null.
template <class Head>
char* put_head(open_span& s, item type, const Head& head, std::uint32_t more, std::uint32_t kind) {
    const std::uint32_t body = static_cast<std::uint32_t>(sizeof head) + more;
    char* to = room_for(s, 5 + body);
    if (!to) {
        ++s.dropped[kind];
        return nullptr;
    }
    to = put_raw(put_raw(to, type), body);
    s.used += 5 + body;
    return put_raw(to, head);
}

template <class Given>
[[APM_HIDDEN, gnu::noinline]] void add_event(open_span& s, text<limits::name> name, const Given& given) {
    if (s.events >= limits::events) {
        ++s.dropped[an_event];
        return;
    }
    const auto m = given.measure();
    const auto n = static_cast<std::uint32_t>(name.size());
    const std::uint32_t left_out = m.count > limits::attributes ? m.count - limits::attributes : 0;
    const event_head head{ticks(process_root()), given.info(), n, left_out};
    char* to = put_head(s, item::event, head, n + m.bytes, an_event);
    if (!to) return;
    if (m.cut || left_out || name.cut()) s.cut = true;
    __builtin_memcpy(to, name.data(), n);
    given.write(to + n);
    ++s.events;
}
template <class Given>
[[APM_HIDDEN, gnu::noinline]] void add_link(open_span& s, const context& other, const Given& given) {
    if (s.links >= limits::links) {
        ++s.dropped[a_link];
        return;
    }
    const auto m = given.measure();
    const std::uint32_t left_out = m.count > limits::attributes ? m.count - limits::attributes : 0;
    const std::uint32_t flags = (other.sampled ? link_head::sampled : 0u) | (other.remote ? link_head::remote : 0u) |
                                (other.random ? link_head::random : 0u);
    const shared_trace* const shared = other.shared.get();
    const std::uint32_t state = shared ? shared->state_size : 0;
    const link_head head{other.trace.high, other.trace.low, other.span, given.info(), flags, left_out, state};
    char* to = put_head(s, item::link, head, state + m.bytes, a_link);
    if (!to) return;
    if (m.cut || left_out) s.cut = true;
    if (state) __builtin_memcpy(to, shared->state(), state);
    given.write(to + state);
    ++s.links;
}

// A message, or a name. Of several the last counts.
template <std::size_t Max>
APM_COLD void add_text(open_span& s, item type, const text<Max>& given) {
    const char* const bytes = given.data();
    const auto n = static_cast<std::uint32_t>(given.size());
    if (given.cut()) s.cut = true;
    if (!room_for(s, 5 + n)) {
        s.cut = true;
        return;
    }
    item_at x{s.items};
    while (x.at < s.items + s.used && x.type() != type) x = x.next();
    if (x.at < s.items + s.used) erase(s, x);
    char* const to = put_raw(put_raw(s.items + s.used, type), n);
    __builtin_memcpy(to, bytes, n);
    s.used += 5 + n;
}

// Ok is final; unset is no answer (OpenTelemetry's specification, trace/api.md, "Set Status").
APM_COLD inline void set_status(open_span& s, span_status to, const text<limits::text>& message) {
    if (to == span_status::unset || s.status == span_status::ok) return;
    s.status = to;
    if (to == span_status::error && message.size()) add_text(s, item::status, message);
}

}  // namespace detail

// A span that is under way, by reference: what apm::current_span() returns, and the base of those that begin one.
template <mode M>
class span_handle {
public:
    constexpr span_handle() = default;

    // Whether what is set here is recorded. Ask it to spare work that prepares a value.
    [[nodiscard]] bool recording() const { return is_open() && (span_->flags & span_->recording); }
    // For children elsewhere, and for links. Not valid where there is no span.
    [[nodiscard]] apm::context context() const { return is_open() ? apm::context::of(*span_) : apm::context{}; }

    // An attribute by name; given anew, the last value counts (unless the span is full: then it is dropped). See apm::attribute
    // for what a value may be.
    template <class T>
    void set(text<limits::name> name, const T& value) const {
        if (recording()) detail::set_one(*span_, attribute(name, value));
    }

    // Something that happened now. Its attributes are a struct of fields or a list: {{"attempt", 2}, {"why", "timeout"}}.
    void event(text<limits::name> name, std::initializer_list<attribute> attributes = {}) const {
        if (recording()) detail::add_event(*span_, name, detail::given_list{attributes});
    }
    template <class A>
        requires boost::hana::Struct<A>::value
    void event(text<limits::name> name, const A& attributes) const {
        if (recording()) detail::add_event(*span_, name, detail::given_struct<A>{attributes});
    }

    // An exception that was caught, as the event "exception" with its type and its message. The status stays as it is: an
    // exception that was handled is no error of the span, and one that leaves traced() sets it. Without RTTI, its message alone.
    // About 1 us, and allocations. The names are OpenTelemetry's (semantic conventions, "Recording errors").
    template <detail::an_exception E>
    APM_COLD void exception(const E& e) const {
        if (!recording()) return;
#ifdef __cpp_rtti
        event("exception", {{"exception.type", detail::type_name(typeid(e).name()).get()}, {"exception.message", e.what()}});
#else
        event("exception", {{"exception.message", e.what()}});
#endif
    }

    // A related span that is not the parent. One that is not valid is left out.
    void link(const apm::context& other, std::initializer_list<attribute> attributes = {}) const {
        if (recording() && other.valid()) detail::add_link(*span_, other, detail::given_list{attributes});
    }

    // ok is final; the message of an error is kept, that of others is not.
    void status(span_status to, text<limits::text> message = {}) const {
        if (is_open()) detail::set_status(*span_, to, message);
    }

    void rename(text<limits::name> name) const {
        if (recording()) detail::add_text(*span_, item::name, name);
    }

    // For detail/, where a span begins.
    APM_INLINE explicit span_handle(detail::open_span* s) : span_(s), id_(s ? s->id() : 0) {}

    // Of TRACE_SCOPE, right after the beginning: the span is there, or never was.
    [[nodiscard]] APM_INLINE bool begun() const { return span_ && (span_->flags & span_->recording); }

protected:
    [[nodiscard]] APM_INLINE bool is_open() const { return span_ && id_ && span_->is(id_); }
    detail::open_span* span_ = nullptr;
    std::uint64_t id_ = 0;
};
template <>
class span_handle<mode::off> {
public:
    constexpr span_handle() = default;
    [[nodiscard]] APM_INLINE constexpr bool recording() const { return false; }
    [[nodiscard]] APM_INLINE constexpr bool begun() const { return false; }
    [[nodiscard]] APM_INLINE constexpr apm::context context() const { return {}; }
    template <class T>
        requires std::constructible_from<attribute, text<limits::name>, const T&>
    APM_INLINE constexpr void set(const text<limits::name>&, const T&) const {}
    APM_INLINE constexpr void event(const text<limits::name>&, std::initializer_list<attribute> = {}) const {}
    template <class A>
        requires boost::hana::Struct<A>::value
    APM_INLINE constexpr void event(const text<limits::name>&, const A&) const {}
    template <detail::an_exception E>
    APM_INLINE constexpr void exception(const E&) const {}
    APM_INLINE constexpr void link(const apm::context&, std::initializer_list<attribute> = {}) const {}
    APM_INLINE constexpr void status(span_status) const {}
    APM_INLINE constexpr void status(span_status, const text<limits::text>&) const {}
    APM_INLINE constexpr void rename(const text<limits::name>&) const {}
};

// The innermost span that this thread opened; none right below an attached context, since that span is not this thread's. Keep it
// within that span's scope: elsewhere it does nothing.
template <mode M = APM_MODE>
[[nodiscard]] APM_INLINE span_handle<M> current_span() {
    if constexpr (M == mode::on) {
        if (detail::thread_state* t = detail::this_thread())
            if (detail::open_span* s = detail::current_of(*t); s && s->record.row) return span_handle<M>(s);
    }
    return {};
}

}  // namespace apm::inline APM_ABI
