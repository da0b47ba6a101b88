// baggage: a few keys and values that go along with a trace, to every process that it reaches.
//
//     const auto tenant = apm::with_baggage("tenant", "acme");              // current until the end of this scope
//     ...
//     if (apm::baggage::current().get("tenant") == "acme") ...              // here, and wherever this scope's calls lead
//
// Every server that a request reaches can read it, so put no secrets there; apm::allow_baggage() chooses the keys that may leave
// the process. It is no attribute of spans: record it where you want it recorded.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <apm/config.hpp>
#include <apm/detail/url.hpp>
#include <apm/detail/utf8_text.hpp>
#include <apm/propagation/baggage_text.hpp>
#include <apm/tracing/attach.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/make_shared_trace.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI {

namespace detail {

template <class F>
void each_baggage_member(std::string_view canonical, F&& f) {
    while (canonical.data()) {
        const std::string_view text = cut_until(canonical, ',');
        if (baggage_member m; read_baggage_member(text, m)) f(m, text);
    }
}
inline std::string baggage_value(std::string_view encoded) {
    std::string value;
    percent_decoded(encoded, [&](char c) { value += c; });
    return utf8_repaired(value);
}
// What shares everything else with `before`, a decision that is still to come, too.
APM_COLD inline shared_trace_ref with_baggage(const shared_trace_ref& before, std::string_view baggage) {
    shared_trace* const old = before.get();
    const bool pending = old && old->tail;
    if ((old ? old->state_size : 0) + baggage.size() == 0 && !pending) return {};
    shared_trace* const made = copy_with_baggage(old, baggage.data(), static_cast<std::uint32_t>(baggage.size()));
    if (!made) return before;
    if (pending) {
        made->tail = old->tail;
        made->next = retain(old->next ? old->next : old);
    }
    return shared_trace_ref(made);
}

}  // namespace detail

// Keys with values, and with metadata, which is opaque; in their order, each key once. A value: copied, compared, changed by one
// thread at a time. A look-up reads all of it; it is one string inside, as the header `baggage` has it.
class baggage {
public:
    baggage() = default;
    // Of a header's value. Malformed members are left out; of several with one key the last is meant. Of more than 64 members or
    // 8,192 bytes the last ones are dropped, as a whole; that is reported once. 11 KiB of stack.
    explicit baggage(std::string_view header) {
        detail::baggage_text text;
        text.add(header);
        if (text.cut()) detail::say_baggage_was_cut();
        struct {
            std::string_view key, text;
        } all[detail::most_baggage];
        std::size_t count = 0;
        detail::each_baggage_member(text.view(), [&](const detail::baggage_member& m, std::string_view member) {
            std::size_t i = 0;
            while (i < count && all[i].key != m.key) ++i;
            if (i == count) ++count;
            all[i] = {m.key, member};
        });
        text_.reserve(text.view().size());
        for (std::size_t i = 0; i < count; ++i) text_.append(i ? "," : "").append(all[i].text);
    }
    // That of a context.
    [[nodiscard]] static baggage of(const context& c) {
        const detail::shared_trace* const t = c.shared.get();
        return t ? baggage(std::string_view(t->baggage(), t->baggage_size)) : baggage();
    }
    // That of the current span, or of what was attached.
    template <mode M = APM_MODE>
    [[nodiscard]] static baggage current() {
        return of(context::current<M>());
    }

    // Decoded; a byte that belongs to no UTF-8 is U+FFFD.
    [[nodiscard]] std::optional<std::string> get(std::string_view key) const {
        std::optional<std::string> found;
        detail::each_baggage_member(text_, [&](const detail::baggage_member& m, std::string_view) {
            if (m.key == key) found = detail::baggage_value(m.value);
        });
        return found;
    }
    // As it is sent: `a;b=c`. Empty where there is none.
    [[nodiscard]] std::string_view metadata(std::string_view key) const {
        std::string_view found;
        detail::each_baggage_member(text_, [&](const detail::baggage_member& m, std::string_view) {
            if (m.key == key) found = m.properties;
        });
        return found;
    }
    // Calls f(std::string_view key, std::string value, std::string_view metadata) for each.
    template <class F>
    void each(F&& f) const {
        detail::each_baggage_member(text_, [&](const detail::baggage_member& m, std::string_view) {
            f(m.key, detail::baggage_value(m.value), m.properties);
        });
    }
    // How many keys; reads all of it.
    [[nodiscard]] std::size_t size() const {
        std::size_t n = 0;
        detail::each_baggage_member(text_, [&](const detail::baggage_member&, std::string_view) { ++n; });
        return n;
    }
    [[nodiscard]] bool empty() const { return text_.empty(); }

    // In the place of one with that key, else at the end. The value may be any text. A key that is no token (RFC 7230: letters,
    // digits, !#$%&'*+-.^_`|~) changes nothing; metadata that is malformed is left out.
    baggage& set(std::string_view key, std::string_view value, std::string_view metadata = {}) {
        if (!detail::valid_baggage_key(key)) return *this;
        std::string encoded, properties;
        detail::string_out value_out{encoded}, properties_out{properties};
        detail::put_percent_encoded(value_out, value);
        if (!detail::put_properties(properties_out, metadata)) properties.clear();
        replace(key, encoded, properties);
        return *this;
    }
    baggage& remove(std::string_view key) {
        rebuild(key, {});
        return *this;
    }

    // The header's value; whatever its size.
    [[nodiscard]] const std::string& header() const { return text_; }

    // The context with this baggage instead of its own. Of more than 64 members or 8,192 bytes the last ones are dropped, as a
    // whole; that is reported once.
    [[nodiscard]] context in(context c) const {
        detail::baggage_text text;
        text.add(text_);
        if (text.cut()) detail::say_baggage_was_cut();
        c.shared = detail::with_baggage(c.shared, text.view());
        return c;
    }

    friend bool operator==(const baggage&, const baggage&) = default;

private:
    void replace(std::string_view key, std::string_view value, std::string_view properties) {
        std::string member;
        member.reserve(key.size() + 1 + value.size() + properties.size());
        member.append(key).append(1, '=').append(value).append(properties);
        rebuild(key, member);
    }
    void rebuild(std::string_view key, std::string_view member) {
        std::string changed;
        const auto append = [&changed](std::string_view x) {
            if (!changed.empty()) changed += ',';
            changed += x;
        };
        bool done = member.empty();
        detail::each_baggage_member(text_, [&](const detail::baggage_member& m, std::string_view text) {
            if (m.key != key) append(text);
            else if (!done) append(member), done = true;
        });
        if (!done) append(member);
        text_ = std::move(changed);
    }

    std::string text_;
};

// Makes it the baggage of what is traced and sent until the end of the scope, on this thread. It hides the current span, as every
// attached context does: take what is to be said to that one (apm::current_span()) before.
template <mode M = APM_MODE>
[[nodiscard]] attached_context<M> with_baggage(const baggage& b) {
    if constexpr (M == mode::on) return attached_context<M>(b.in(context::current<M>()));
    else return attached_context<M>(context{});
}
// The same, of what is there already and this.
template <mode M = APM_MODE>
[[nodiscard]] attached_context<M> with_baggage(std::string_view key, std::string_view value, std::string_view metadata = {}) {
    if constexpr (M == mode::on) return with_baggage<M>(baggage::current<M>().set(key, value, metadata));
    else return attached_context<M>(context{});
}

}  // namespace apm::inline APM_ABI
