// A struct of fields as attributes: what a span or an event says about itself, serialized while its temporaries live.
//
//     APM_FIELDS(Checkout, (std::uint64_t, order_id), (std::optional<std::string_view>, coupon), (apm::secret, card_number));
//
// A field is an integer, a double, a bool, text, a described enum, an apm::range, a contiguous array of numbers, apm::secret, or
// std::optional of one of these. Text is copied at once: it need only live for the call. Unsigned integers beyond an int64,
// which is what OpenTelemetry has, are its largest.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <boost/hana/unpack.hpp>

#include <apm/config.hpp>
#include <apm/detail/enumeration.hpp>
#include <apm/fields.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/items.hpp>

namespace apm::inline APM_ABI {

// A value that must not be recorded: a card number, a token. It takes anything and keeps nothing.
struct secret {
    constexpr secret() = default;
    template <class T>
    APM_INLINE constexpr secret(const T&) {}
};

struct attribute_info {
    const char* name;
    const label_domain* domain;  // of an enumerator
};
struct attributes_info {
    const attribute_info* fields;
    std::uint32_t count;
};

using no_attributes = no_labels;

namespace detail {

// Neither a number nor a text: give it as one of these.
template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <std::integral Integer>
APM_INLINE constexpr std::int64_t as_int64(Integer i) {
    return std::in_range<std::int64_t>(i) ? static_cast<std::int64_t>(i) : INT64_MAX;
}

struct bytes_of_text {
    const char* bytes;
    std::size_t length;
    [[nodiscard]] const char* data() const { return bytes; }
    [[nodiscard]] std::size_t size() const { return length; }
};
// The longest part of `size` bytes that is within the limit and ends where a character ends.
APM_INLINE std::uint32_t cut(const char* bytes, std::size_t size) {
    if (size <= limits::text) [[likely]] return static_cast<std::uint32_t>(size);
    return static_cast<std::uint32_t>(text<limits::text>(bytes_of_text{bytes, size}).size());
}

// An array of numbers: anything with data() and size(), such as std::span, std::array and std::vector.
template <class T>
concept numbers = requires(const T& t) {
    { t.size() } -> std::convertible_to<std::size_t>;
    requires std::is_arithmetic_v<std::remove_cvref_t<decltype(*t.data())>>;
    requires !character<std::remove_cvref_t<decltype(*t.data())>>;
    requires !std::same_as<std::remove_cvref_t<decltype(*t.data())>, bool>;
};

// How one type is an attribute: its item, how many bytes its value takes, and how they are written. `cuts` where text was cut.
template <class T>
struct [[APM_HIDDEN]] attribute_kind {};
template <std::integral T>
    requires(!character<T>)
struct [[APM_HIDDEN]] attribute_kind<T> {
    static constexpr item type = item::integer;
    APM_INLINE static std::uint32_t size(T) { return 8; }
    APM_INLINE static char* put(char* to, T v) { return put_raw(to, as_int64(v)); }
};
template <>
struct [[APM_HIDDEN]] attribute_kind<bool> {
    static constexpr item type = item::boolean;
    APM_INLINE static std::uint32_t size(bool) { return 1; }
    APM_INLINE static char* put(char* to, bool v) { return put_raw(to, v); }
};
template <std::floating_point T>
struct [[APM_HIDDEN]] attribute_kind<T> {
    static constexpr item type = item::real;
    APM_INLINE static std::uint32_t size(T) { return 8; }
    APM_INLINE static char* put(char* to, T v) { return put_raw(to, static_cast<double>(v)); }
};
template <described_enum E>
struct [[APM_HIDDEN]] attribute_kind<E> {
    static constexpr item type = item::enumerator;
    static constexpr const label_domain* domain = &enum_domain<E>;
    APM_INLINE static std::uint32_t size(E) { return 4; }
    APM_INLINE static char* put(char* to, E v) { return put_raw(to, enumeration<E>::ordinal(v)); }
};
template <std::int64_t First, std::int64_t Last>
struct [[APM_HIDDEN]] attribute_kind<range<First, Last>> {
    static constexpr item type = item::integer;
    APM_INLINE static std::uint32_t size(range<First, Last>) { return 8; }
    APM_INLINE static char* put(char* to, range<First, Last> v) { return put_raw(to, v.value); }
};
struct text_attribute {
    static constexpr item type = item::text;
    APM_INLINE static char* put_text(char* to, const char* bytes, std::uint32_t n) {
        return put_bytes(put_raw(to, n), bytes, n);
    }
};
template <string_like S>
struct [[APM_HIDDEN]] attribute_kind<S> : text_attribute {
    APM_INLINE static std::uint32_t size(const S& s) { return 4 + cut(s.data(), s.size()); }
    APM_INLINE static char* put(char* to, const S& s) { return put_text(to, s.data(), cut(s.data(), s.size())); }
    APM_INLINE static bool cuts(const S& s) { return s.size() > limits::text; }
};
template <>
struct [[APM_HIDDEN]] attribute_kind<const char*> : text_attribute {
    APM_INLINE static std::size_t length(const char* s) { return s ? __builtin_strlen(s) : 0; }
    APM_INLINE static std::uint32_t size(const char* s) { return 4 + cut(s, length(s)); }
    APM_INLINE static char* put(char* to, const char* s) { return put_text(to, s, cut(s, length(s))); }
    APM_INLINE static bool cuts(const char* s) { return length(s) > limits::text; }
};
template <>
struct [[APM_HIDDEN]] attribute_kind<char*> : attribute_kind<const char*> {};
// An enumerator without a field, hence without a table that has its name.
template <described_enum E>
struct [[APM_HIDDEN]] name_of_enumerator : text_attribute {
    static const char* name(E e) { return enum_domain<E>.names[enumeration<E>::ordinal(e)]; }
    static std::uint32_t size(E e) { return attribute_kind<const char*>::size(name(e)); }
    static char* put(char* to, E e) { return attribute_kind<const char*>::put(to, name(e)); }
};
template <class T>
struct untyped_kind { using type = attribute_kind<T>; };
template <described_enum E>
struct untyped_kind<E> { using type = name_of_enumerator<E>; };
template <numbers A>
    requires(!string_like<A>)
struct [[APM_HIDDEN]] attribute_kind<A> {
    using number = std::remove_cvref_t<decltype(*std::declval<const A&>().data())>;
    static constexpr item type = std::integral<number> ? item::integers : item::reals;
    static constexpr std::uint32_t most = limits::text / 8;  // as many bytes as of text
    APM_INLINE static std::uint32_t count(const A& a) {
        return a.size() < most ? static_cast<std::uint32_t>(a.size()) : most;
    }
    APM_INLINE static std::uint32_t size(const A& a) { return 4 + 8 * count(a); }
    APM_INLINE static char* put(char* to, const A& a) {
        const std::uint32_t n = count(a);
        to = put_raw(to, n);
        for (std::uint32_t i = 0; i < n; ++i) {
            if constexpr (std::integral<number>) to = put_raw(to, as_int64(a.data()[i]));
            else to = put_raw(to, static_cast<double>(a.data()[i]));
        }
        return to;
    }
    APM_INLINE static bool cuts(const A& a) { return a.size() > most; }
};
template <>
struct [[APM_HIDDEN]] attribute_kind<secret> {
    static constexpr item type = item::none;
};

template <class Field>
struct [[APM_HIDDEN]] attribute_field {
    using type = std::decay_t<typename bare_field<Field>::type>;
    using kind = attribute_kind<type>;
    static constexpr bool optional = optional_like<Field>;
    static constexpr bool usable = requires { kind::type; };
    static_assert(usable,
                  "apm: this field cannot be an attribute; attributes are integers, doubles, bool, text, described enums, "
                  "apm::range, arrays of numbers, apm::secret or std::optional of these");
    static constexpr bool secret = [] {
        if constexpr (usable) return kind::type == item::none;
        else return true;
    }();
    static constexpr const label_domain* domain = [] {
        if constexpr (requires { kind::domain; }) return kind::domain;
        else return static_cast<const label_domain*>(nullptr);
    }();

