// A struct of fields as a label set: each closed field has an ordinal, their mixed-radix number is the series' index, and
// open text completes the key.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <boost/hana/unpack.hpp>

#include <apm/config.hpp>
#include <apm/detail/enumeration.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/table.hpp>
#include <apm/fields.hpp>
#include <apm/metrics/naming.hpp>

namespace apm::inline APM_ABI {

struct label_info {
    const char* name;
    const label_domain* domain;  // null for open text
    std::uint32_t radix;         // ordinals of this field, "absent" (the last) included; 1 for open text
    bool optional;
    bool open;  // text; asked instead of `domain`, whose address gcc's sanitizers cannot compare in constant evaluation
};

struct labels_info {
    const label_info* fields;
    std::uint32_t count;
    std::uint32_t texts;    // how many are open
    std::uint64_t product;  // of the radices
    // Found out once here rather than in each row:
    bool sound;               // every name is valid, and no two are equal in Prometheus
    std::uint64_t signature;  // what two builds must agree on to share series
};

namespace detail {

constexpr bool sound(const label_info* fields, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!valid_label_name(fields[i].name)) return false;
        for (std::uint32_t j = 0; j < i; ++j)
            if (same_in_prometheus(fields[i].name, fields[j].name)) return false;
    }
    return true;
}
constexpr std::uint64_t signature(const label_info* fields, std::uint32_t count) {
    std::uint64_t s = fnv_basis;
    for (std::uint32_t i = 0; i < count; ++i) {
        const label_info& f = fields[i];
        s = fnv_number(fnv(s, f.name), f.radix);
        // Enumerators in another order are another layout; a wide range is known by its ends.
        if (f.open) continue;
        s = fnv_number(s, static_cast<std::uint64_t>(f.domain->first));
        if (f.domain->named)
            for (std::uint32_t e = 0; e < f.domain->declared; ++e) s = fnv(s, f.domain->names[e]);
    }
    return s;
}

inline constexpr std::uint64_t most_series = 1u << 20;  // of a row: what its limit, and its closed labels, may come to

// How one field type is a label. Specialized per kind of type; anything else is rejected by `label_field` below.
template <class T>
struct [[APM_HIDDEN]] label_kind {};
template <class T>
struct [[APM_HIDDEN]] label_kind<required<T>> : label_kind<T> {
    APM_INLINE static constexpr decltype(auto) get(const required<T>& r) { return (r.value); }
};
template <described_enum E>
struct [[APM_HIDDEN]] label_kind<E> {
    static constexpr std::uint32_t size = enumeration<E>::size;
    static constexpr const label_domain& domain = enum_domain<E>;
    APM_INLINE static constexpr std::uint32_t ordinal(E e) { return enumeration<E>::ordinal(e); }
};
template <>
struct [[APM_HIDDEN]] label_kind<bool> {
    static constexpr std::uint32_t size = 2;
    static constexpr label_domain domain{bool_names, true, 0, 2};
    APM_INLINE static constexpr std::uint32_t ordinal(bool b) { return b ? 1 : 0; }
};
template <std::int64_t First, std::int64_t Last>
struct [[APM_HIDDEN]] label_kind<range<First, Last>> {
    static_assert(range<First, Last>::width - 1 < most_series, "apm: a label's apm::range is wider than 2^20 values");
    static constexpr std::uint32_t size = static_cast<std::uint32_t>(range<First, Last>::width) + 1;
    static constexpr label_domain domain{nullptr, false, First, size - 1};
    APM_INLINE static constexpr std::uint32_t ordinal(range<First, Last> r) { return static_cast<std::uint32_t>(r.offset()); }
};
template <string_like S>
struct [[APM_HIDDEN]] label_kind<S> {
    static constexpr bool open = true;
    APM_INLINE static constexpr piece view(const S& s) {
        const text<> bounded(s);  // a plain string of an adapted struct gets the default bound
        return {bounded.data(), bounded.size()};
    }
};
template <std::size_t Max>
struct [[APM_HIDDEN]] label_kind<text<Max>> {
    static constexpr bool open = true;
    APM_INLINE static constexpr piece view(const text<Max>& t) { return {t.data(), t.size()}; }
};

