// Bucket sets. A set is any struct with `static constexpr auto bounds`, in the row's unit, each bound inclusive:
//
//     struct score_buckets { static constexpr auto bounds = apm::explicit_bounds(0.25, 0.5, 0.75); };
//     struct size_buckets  { static constexpr auto bounds = apm::exponential_bounds<8>(1024, 4); };
//     apm::latency_buckets                        5 ms .. 10 s in any unit of time (OpenTelemetry's HTTP advice)
//     apm::base2_buckets<3, -10, 4>               base 2^(2^-3), from 2^-10 to 2^4
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <apm/config.hpp>
#include <apm/detail/hash.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI {

// Upper bounds of buckets; made by the three functions below, when the program is compiled. 1 to 512, finite, strictly ascending:
// others do not compile where a row uses them.
template <std::size_t N>
struct bounds {
    double values[N]{};
    static constexpr std::size_t size = N;
};

template <class... Number>
consteval bounds<sizeof...(Number)> explicit_bounds(Number... bound) { return {{static_cast<double>(bound)...}}; }

// start, start + step, ...
template <std::size_t N>
consteval bounds<N> linear_bounds(double start, double step) {
    bounds<N> b;
    for (std::size_t i = 0; i < N; ++i) b.values[i] = start + step * static_cast<double>(i);
    return b;
}
// start, start * factor, ...
template <std::size_t N>
consteval bounds<N> exponential_bounds(double start, double factor) {
    bounds<N> b;
    for (std::size_t i = 0; i < N; ++i, start *= factor) b.values[i] = start;
    return b;
}

// The latencies that OpenTelemetry's HTTP conventions advise, in seconds; scaled to whatever unit of time the row has.
struct latency_buckets {
    static constexpr auto bounds = explicit_bounds(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);
    static constexpr bool in_seconds = true;
};

namespace detail {

inline constexpr std::uint32_t max_bounds = 512;  // of a histogram

constexpr double square_root(double x) {  // x in [1, 4); Newton's method, to the last bit or its neighbour
    double r = x > 2 ? 1.5 : 1.2;
    for (int i = 0; i < 8; ++i) r = (r + x / r) / 2;
    return r;
}
constexpr double power_of_two(int e) {
    double p = 1;
    for (; e > 0; --e) p *= 2;
    for (; e < 0; ++e) p /= 2;
    return p;
}
// 2^(i / 2^scale)
constexpr double base2_bound(int scale, int i) {
    const int n = 1 << scale;
    int whole = i >= 0 ? i / n : -((-i + n - 1) / n), rest = i - whole * n;
    double bound = power_of_two(whole), root = 2;
    for (int bit = n / 2; bit > 0; bit /= 2) {
        root = square_root(root);
        if (rest & bit) bound *= root;
    }
    return bound;
}

}  // namespace detail

// Base-2 exponential buckets of a fixed scale (0..8) and range: bucket i holds (base^i, base^(i+1)] with base = 2^(2^-scale). In
// an exposition of text they are classic buckets at the powers of the base. What is at or below 2^Low goes to the lowest bucket,
// what is above 2^High to the last. Relative error of a quantile: base - 1 at most.
template <int Scale, int Low, int High>
    requires(Scale >= 0 && Scale <= 8 && Low < High)
struct base2_buckets {
    static constexpr int scale = Scale;
    static constexpr int first_index = Low * (1 << Scale);
    static constexpr auto bounds = [] {
        apm::bounds<static_cast<std::size_t>((High - Low) * (1 << Scale)) + 1> b;
        for (std::size_t i = 0; i < b.size; ++i) b.values[i] = detail::base2_bound(Scale, first_index + static_cast<int>(i));
        return b;
    }();
};

// A bucket set in a row's unit, as data: what back ends read.
struct buckets_info {
    const double* bounds;  // in the row's unit
    std::uint32_t count;
    bool exponential;
    std::int32_t scale;        // where exponential
    std::int32_t first_index;  // bounds[i] is base^(first_index + i)
    std::uint64_t signature;   // of the bounds
};