    APM_INLINE static bool present(const Field& f) {
        if constexpr (secret) return false;
        else if constexpr (optional) return f.has_value();
        else return true;
    }
    APM_INLINE static const type& value(const Field& f) {
        if constexpr (optional) return *f;
        else return static_cast<const type&>(f);
    }
    APM_INLINE static std::uint32_t size(const Field& f) {  // with the two bytes that say what it is
        if constexpr (secret) return 0;
        else return present(f) ? 2 + kind::size(value(f)) : 0;
    }
    APM_INLINE static char* put(char* to, std::uint8_t index, const Field& f) {
        if constexpr (!secret) {
            if (!present(f)) return to;
            to = put_raw(to, kind::type);
            to = put_raw(to, index);
            return kind::put(to, value(f));
        } else {
            return to;
        }
    }
    APM_INLINE static bool cuts(const Field& f) {
        if constexpr (requires { kind::cuts(value(f)); }) return present(f) && kind::cuts(value(f));
        else return false;
    }
};

template <class T>
constexpr bool required_field = false;
template <class T>
constexpr bool required_field<required<T>> = true;
template <class Member>
struct member_of;
template <class T, class A>
struct member_of<T A::*> { using type = T; };
template <auto Member>
using type_of_member = typename member_of<decltype(Member)>::type;

template <class L, class Pair>
using type_of_pair = std::remove_cvref_t<decltype(boost::hana::second(std::declval<Pair>())(std::declval<const L&>()))>;
template <class L, class Pair>
using attribute_of = attribute_field<type_of_pair<L, Pair>>;

template <class Pair, auto Member>
constexpr bool accesses =
    std::same_as<std::remove_cvref_t<decltype(boost::hana::second(std::declval<Pair>()))>, member_access<Member>>;

// Everything about the attributes A that does not depend on a row.
template <class A>
struct [[APM_HIDDEN]] attributes {
    static_assert(boost::hana::Struct<A>::value,
                  "apm: this is no set of attributes: declare it with APM_FIELDS(Name, (type, field), ...)");
    static constexpr auto accessors = boost::hana::accessors<A>();