template <class Field>
struct [[APM_HIDDEN]] label_field {
    using type = typename bare_field<Field>::type;
    using kind = label_kind<type>;
    static constexpr bool optional = optional_like<Field>;
    static constexpr bool closed = requires { kind::domain; };
    static constexpr bool open = requires { kind::open; };
    static_assert(closed || open,
                  "apm: this field cannot be a label; labels are described enums, bool, apm::range, apm::text or std::optional "
                  "of these (a plain integer or double has no bound on its series: use apm::range)");

    static constexpr std::uint32_t radix = [] {
        if constexpr (closed) return kind::size + (optional ? 1u : 0u);
        else return 1u;
    }();
    static constexpr const label_domain* domain = [] {
        if constexpr (closed) return &kind::domain;
        else return static_cast<const label_domain*>(nullptr);
    }();

    APM_INLINE static constexpr std::uint32_t ordinal(const Field& f) {
        if constexpr (!closed) return 0;
        else if constexpr (optional) return f.has_value() ? kind::ordinal(*f) : kind::size;
        else return kind::ordinal(f);
    }
    APM_INLINE static constexpr piece view(const Field& f) {
        if constexpr (optional) return f.has_value() ? kind::view(*f) : piece{"", 0};
        else return kind::view(static_cast<const type&>(f));
    }
};

template <class L, class Pair>
using field_of = label_field<std::remove_cvref_t<decltype(boost::hana::second(std::declval<Pair>())(std::declval<const L&>()))>>;

// Everything about the label set L that does not depend on a row.
template <class L>
struct [[APM_HIDDEN]] labels {
    static_assert(boost::hana::Struct<L>::value,
                  "apm: this is no set of labels: declare it with APM_FIELDS(Name, (type, field), ...)");
    static constexpr auto accessors = boost::hana::accessors<L>();

    template <class... Pair>
    struct [[APM_HIDDEN]] table {
        static constexpr std::uint32_t count = sizeof...(Pair);
        static constexpr std::uint32_t texts = (0u + ... + (field_of<L, Pair>::open ? 1u : 0u));
        static constexpr std::uint64_t product = [] {
            std::uint64_t p = 1;  // not multiplied on where a row rejects it anyway: it would wrap around to a small one
            ((p = p > most_series ? p : p * field_of<L, Pair>::radix), ...);
            return p;
        }();
        static constexpr label_info fields[count + 1] = {
            {name_text<std::remove_cvref_t<decltype(boost::hana::first(std::declval<Pair>()))>>::text,
             field_of<L, Pair>::domain, field_of<L, Pair>::radix, field_of<L, Pair>::optional, field_of<L, Pair>::open}...};
    };
    using all = typename decltype(boost::hana::unpack(
        accessors, []<class... Pair>(const Pair&...) { return std::type_identity<table<Pair...>>{}; }))::type;

    static constexpr labels_info info{all::fields, all::count, all::texts, all::product, sound(all::fields, all::count),
                                      signature(all::fields, all::count)};
    using each_text = std::make_index_sequence<all::texts>;

    // In [0, product): the first field varies slowest.
    APM_INLINE static constexpr std::uint32_t index(const L& l) {
        std::uint32_t i = 0;
        boost::hana::unpack(accessors, [&]<class... Pair>(const Pair&... pair) APM_LAMBDA_INLINE {
            ((i = i * field_of<L, Pair>::radix + field_of<L, Pair>::ordinal(boost::hana::second(pair)(l))), ...);
        });
        return i;
    }

    struct key {
        piece texts[all::texts ? all::texts : 1];
        std::uint32_t closed;
        [[nodiscard]] APM_INLINE key_view view() const { return {closed, all::texts, texts}; }
    };
    APM_INLINE static constexpr key key_of(const L& l) {
        key k{{}, index(l)};
        if constexpr (all::texts > 0) {
            piece* out = k.texts;
            boost::hana::unpack(accessors, [&]<class... Pair>(const Pair&... pair) APM_LAMBDA_INLINE {
                ([&]() APM_LAMBDA_INLINE {
                    if constexpr (field_of<L, Pair>::open) *out++ = field_of<L, Pair>::view(boost::hana::second(pair)(l));
                }(), ...);
            });
        }
        return k;
    }
};

}  // namespace detail

}  // namespace apm::inline APM_ABI
