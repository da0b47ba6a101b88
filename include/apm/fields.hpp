// APM_FIELDS: a struct of named fields, reflected by Boost.Hana: the labels of a metric, the attributes of a span.
//
//     BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
//     APM_FIELDS(Order, (Method, method), (apm::range<200, 599>, status), (std::optional<apm::text<32>>, coupon));
//
//     orders.add(1, {.method = Method::card, .status = 200});     // a required field left out does not compile
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <boost/describe/enum.hpp>
#include <boost/hana/accessors.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/preprocessor/arithmetic/dec.hpp>
#include <boost/preprocessor/seq/enum.hpp>
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/preprocessor/seq/transform.hpp>
#include <boost/preprocessor/stringize.hpp>
#include <boost/preprocessor/tuple/elem.hpp>
#include <boost/preprocessor/tuple/enum.hpp>
#include <boost/preprocessor/tuple/pop_back.hpp>
#include <boost/preprocessor/tuple/size.hpp>
#include <boost/preprocessor/variadic/to_seq.hpp>

#include <apm/config.hpp>
#include <apm/detail/enumeration.hpp>
#include <apm/detail/fixed_string.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// What a std::string, std::string_view or anything of their shape offers; asked structurally, so that recording headers
// need not include either.
template <class T>
concept string_like = requires(const T& t) {
    { t.data() } -> std::convertible_to<const char*>;
    { t.size() } -> std::convertible_to<std::size_t>;
};
template <class T>
concept optional_like = requires(const T& t) {
    typename T::value_type;
    { t.has_value() } -> std::same_as<bool>;
    *t;
};

}  // namespace detail

// Open text of at most Max bytes; what is longer is cut at a character's boundary. A view: it need only live for the call.
template <std::size_t Max = 255>
struct text {
    const char* bytes = "";
    std::size_t length = 0;

    constexpr text() = default;
    constexpr text(const char* s) : bytes(s ? s : ""), length(s ? up_to_zero : 0) {}
    template <detail::string_like S>
    constexpr text(const S& s) : bytes(s.data()), length(s.size()) {}

    [[nodiscard]] constexpr const char* data() const { return bytes; }
    // In bytes, after the cut.
    [[nodiscard]] constexpr std::size_t size() const {
        // Measured only when it is asked for: where APM is off it is never asked for, and no loop over the characters stays
        // behind.
        const std::size_t all = length == up_to_zero ? __builtin_strlen(bytes) : length;
        if (all <= Max) [[likely]] return all;
        const auto at = [this](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        std::size_t n = Max;
        while (n > 0 && Max - n < 3 && (at(n) & 0xc0) == 0x80) --n;  // not into a UTF-8 sequence
        return at(n) >= 0xc0 ? n : Max;                              // if one begins here
    }

    // Whether there was more.
    [[nodiscard]] constexpr bool cut() const { return (length == up_to_zero ? __builtin_strlen(bytes) : length) > Max; }

private:
    static constexpr std::size_t up_to_zero = ~std::size_t{0};
};

// A small integer, bounds included: an HTTP status is apm::range<200, 599>. What lies outside is a label's "other"; an
// attribute keeps it.
template <std::int64_t First, std::int64_t Last>
    requires(First <= Last && Last < INT64_MAX)
struct range {
    std::int64_t value;

    constexpr range(std::integral auto v)
        requires(!std::same_as<decltype(v), bool>)
        : value(std::in_range<std::int64_t>(v) ? static_cast<std::int64_t>(v) : v > 0 ? INT64_MAX : INT64_MIN) {}
    // In [0, width); `width`, "other", for anything outside.
    APM_INLINE constexpr std::uint64_t offset() const {
        const auto o = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(First);
        return o < width ? o : width;
    }
    static constexpr std::uint64_t width = static_cast<std::uint64_t>(Last) - static_cast<std::uint64_t>(First) + 1;
};

// A field whose name outside C++ is not an identifier: (apm::named<Method, "http.request.method">, method).
template <class T, detail::fixed_string Name>
struct named {
    using type = T;
    static constexpr const auto& name = Name.text;
};

// No fields: of a row without labels or attributes.
struct no_labels {
    struct hana_accessors_impl {
        static constexpr auto apply() { return boost::hana::make_tuple(); }
    };
};

// What a closed field's ordinals are called, for readers.
struct label_domain {
    const char* const* names;  // where `named`
    bool named;                // an enum or bool; else a range of integers
    std::int64_t first;        // a range's first value
    std::uint32_t declared;    // ordinals [0, declared) are the user's own values; behind them, "other" where there is one
};

namespace detail {

// A field that must be given: it has no default constructor, so that `{}` cannot silently mean "the first enumerator".
template <class T>
struct required {
    T value;

