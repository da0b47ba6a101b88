// What the rows of metrics take: one type for each way in which a unit is kept, which says at compile time what it accepts.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <apm/config.hpp>
#include <apm/unit.hpp>

// See metrics/row.hpp: named in the compiler's message, never defined.
void apm_error_a_counter_cannot_be_decreased_use_an_updown();

namespace apm::inline APM_ABI {

// Amounts are taken by reference: by value, clang keeps a stray store where APM is off that shifts its choice of registers.

// What a counter of integers takes: an unsigned value, or a constant that is not negative. A signed variable does not
// compile, and the compiler's message has this name; where it is known not to be negative, a cast says so.
struct unsigned_or_constant {
    std::uint64_t value;

    template <std::unsigned_integral U>
        requires(!std::same_as<U, bool> && sizeof(U) <= sizeof(value))
    APM_INLINE constexpr unsigned_or_constant(U u) : value(u) {}
    template <std::signed_integral Integer>
    consteval unsigned_or_constant(Integer i) : value(static_cast<std::uint64_t>(i)) {
        if (i < 0) apm_error_a_counter_cannot_be_decreased_use_an_updown();
    }
};

// What other rows of integers take: whatever an int64 holds but the least, which stands for what it does not hold.
struct whole {
    std::int64_t value;

    template <std::integral Integer>
        requires(!std::same_as<Integer, bool> && sizeof(Integer) <= sizeof(value))
    APM_INLINE constexpr whole(Integer i)
        : value(std::in_range<std::int64_t>(i) ? static_cast<std::int64_t>(i) : detail::no_value) {}
};

// What rows in a unit of time take.
struct elapsed {
    std::int64_t value;  // nanoseconds

    template <detail::duration D>
    APM_INLINE constexpr elapsed(const D& d) : value(detail::to_nanoseconds(d)) {}
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr elapsed(T) : value(0) {
        static_assert(!std::same_as<T, T>,
                      "apm: this row's unit is a time: give a std::chrono duration such as 20ms, not a number");
    }
};

// What rows in a real unit take: integers and floating-point numbers.
struct real_amount {
    double value;
    template <class T>
        requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
    APM_INLINE constexpr real_amount(T t) : value(static_cast<double>(t)) {}
};

namespace detail {

// What a callback returns is what the row takes; asked in both modes, before the callback ever runs.
template <class Amount, class F>
constexpr bool observable = [] {
    using value = std::remove_cvref_t<std::invoke_result_t<F&>>;
    constexpr bool is_number = std::is_arithmetic_v<value> && !std::same_as<value, bool>;
    if constexpr (std::same_as<Amount, unsigned_or_constant>) return is_number && std::unsigned_integral<value>;
    else if constexpr (std::same_as<Amount, elapsed>) return duration<value>;
    else if constexpr (std::same_as<Amount, whole>) return is_number && std::integral<value>;
    else return is_number;
}();
template <class Amount, class F>
consteval void check_callback() {
    static_assert(observable<Amount, F>,
                  "apm: the row cannot take what this callback returns: a counter takes unsigned integers (a total is never "
                  "negative), a row in a unit of time std::chrono durations");
}

template <class Unit>
using amount_of = std::conditional_t<Unit::info.kept_as == number::floating, real_amount,
                                     std::conditional_t<Unit::info.kept_as == number::nanoseconds, elapsed, whole>>;

}  // namespace detail

}  // namespace apm::inline APM_ABI