namespace detail {

template <class Set>
constexpr bool well_formed() {
    for (std::size_t i = 0; i < Set::bounds.size; ++i) {
        const double b = Set::bounds.values[i];
        if (!finite(b)) return false;
        if (i > 0 && !(Set::bounds.values[i - 1] < b)) return false;    // strictly ascending
    }
    return true;
}

// A bucket set in a unit: bounds as they are written and as they are compared.
template <class Set, class Unit>
struct [[APM_HIDDEN]] bucketing {
    static constexpr std::uint32_t count = Set::bounds.size;
    static_assert(count > 0 && count <= max_bounds, "apm: a bucket set has 1 to 512 bounds");
    static_assert(well_formed<Set>(), "apm: bucket bounds must be finite and strictly ascending; sort them, drop duplicates and "
                                      "leave +Inf away: it is always there");
    static constexpr bool floating = Unit::info.kept_as == number::floating;
    using value_type = std::conditional_t<floating, double, std::int64_t>;

    struct tables {
        double written[count]{};
        value_type kept[count]{};
        bool fit = true;
    };
    static constexpr tables both = [] {
        tables t;
        double factor = 1;
        if constexpr (requires { Set::in_seconds; }) {
            static_assert(Unit::info.kept_as == number::nanoseconds, "apm: latency_buckets are for rows in a unit of time");
            factor = 1e9 / Unit::info.scale;
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            t.written[i] = Set::bounds.values[i] * factor;
            if constexpr (floating) {
                t.kept[i] = t.written[i];
            } else {
                // v <= bound for integers v is v <= floor(bound); a bound within rounding of an integer is that integer.
                const double exact = t.written[i] * Unit::info.scale;
                if (!(exact >= -9.2e18 && exact <= 9.2e18)) {
                    t.fit = false;
                    break;
                }
                auto whole = static_cast<std::int64_t>(exact);
                if (static_cast<double>(whole) > exact) --whole;
                if (exact - static_cast<double>(whole) > 1 - 1e-6) ++whole;
                t.kept[i] = whole;
            }
        }
        return t;
    }();
    static_assert(both.fit, "apm: a bucket bound is beyond 64 bits in this row's unit");
    static constexpr bool distinct = [] {
        if (!both.fit) return true;  // said already
        for (std::uint32_t i = 1; i < count; ++i)
            if (!(both.kept[i - 1] < both.kept[i])) return false;
        return true;
    }();
    static_assert(distinct, "apm: two bucket bounds are the same value in this row's unit; move them apart");
    static constexpr bool negative = both.kept[0] < 0;

    static constexpr buckets_info info = [] {
        buckets_info b{both.written, count, false, 0, 0, fnv_basis};
        for (const double bound : both.written) b.signature = fnv_number(b.signature, __builtin_bit_cast(std::uint64_t, bound));
        if constexpr (requires { Set::scale; }) b.exponential = true, b.scale = Set::scale, b.first_index = Set::first_index;
        return b;
    }();

    // The bounds, and behind them what no value exceeds, for steps of the search that look past the end. Infinity is spelt in
    // bits, since -ffast-math knows none.
    static constexpr std::uint32_t padding = 16;
    struct padded {
        value_type at[count + padding]{};

        constexpr padded() {
            for (std::uint32_t i = 0; i < count + padding; ++i) {
                if (i < count) at[i] = both.kept[i];
                else if constexpr (floating) at[i] = __builtin_bit_cast(double, std::uint64_t{0x7ff} << 52);
                else at[i] = INT64_MAX;
            }
        }
    };
    static constexpr padded searched{};

    // The first bucket whose bound is >= v. No branches, and four parts a step, unrolled by recursion: three comparisons that
    // do not wait for each other take as long as one, and there are half as many steps as in a binary search. Measured, 14
    // bounds: 2.1 -> 1.3 ns.
    template <std::uint32_t Length = count>
    APM_INLINE static constexpr std::uint64_t search(value_type v, std::uint64_t first = 0) {
        const auto* const at = searched.at + first;
        constexpr std::uint32_t part = (Length + 4) / 4;  // with the bound that ends it
        std::uint64_t below = at[part - 1] < v;
        if constexpr (Length >= 2 * part) below += at[2 * part - 1] < v;
        if constexpr (Length >= 3 * part) below += at[3 * part - 1] < v;
        if constexpr (part == 1) return first + below;
        else return search<part - 1>(v, first + below * part);
    }
};

}  // namespace detail

}  // namespace apm::inline APM_ABI