    template <class U>
    static constexpr bool takes = std::convertible_to<U, T> && !std::same_as<std::remove_cvref_t<U>, required> &&
                                  (!(std::same_as<T, bool> || std::is_enum_v<T>) || std::same_as<std::remove_cvref_t<U>, T>);
    template <class U>
    static constexpr bool plain = std::is_arithmetic_v<U> || std::is_enum_v<U> || std::same_as<U, const char*>;

    // Numbers, enumerators and pointers to text by value: gcc -O0 treats a variable that is bound to a reference differently
    // from then on, even where nothing is evaluated.
    template <class U>
        requires(takes<U> && (std::is_arithmetic_v<U> || std::is_enum_v<U>))
    APM_INLINE constexpr required(U u) : value(static_cast<T>(u)) {}
    APM_INLINE constexpr required(const char* s) requires(takes<const char*>)
        : value(static_cast<T>(s)) {}
    template <class U>
        requires(takes<U> && !plain<std::remove_cvref_t<U>>)
    APM_INLINE constexpr required(U&& u) : value(static_cast<T>(static_cast<U&&>(u))) {}
    APM_INLINE constexpr operator const T&() const { return value; }
};

template <class T>
struct field {
    using type = required<T>;
    static constexpr bool optional = false;
};
template <optional_like T>
struct field<T> {
    using type = T;
    static constexpr bool optional = true;
};
template <class T, fixed_string Name>
struct field<named<T, Name>> : field<T> {};

template <class T>
const T& no_value_of();  // not defined

// The default of every field. Instantiated only for a field that a call leaves out, since it depends on Apm.
template <class T, fixed_string Name, class Apm>
constexpr typename field<T>::type left_out() {
    static_assert(field<T>::optional,
                  "apm: this field is required and was left out of the braces; give it, or declare it std::optional");
    if constexpr (field<T>::optional) return {};
    else return required<T>(no_value_of<T>());  // never evaluated
}

template <auto Member>
struct member_access {
    template <class T>
    APM_INLINE constexpr decltype(auto) operator()(const T& t) const { return (t.*Member); }
};

template <fixed_string Name, std::size_t... At>
constexpr auto to_hana(std::index_sequence<At...>) {
    return boost::hana::string_c<Name.text[At]...>;
}
template <class T, fixed_string Field>
constexpr auto field_name() {
    if constexpr (requires { T::name; typename T::type; }) {
        return []<class U, fixed_string Name>(named<U, Name>*) {
            return to_hana<Name>(std::make_index_sequence<Name.size>{});
        }(static_cast<T*>(nullptr));
    } else {
        static_assert(!renamed_by_resolver(Field.text),
                      "apm: a macro of <resolv.h> renames this field: #undef it before APM_FIELDS, or say the name with "
                      "apm::named");
        return to_hana<Field>(std::make_index_sequence<Field.size>{});
    }
}

template <class T>
struct bare_field { using type = T; };
template <class T>
struct bare_field<required<T>> { using type = T; };
template <optional_like T>
struct bare_field<T> { using type = typename T::value_type; };

// A Hana string's text in an object that is emitted only where it is used; Hana's own has internal linkage, and gcc emits that
// in every file without optimization.
template <class HanaString>
struct name_text;
template <char... C>
struct [[APM_HIDDEN]] name_text<boost::hana::string<C...>> {
    static constexpr char text[] = {C..., '\0'};
};

inline constexpr const char* bool_names[] = {"false", "true"};

template <described_enum E>
[[APM_HIDDEN]] inline constexpr label_domain enum_domain{enumeration<E>::table.names, true, 0, enumeration<E>::table.size};

}  // namespace detail

}  // namespace apm::inline APM_ABI