    template <class... Pair>
    struct [[APM_HIDDEN]] table {
        static constexpr std::uint32_t count = sizeof...(Pair);
        static_assert(count <= limits::attributes, "apm: more fields than a span may have attributes");
        static constexpr attribute_info fields[count + 1] = {
            {name_text<std::remove_cvref_t<decltype(boost::hana::first(std::declval<Pair>()))>>::text,
             attribute_of<A, Pair>::domain}...};
        static constexpr bool none_required = (!required_field<type_of_pair<A, Pair>> && ...);
        // The index of a field by its member, or `by_name`.
        template <auto Member>
        static constexpr std::uint8_t index = [] {
            std::uint8_t at = by_name, i = 0;
            ((at = accesses<Pair, Member> ? i : at, ++i), ...);
            return at;
        }();
    };
    using all = typename decltype(boost::hana::unpack(
        accessors, []<class... Pair>(const Pair&...) { return std::type_identity<table<Pair...>>{}; }))::type;
    static constexpr attributes_info info{all::fields, all::count};
    // Whether `{}` says nothing that had to be said.
    static constexpr bool may_be_empty = all::none_required;

    // The bytes that write() takes, how many attributes that are, and how many of them are cut.
    struct measure {
        std::uint32_t bytes = 0, count = 0, cut = 0;
    };
    APM_INLINE static measure size(const A& a) {
        measure m;
        boost::hana::unpack(accessors, [&]<class... Pair>(const Pair&... pair) APM_LAMBDA_INLINE {
            ((m.bytes += attribute_of<A, Pair>::size(boost::hana::second(pair)(a)),
              m.count += attribute_of<A, Pair>::present(boost::hana::second(pair)(a)) ? 1u : 0u,
              m.cut += attribute_of<A, Pair>::cuts(boost::hana::second(pair)(a)) ? 1u : 0u), ...);
        });
        return m;
    }
    APM_INLINE static char* write(char* to, const A& a) {
        boost::hana::unpack(accessors, [&]<class... Pair>(const Pair&... pair) APM_LAMBDA_INLINE {
            std::uint8_t index = 0;
            ((to = attribute_of<A, Pair>::put(to, index++, boost::hana::second(pair)(a))), ...);
        });
        return to;
    }
};

template <class A, auto Member>
consteval void check_member() {
    static_assert(attributes<A>::all::template index<Member> != by_name,
                  "apm: this member is not one of the attributes of this span: see the struct of APM_FIELDS that its row names");
}

}  // namespace detail

// An attribute whose name is known only when the program runs: {"retries", 3}. Views its name and value, for the call.
class attribute {
public:
    template <class T>
        requires requires { detail::untyped_kind<std::decay_t<T>>::type::type; }
    APM_INLINE attribute(text<limits::name> name, const T& value)
        : name_(name), value_(&value), size_([](const void* v) { return kind<T>::size(get<T>(v)); }),
          put_([](char* to, const void* v) { return kind<T>::put(to, get<T>(v)); }),
          cuts_([](const void* v) {
              if constexpr (requires { kind<T>::cuts(get<T>(v)); }) return kind<T>::cuts(get<T>(v));
              else return false;
          }),
          type_(kind<T>::type) {}

    // What detail::attributes has for a struct.
    [[nodiscard]] std::uint32_t size() const {
        return 3 + static_cast<std::uint32_t>(name_.size()) + size_(value_);
    }
    char* write(char* to) const {
        const auto n = static_cast<std::uint8_t>(name_.size());
        to = detail::put_raw(to, type_);
        to = detail::put_raw(to, detail::by_name);
        to = detail::put_raw(to, n);
        __builtin_memcpy(to, name_.data(), n);
        return put_(to + n, value_);
    }
    [[nodiscard]] bool cut() const { return name_.cut() || cuts_(value_); }

private:
    template <class T>
    using kind = typename detail::untyped_kind<std::decay_t<T>>::type;
    template <class T>
    static decltype(auto) get(const void* v) {
        if constexpr (std::is_array_v<T>) return static_cast<const char*>(v);
        else return *static_cast<const T*>(v);
    }
    text<limits::name> name_;
    const void* value_;
    std::uint32_t (*size_)(const void*);
    char* (*put_)(char*, const void*);
    bool (*cuts_)(const void*);
    item type_;
};

}  // namespace apm::inline APM_ABI
