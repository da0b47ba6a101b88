// ctest: LABELS serial
#include <apm/buckets.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using apm::detail::bucketing;

template <std::size_t N>
struct squares {  // uneven, with a negative begin
    static constexpr auto bounds = [] {
        apm::bounds<N> b;
        for (std::size_t i = 0; i < N; ++i) b.values[i] = static_cast<double>(i * i) - 7;
        return b;
    }();
};

// The first bucket whose bound is not below v, by looking at each.
template <class B>
std::uint32_t naive(typename B::value_type v) {
    for (std::uint32_t i = 0; i < B::count; ++i)
        if (v <= B::both.kept[i]) return i;
    return B::count;
}

// Every bound, its neighbours, what lies between, the ends of the type.
template <class B>
std::size_t wrong_searches() {
    using value = typename B::value_type;
    std::vector<value> values{std::numeric_limits<value>::lowest(), std::numeric_limits<value>::max(), 0, 1};
    for (const value bound : B::both.kept) {
        values.push_back(bound);
        if constexpr (B::floating) {
            values.push_back(std::nextafter(bound, -INFINITY));
            values.push_back(std::nextafter(bound, INFINITY));
            values.push_back(bound + 0.25);
        } else {
            values.push_back(bound - 1);
            values.push_back(bound + 1);
        }
    }
    if constexpr (B::floating) values.push_back(INFINITY), values.push_back(-INFINITY);
    std::size_t wrong = 0;
    for (const value v : values) wrong += B::search(v) != naive<B>(v);
    return wrong;
}

template <class Unit, std::size_t... N>
std::size_t wrong_searches_of(std::index_sequence<N...>) {
    return (0 + ... + wrong_searches<bucketing<squares<N>, Unit>>());
}
template <std::size_t First, std::size_t... I>
std::index_sequence<First + I...> from(std::index_sequence<I...>) { return {}; }

template <class B>
std::vector<double> written() { return {B::info.bounds, B::info.bounds + B::info.count}; }

// The index that an exponential histogram has for v: bucket i covers (base^i, base^(i+1)].
template <int Scale, int Low, int High>
int index_of(double v) {
    using b = bucketing<apm::base2_buckets<Scale, Low, High>, apm::score>;
    return b::info.first_index + static_cast<int>(b::search(v)) - 1;
}

struct thirds { static constexpr auto bounds = apm::explicit_bounds(-1.5, 0.3, 1, 2.0000001, 3.9); };
struct millis { static constexpr auto bounds = apm::explicit_bounds(0.1, 0.3, 0.7, 1.1, 1e-3 * 3000); };

}  // namespace

TEST_CASE("the search finds what looking at each bound finds, for any number of bounds") {
    const auto few = from<1>(std::make_index_sequence<40>());
    const std::index_sequence<63, 64, 65, 100, 127, 128, 129, 160, 255, 256, 257, 300, 511, 512> many;
    CHECK(wrong_searches_of<apm::count>(few) == 0);
    CHECK(wrong_searches_of<apm::score>(few) == 0);
    CHECK(wrong_searches_of<apm::nanoseconds>(few) == 0);
    CHECK(wrong_searches_of<apm::seconds>(few) == 0);
    CHECK(wrong_searches_of<apm::count>(many) == 0);
    CHECK(wrong_searches_of<apm::score>(many) == 0);
    CHECK(wrong_searches<bucketing<apm::latency_buckets, apm::seconds>>() == 0);
    CHECK(wrong_searches<bucketing<apm::latency_buckets, apm::microseconds>>() == 0);
    CHECK(wrong_searches<bucketing<apm::base2_buckets<3, -10, 4>, apm::score>>() == 0);
    CHECK(wrong_searches<bucketing<apm::base2_buckets<0, 0, 40>, apm::bytes>>() == 0);
}

TEST_CASE("a bound belongs to the bucket below it") {
    using b = bucketing<squares<4>, apm::score>;  // -7 -6 -3 2
    CHECK(b::search(-7) == 0);
    CHECK(b::search(-6.999) == 1);
    CHECK(b::search(2) == 3);
    CHECK(b::search(2.001) == 4);
    CHECK(b::search(-100) == 0);
}

TEST_CASE("sets by formula") {
    constexpr auto linear = apm::linear_bounds<4>(10, 2.5);
    CHECK(std::vector<double>(linear.values, linear.values + linear.size) == std::vector<double>{10, 12.5, 15, 17.5});
    constexpr auto exponential = apm::exponential_bounds<5>(1024, 4);
    CHECK(std::vector<double>(exponential.values, exponential.values + exponential.size) ==
          std::vector<double>{1024, 4096, 16384, 65536, 262144});
}