// APM_FIELDS(Name, (type, field), ...): defines the aggregate `Name`. A field is required unless its type is std::optional.
// Types: a described enum, bool, apm::range, apm::text. Text is viewed: an object of it need only, and may only, live for the
// call that it is made for. At namespace scope.
#define APM_FIELDS(Name, ...)                                                                                    \
    template <class Apm>                                                                                         \
    struct Name##_fields {                                                                                       \
        BOOST_PP_SEQ_FOR_EACH(APM_DETAIL_MEMBER, , BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))                        \
        struct hana_accessors_impl {                                                                             \
            static constexpr auto apply() {                                                                      \
                return ::boost::hana::make_tuple(BOOST_PP_SEQ_ENUM(BOOST_PP_SEQ_TRANSFORM(                       \
                    APM_DETAIL_ACCESSOR, Name##_fields, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))));                \
            }                                                                                                    \
        };                                                                                                       \
    };                                                                                                           \
    using Name = Name##_fields<void>

#define APM_DETAIL_FIELD_NAME(field) BOOST_PP_TUPLE_ELEM(BOOST_PP_DEC(BOOST_PP_TUPLE_SIZE(field)), field)
#define APM_DETAIL_FIELD_TYPE(field) BOOST_PP_TUPLE_ENUM(BOOST_PP_TUPLE_POP_BACK(field))
#define APM_DETAIL_MEMBER(r, unused, f)                                      \
    typename ::apm::detail::field<APM_DETAIL_FIELD_TYPE(f)>::type APM_DETAIL_FIELD_NAME(f) = \
        ::apm::detail::left_out<APM_DETAIL_FIELD_TYPE(f), BOOST_PP_STRINGIZE(APM_DETAIL_FIELD_NAME(f)), Apm>();
#define APM_DETAIL_ACCESSOR(r, Struct, f)                                                                     \
    ::boost::hana::make_pair(                                                                                 \
        ::apm::detail::field_name<APM_DETAIL_FIELD_TYPE(f), BOOST_PP_STRINGIZE(APM_DETAIL_FIELD_NAME(f))>(),  \
        ::apm::detail::member_access<&Struct::APM_DETAIL_FIELD_NAME(f)>{})

// APM_ENUM_CLASS(Op, GET, DELETE): BOOST_DEFINE_ENUM_CLASS, and an error where a macro of another header changes an enumerator's
// name. Boost's macro, which is given what is left of the names when macros are expanded, cannot see that: a file behind such a
// header, and one that is not, have two enums of one name, and the linker keeps one of them. At namespace scope.
#define APM_ENUM_CLASS(Enum, ...)                                                                                        \
    BOOST_DEFINE_ENUM_CLASS(Enum, __VA_ARGS__)                                                                           \
    static_assert(::apm::detail::named_as_written(::boost::describe::describe_enumerators<Enum>(), #__VA_ARGS__),        \
                  "apm: a macro changes the name of an enumerator: #undef it before the enum, or use another name")

// APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"), ...): what to call enumerators whose name outside C++ is not an identifier.
// In the enum's own namespace, after it; enumerators not listed keep their identifier.
#define APM_WIRE_NAMES(Enum, ...)                                                                      \
    constexpr const char* apm_wire_name(Enum apm_value) {                                              \
        BOOST_PP_SEQ_FOR_EACH(APM_DETAIL_WIRE_NAME, Enum, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))       \
        return nullptr;                                                                                \
    }                                                                                                  \
    static_assert(true)
#define APM_DETAIL_WIRE_NAME(r, Enum, pair) \
    if (apm_value == Enum::BOOST_PP_TUPLE_ELEM(0, pair)) return BOOST_PP_TUPLE_ELEM(1, pair);
