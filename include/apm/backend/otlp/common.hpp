// What traces, metrics and logs share in OTLP: attributes and their values, the resource, the scope, and the request around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/otlp/fields.hpp>
#include <apm/config.hpp>
#include <apm/row.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// --- values and attributes --------------------------------------------------------------------------------------------

struct any_value_fields {
    static constexpr field string_value{1, "stringValue"}, bool_value{2, "boolValue"}, int_value{3, "intValue"},
        double_value{4, "doubleValue"}, array_value{5, "arrayValue"};
    static constexpr field values{1, "values"};  // of an ArrayValue
};
template <class To>
APM_INLINE void put_value(To& to, std::string_view v) { to.text(any_value_fields::string_value, v); }
template <class To>
APM_INLINE void put_value(To& to, bool v) { to.boolean(any_value_fields::bool_value, v); }
template <class To>
APM_INLINE void put_value(To& to, std::int64_t v) { to.int64(any_value_fields::int_value, v); }
template <class To>
APM_INLINE void put_value(To& to, double v) { to.real(any_value_fields::double_value, v); }
template <class To, class Number>
void put_value(To& to, const packed_numbers<Number>& v) {
    to.message(any_value_fields::array_value, [&] {
        to.array(any_value_fields::values, [&](auto&& one) {
            for (std::uint32_t i = 0; i < v.size(); ++i) one([&] { put_value(to, v[i]); });
        });
    });
}

struct key_value_fields {
    static constexpr field key{1, "key"}, value{2, "value"};
};
template <class To, class Value>
APM_INLINE void put_key_value(To& to, std::string_view name, const Value& value) {
    to.text(key_value_fields::key, name);
    to.message(key_value_fields::value, [&]() APM_LAMBDA_INLINE { put_value(to, value); });
}
// The attributes of anything that has attributes(f).
template <class To, class Owner>
APM_INLINE void put_attributes(To& to, const field& f, const Owner& of) {
    to.list(f, [&](auto&& one) APM_LAMBDA_INLINE {
        of.attributes([&](const attribute_view& a) APM_LAMBDA_INLINE {
            one([&]() APM_LAMBDA_INLINE { a.visit([&](const auto& value) { put_key_value(to, a.name(), value); }); });
        });
    });
}

template <class To>
APM_INLINE void put_unless_empty(To& to, const field& f, std::string_view text) {
    if (!text.empty()) to.text(f, text);
}
template <class To>
APM_INLINE void put_unless_zero(To& to, const field& f, std::uint32_t number) {
    if (number) to.uint32(f, number);
}

// --- who says it ------------------------------------------------------------------------------------------------------

struct resource_fields {
    static constexpr field attributes{1, "attributes"};
};
template <class To>
void put_resource(To& to, const resource& who) {
    to.list(resource_fields::attributes, [&](auto&& one) {
        for (const auto& [name, value] : who.attributes) {
            one([&, &key = name, &held = value] {
                if (const auto* n = std::get_if<std::int64_t>(&held)) put_key_value(to, key, *n);
                else put_key_value(to, key, std::string_view(std::get<std::string>(held)));
            });
        }
    });
}

struct scope_fields {
    static constexpr field name{1, "name"}, version{2, "version"};
};
template <class To>
void put_scope(To& to, const scope& s) {
    put_unless_empty(to, scope_fields::name, s.name);
    put_unless_empty(to, scope_fields::version, s.version);
}
// Two modules of one program may each have a copy of a scope.
inline bool same_scope(const scope& a, const scope& b) {
    const auto same = [](const char* x, const char* y) { return x == y || std::string_view(x) == y; };
    return same(a.name, b.name) && same(a.version, b.version) && same(a.schema_url, b.schema_url);
}

// --- the request around it --------------------------------------------------------------------------------------------

// What one scope said: spans, or families.
template <class Item>
struct scope_group {
    apm::scope from;
    std::vector<const Item*> items;
};
// Those that `wanted` is true of, by scope; scopes in the order in which they first come. An item has scope().
template <class Item, class Wanted>
std::vector<scope_group<Item>> by_scope(std::span<const Item> all, Wanted&& wanted) {
    std::vector<scope_group<Item>> groups;
    std::size_t last = 0;
    for (const Item& x : all) {
        if (!wanted(x)) continue;
        const apm::scope& from = x.scope();
        if (groups.empty() || !same_scope(groups[last].from, from)) {
            for (last = 0; last < groups.size() && !same_scope(groups[last].from, from);) ++last;
            if (last == groups.size()) groups.push_back({from, {}});
        }
        groups[last].items.push_back(&x);
    }
    return groups;
}

// What a signal calls ResourceSpans, ScopeSpans and Spans.
struct request_fields {
    field resources, scopes, items;

    static constexpr field resource{1, "resource"};
    static constexpr field scope{1, "scope"};
    static constexpr field schema_url{3, "schemaUrl"};
};
// put(item) puts the fields of one.
template <class To, class Item, class Put>
void put_request(To& to, const request_fields& of, const resource& who, const std::vector<scope_group<Item>>& groups, Put&& put) {
    const auto put_group = [&](const scope_group<Item>& g) {
        to.message(of.scope, [&] { put_scope(to, g.from); });
        to.list(of.items, [&](auto&& one) {
            for (const Item* item : g.items) one([&] { put(*item); });
        });
        put_unless_empty(to, of.schema_url, g.from.schema_url);
    };
    to.whole([&] {
        to.list(of.resources, [&](auto&& one) {
            one([&] {
                to.message(of.resource, [&] { put_resource(to, who); });
                to.list(of.scopes, [&](auto&& one_scope) {
                    for (const auto& g : groups) one_scope([&] { put_group(g); });
                });
            });
        });
    });
}

}  // namespace apm::inline APM_ABI::detail::otlp