TEST_CASE("integers are compared with the floor of a bound, which is written as it was given") {
    using b = bucketing<thirds, apm::count>;
    CHECK(written<b>() == std::vector<double>{-1.5, 0.3, 1, 2.0000001, 3.9});
    // v <= 3.9 is v <= 3, and so on
    CHECK(b::both.kept[0] == -2);
    CHECK(b::both.kept[1] == 0);
    CHECK(b::both.kept[2] == 1);
    CHECK(b::both.kept[3] == 2);
    CHECK(b::both.kept[4] == 3);
}

TEST_CASE("a bound in a unit of time is the nanoseconds it says, not a rounding below it") {
    using b = bucketing<millis, apm::milliseconds>;  // none of these times 1e6 is exact in binary
    CHECK(std::vector<std::int64_t>(b::both.kept, b::both.kept + b::count) ==
          std::vector<std::int64_t>{100'000, 300'000, 700'000, 1'100'000, 3'000'000});
}

TEST_CASE("latency buckets are the same times in every unit, in numbers one can read") {
    const std::vector<double> seconds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
    const std::vector<double> millis{5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000};
    using in_s = bucketing<apm::latency_buckets, apm::seconds>;
    using in_ms = bucketing<apm::latency_buckets, apm::milliseconds>;
    using in_us = bucketing<apm::latency_buckets, apm::microseconds>;
    CHECK(written<in_s>() == seconds);
    CHECK(written<in_ms>() == millis);
    for (std::uint32_t i = 0; i < in_s::count; ++i) {
        CHECK(in_s::both.kept[i] == std::llround(seconds[i] * 1e9));
        CHECK(in_ms::both.kept[i] == in_s::both.kept[i]);
        CHECK(in_us::both.kept[i] == in_s::both.kept[i]);
        CHECK(in_us::both.written[i] == millis[i] * 1000);
    }
}

TEST_CASE("base-2 buckets are the powers of the base, to a few units in the last place; powers of two exactly") {
    const auto check = []<int Scale, int Low, int High>(apm::base2_buckets<Scale, Low, High>) {
        using set = apm::base2_buckets<Scale, Low, High>;
        CHECK(set::first_index == Low * (1 << Scale));
        REQUIRE(set::bounds.size == static_cast<std::size_t>((High - Low) << Scale) + 1);
        double worst = 0;
        for (std::size_t i = 0; i < set::bounds.size; ++i) {
            const int index = set::first_index + static_cast<int>(i);
            const double expected = std::pow(2.0, index / static_cast<double>(1 << Scale));
            worst = std::max(worst, std::abs(set::bounds.values[i] / expected - 1));
            if (index % (1 << Scale) == 0) CHECK(set::bounds.values[i] == std::ldexp(1.0, index >> Scale));
        }
        CHECK(worst < 1e-15);
        CHECK(apm::detail::well_formed<set>());
    };
    check(apm::base2_buckets<0, -30, 30>());
    check(apm::base2_buckets<0, -1022, -600>());
    check(apm::base2_buckets<0, 600, 1023>());
    check(apm::base2_buckets<1, -12, 21>());
    check(apm::base2_buckets<2, 0, 1>());
    check(apm::base2_buckets<3, -10, 4>());
    check(apm::base2_buckets<5, -5, 5>());
    check(apm::base2_buckets<8, -1, 0>());
}

TEST_CASE("base-2 buckets have the indices of OpenTelemetry's exponential histograms") {
    struct line { double v; int at_3, at_1, at_0; };
    // Computed from the data model's formula: ceil(log2(v) * 2^scale) - 1.
    const line table[] = {{0.001, -80, -20, -10}, {0.5, -9, -3, -2}, {1, -1, -1, -1}, {1.5, 4, 1, 0}, {2, 7, 1, 0},
                          {3, 12, 3, 1},          {4, 15, 3, 1},     {10, 26, 6, 3},  {100, 53, 13, 6}, {1e6, 159, 39, 19}};
    for (const line& l : table) {
        INFO(l.v);
        CHECK(index_of<3, -12, 21>(l.v) == l.at_3);
        CHECK(index_of<1, -12, 21>(l.v) == l.at_1);
        CHECK(index_of<0, -12, 21>(l.v) == l.at_0);
    }
}

TEST_CASE("what a collector is told about a set") {
    using plain = bucketing<thirds, apm::score>;
    CHECK_FALSE(plain::info.exponential);
    CHECK(plain::info.count == 5);
    using base2 = bucketing<apm::base2_buckets<3, -10, 4>, apm::seconds>;
    CHECK(base2::info.exponential);
    CHECK(base2::info.scale == 3);
    CHECK(base2::info.first_index == -80);
    CHECK(base2::info.bounds[0] == std::ldexp(1.0, -10));
    CHECK(plain::negative);
    CHECK_FALSE(base2::negative);
}
