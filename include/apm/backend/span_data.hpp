// One finished span as a value: a copy that outlives the batch it came in, all its text valid UTF-8.
//
//     for (const apm::span_view& s : apm::drain_spans().spans) kept.push_back(apm::span_data::of(s));
//     kept[0].attribute<std::uint64_t>("order_id") == 7;
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/utf8_text.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

using attribute_value =
    std::variant<std::int64_t, double, bool, std::string, std::vector<std::int64_t>, std::vector<double>>;

struct attribute_data {
    std::string name;
    attribute_value value;  // an enumerator is its name

    bool operator==(const attribute_data&) const = default;

    static attribute_data of(const attribute_view& a) {
        attribute_data copy{detail::utf8_repaired(a.name()), {}};
        a.visit([&]<class V>(const V& v) {
            if constexpr (std::same_as<V, std::string_view>) copy.value = detail::utf8_repaired(v);
            else if constexpr (requires { v[0]; }) {
                std::vector<std::remove_cvref_t<decltype(v[0])>> all;
                for (std::uint32_t i = 0; i < v.size(); ++i) all.push_back(v[i]);
                copy.value = std::move(all);
            } else copy.value = v;
        });
        return copy;
    }

    // The value as a T: bool, an integer, a double, text, or a vector of std::int64_t or double. Nothing where it is of another
    // kind, or an integer that T cannot hold. A std::string_view refers to this object.
    template <class T>
    [[nodiscard]] std::optional<T> as() const {
        const auto get = [this]<class V>(V*) -> std::optional<T> {
            if (const V* v = std::get_if<V>(&value)) return T(*v);
            return std::nullopt;
        };
        if constexpr (std::same_as<T, bool>) return get(static_cast<bool*>(nullptr));
        else if constexpr (std::integral<T>) {
            const auto* n = std::get_if<std::int64_t>(&value);
            return n && std::in_range<T>(*n) ? std::optional<T>(static_cast<T>(*n)) : std::nullopt;
        } else if constexpr (std::same_as<T, std::string_view>) return get(static_cast<std::string*>(nullptr));
        else return get(static_cast<T*>(nullptr));
    }
};

struct event_data {
    std::string name;
    std::uint64_t time = 0;  // nanoseconds since the epoch
    std::vector<attribute_data> attributes = {};
    std::uint32_t dropped_attributes = 0;

    bool operator==(const event_data&) const = default;
};

struct link_data {
    apm::context context;
    std::vector<attribute_data> attributes = {};
    std::uint32_t dropped_attributes = 0;
    std::string trace_state = {};  // the value of the header

    bool operator==(const link_data&) const = default;
};

// What identifies a span: its id is only sure to be unique within its trace.
struct span_key {
    trace_id trace;
    std::uint64_t id = 0;

    bool operator==(const span_key&) const = default;
    struct hash {
        std::size_t operator()(const span_key& k) const {
            return detail::mix(k.id ^ k.trace.low, 0x9e3779b97f4a7c15u);
        }
    };
};

struct span_data {
    std::string name;
    std::string scope = {};  // the name of the schema's; empty of a span without a row
    span_kind kind = span_kind::internal;
    trace_id trace = {};
    std::uint64_t id = 0;
    std::uint64_t parent = 0;       // 0: there is none
    bool parent_is_remote = false;  // it is another process's
    bool sampled = true;            // else tail sampling exported it
    double adjusted_count = 0;      // for how many it stands: see span_view
    std::string trace_state = {};   // the value of the header
    std::uint64_t start = 0;        // nanoseconds since the epoch
    std::uint64_t duration = 0;     // nanoseconds
    std::uint32_t thread = 0;       // that ended it
    span_status status = span_status::unset;
    std::string message = {};       // of an error
    std::vector<attribute_data> attributes = {};
    std::vector<event_data> events = {};
    std::vector<link_data> links = {};
    span_view::dropped_counts dropped = {};

    [[nodiscard]] std::uint64_t end() const { return start + duration; }
    [[nodiscard]] span_key key() const { return {trace, id}; }
    [[nodiscard]] span_key parent_key() const { return {trace, parent}; }
    // A local root: it has no parent in this process.
    [[nodiscard]] bool is_local_root() const { return parent == 0 || parent_is_remote; }

    // See attribute_data::as(). Nothing where there is no attribute of that name.
    template <class T>
    [[nodiscard]] std::optional<T> attribute(std::string_view which) const {
        for (const attribute_data& a : attributes)
            if (a.name == which) return a.as<T>();
        return std::nullopt;
    }

    static span_data of(const span_view& s) {
        const auto copy = [](const auto& from, std::vector<attribute_data>& to) {
            from.attributes([&](const attribute_view& a) { to.push_back(attribute_data::of(a)); });
        };
        span_data d{detail::utf8_repaired(s.name())};
        d.scope = detail::utf8_repaired(s.scope().name);
        d.kind = s.kind();
        d.trace = s.trace(), d.id = s.id(), d.parent = s.parent(), d.parent_is_remote = s.parent_is_remote();
        d.sampled = s.sampled(), d.adjusted_count = s.adjusted_count(), d.trace_state = detail::utf8_repaired(s.trace_state());
        d.start = s.start(), d.duration = s.duration();
        d.thread = s.thread();
        d.status = s.status(), d.message = detail::utf8_repaired(s.message());
        d.dropped = s.dropped();
        copy(s, d.attributes);
        s.events([&](const event_view& e) {
            d.events.push_back({detail::utf8_repaired(e.name()), e.time(), {}, e.dropped_attributes()});
            copy(e, d.events.back().attributes);
        });
        s.links([&](const link_view& l) {
            d.links.push_back({l.context(), {}, l.dropped_attributes(), detail::utf8_repaired(l.trace_state())});
            copy(l, d.links.back().attributes);
        });
        return d;
    }
};

}  // namespace apm::inline APM_ABI
