// Units as types: what a row accepts, how it is kept and how it is named follow from the unit.
//
//     apm::count, apm::count_of<"request">          integers
//     apm::bytes                                    integers
//     apm::seconds, apm::milliseconds, ...          std::chrono durations, kept in integer nanoseconds
//     apm::ratio, apm::percent, apm::money<"USD">, apm::real<"Cel">      doubles
#pragma once

#include <cstdint>
#include <cstddef>

#include <apm/config.hpp>
#include <apm/detail/fixed_string.hpp>

namespace apm::inline APM_ABI {

enum class number : std::uint8_t { integer, floating, nanoseconds };

struct unit_info {
    const char* ucum;     // as OpenTelemetry names it (https://ucum.org), case-sensitive
    number kept_as;
    double scale;         // kept values per unit: 1e9 for seconds kept in nanoseconds
};

// A unit of one's own: apm::unit<"KiBy", apm::number::integer>.
template <detail::fixed_string Ucum, number KeptAs, std::int64_t Scale = 1>
struct unit {
    static_assert(detail::fixed_string(Ucum).size <= 63, "apm: a unit has at most 63 characters");
    static_assert(Scale > 0 && (KeptAs != number::floating || Scale == 1),
                  "apm: a unit's scale is at least 1, and 1 for doubles, which are kept as they are");
    static constexpr unit_info info{Ucum.text, KeptAs, static_cast<double>(Scale)};
};

struct count : unit<"1", number::integer> {};
template <detail::fixed_string What>
struct count_of {
    struct annotation {
        char text[What.size + 3]{};
        constexpr annotation() {
            text[0] = '{';
            for (std::size_t i = 0; i < What.size; ++i) text[i + 1] = What.text[i];
            text[What.size + 1] = '}';
        }
    };
    static constexpr annotation annotated{};
    static constexpr unit_info info{annotated.text, number::integer, 1};
};

struct bytes : unit<"By", number::integer> {};

struct seconds : unit<"s", number::nanoseconds, 1'000'000'000> {};
struct milliseconds : unit<"ms", number::nanoseconds, 1'000'000> {};
struct microseconds : unit<"us", number::nanoseconds, 1'000> {};
struct nanoseconds : unit<"ns", number::nanoseconds, 1> {};
struct minutes : unit<"min", number::nanoseconds, 60'000'000'000> {};

template <detail::fixed_string Ucum>
using real = unit<Ucum, number::floating>;
struct ratio : real<"1"> {};       // 0..1; Prometheus calls it `_ratio`
struct percent : real<"%"> {};
struct score : real<""> {};        // a number of no unit
template <detail::fixed_string Currency>
struct money {                     // {USD}
    static constexpr unit_info info{count_of<Currency>::annotated.text, number::floating, 1};
};

namespace detail {

// By the bits: -ffast-math promises that there are no NaN and no infinities, and a compiler folds what asks for them. (clang 22
// sees through a mask of the exponent, too; it does not see through this, which a test watches.)
APM_INLINE constexpr bool finite(double v) { return __builtin_bit_cast(std::uint64_t, v) << 1 < std::uint64_t{0x7ff} << 53; }

// Any type of std::chrono::duration's shape; asked structurally, since <chrono> is 390 ms of front-end time.
template <class D>
concept duration = requires(const D& d) {
    D::period::num;
    D::period::den;
    typename D::rep;
    d.count();
};

// Nanoseconds in std::chrono::duration's shape.
struct nanoseconds_passed {
    using rep = std::int64_t;
    struct period { static constexpr std::int64_t num = 1, den = 1'000'000'000; };
    std::uint64_t ns;
    [[nodiscard]] APM_INLINE rep count() const { return static_cast<std::int64_t>(ns); }
};

// What an int64 cannot hold: not a number, or too large (a time beyond 292 years). Every row rejects it.
inline constexpr std::int64_t no_value = INT64_MIN;

template <duration D>
APM_INLINE constexpr std::int64_t to_nanoseconds(const D& d) {
    constexpr std::int64_t num = D::period::num, den = D::period::den;
    constexpr bool whole = !static_cast<bool>(typename D::rep(1) / 2);  // an integer count
    if constexpr (whole && 1'000'000'000 % den == 0 && num <= INT64_MAX / (1'000'000'000 / den)) {
        std::int64_t ns = 0;
        return __builtin_mul_overflow(d.count(), num * (1'000'000'000 / den), &ns) ? no_value : ns;
    } else {
        const double ns = static_cast<double>(d.count()) * (1e9 * num / den);
        return ns >= -9.2e18 && ns <= 9.2e18 ? static_cast<std::int64_t>(ns < 0 ? ns - 0.5 : ns + 0.5) : no_value;
    }
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
