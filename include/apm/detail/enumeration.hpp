// A described enum as a dense range: ordinal <-> name, whatever values its enumerators have.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <boost/describe/enumerators.hpp>

#include <apm/config.hpp>
#include <apm/detail/fixed_string.hpp>

namespace apm::inline APM_ABI::detail {

// `apm_wire_name` is found by argument-dependent lookup where APM_WIRE_NAMES was used for E.
template <class E>
constexpr const char* wire_name_of(E e, const char* identifier) {
    const char* given = nullptr;
    if constexpr (requires { apm_wire_name(e); }) given = apm_wire_name(e);
    return given ? given : identifier;
}

// <resolv.h> defines DELETE as ns_uop_delete, and ADD, QUERY, STATUS, REFUSED and others likewise. An enumerator or a field that
// is declared behind it has that name, and another one in a file without it.
constexpr bool renamed_by_resolver(const char* name) {
    for (const char* prefix : {"ns_uop_", "ns_o_", "ns_r_", "ns_s_", "ns_t_", "ns_c_"})
        if (begins_with(name, prefix)) return true;
    return false;
}

// Whether the names in List are those in `written`, a list of identifiers as it stands in the source.
template <template <class...> class List, class... D>
constexpr bool named_as_written(List<D...>, const char* written) {
    const auto next_is = [&written](const char* name) {
        while (*written == ' ' || *written == ',') ++written;
        for (; *name; ++name, ++written)
            if (*name != *written) return false;
        return *written == ' ' || *written == ',' || !*written;
    };
    return (next_is(D::name) && ...);
}

template <class E, class List>
struct enumeration_table;
template <class E, template <class...> class List, class... D>
struct enumeration_table<E, List<D...>> {
    static_assert(sizeof...(D) > 0, "apm: a label's enum needs at least one enumerator");
    E values[sizeof...(D)]{};
    const char* names[sizeof...(D) + 1]{};
    std::uint32_t size = 0;  // distinct values: an alias (`usual = card`) is the enumerator it aliases

    constexpr enumeration_table() {
        (admit(D::value, wire_name_of(D::value, D::name)), ...);
        catch_all = size;
        for (std::uint32_t i = 0; i < size; ++i)
            if (equal(names[i], "other")) catch_all = i;
        if (catch_all == size) names[size] = "other";
    }
    std::uint32_t catch_all = 0;  // where a value outside the enum goes: its own enumerator "other", or one past the last

    [[nodiscard]] constexpr bool named_by_program() const {
        for (std::uint32_t i = 0; i < size; ++i)
            if (renamed_by_resolver(names[i])) return false;
        return true;
    }
    // Two values of one name would be two series that look the same; an empty one reads as no label at all.
    [[nodiscard]] constexpr bool named_apart() const {
        for (std::uint32_t i = 0; i < size; ++i) {
            if (!*names[i]) return false;
            for (std::uint32_t j = 0; j < i; ++j)
                if (equal(names[i], names[j])) return false;
        }
        return true;
    }

private:
    constexpr void admit(E value, const char* name) {
        for (std::uint32_t i = 0; i < size; ++i)
            if (values[i] == value) return;
        values[size] = value;
        names[size++] = name;
    }
};

template <class E>
concept described_enum = std::is_enum_v<E> && requires { typename boost::describe::describe_enumerators<E>; };

template <class T>
struct unsigned_of : std::make_unsigned<T> {};
template <>
struct unsigned_of<bool> { using type = unsigned char; };

template <described_enum E>
struct [[APM_HIDDEN]] enumeration {
    using bits = typename unsigned_of<std::underlying_type_t<E>>::type;
    static constexpr enumeration_table<E, boost::describe::describe_enumerators<E>> table{};
    static_assert(table.named_apart(),
                  "apm: the enumerators of a label need names of their own, none of them empty: see APM_WIRE_NAMES");
    static_assert(table.named_by_program(),
                  "apm: a macro of <resolv.h> renames an enumerator of this label: #undef it before the enum, or say the name "
                  "with APM_WIRE_NAMES");
    // Ordinals are in [0, size): the enumerators in order of declaration, then, if none is called so, "other".
    static constexpr std::uint32_t size = table.catch_all == table.size ? table.size + 1 : table.size;

    static constexpr bool contiguous = [] {
        for (std::uint32_t i = 0; i < table.size; ++i)
            if (static_cast<bits>(static_cast<bits>(table.values[i]) - static_cast<bits>(table.values[0])) != i) return false;
        return true;
    }();

    // Never outside [0, size), whatever was cast to E.
    APM_INLINE static constexpr std::uint32_t ordinal(E e) {
        if constexpr (contiguous) {
            const auto i = static_cast<bits>(static_cast<bits>(e) - static_cast<bits>(table.values[0]));
            return i < table.size ? static_cast<std::uint32_t>(i) : table.catch_all;
        } else {
            std::uint32_t found = table.catch_all;
            for (std::uint32_t i = 0; i < table.size; ++i) found = table.values[i] == e ? i : found;
            return found;
        }
    }
};

}  // namespace apm::inline APM_ABI::detail
