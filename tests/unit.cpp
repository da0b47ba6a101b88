// ctest: LABELS serial
#include <apm/unit.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ratio>
#include <string_view>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using apm::detail::no_value;
using apm::detail::to_nanoseconds;
using real_seconds = std::chrono::duration<double>;

struct mine {  // a user's own, from before std::chrono
    using rep = long;
    struct period { static constexpr std::int64_t num = 1, den = 1000; };
    long n;
    [[nodiscard]] long count() const { return n; }
};

}  // namespace

TEST_CASE("units are what OpenTelemetry calls them") {
    CHECK(std::string_view(apm::count::info.ucum) == "1");
    CHECK(std::string_view(apm::count_of<"request">::info.ucum) == "{request}");
    CHECK(std::string_view(apm::bytes::info.ucum) == "By");
    CHECK(std::string_view(apm::seconds::info.ucum) == "s");
    CHECK(std::string_view(apm::milliseconds::info.ucum) == "ms");
    CHECK(std::string_view(apm::microseconds::info.ucum) == "us");
    CHECK(std::string_view(apm::nanoseconds::info.ucum) == "ns");
    CHECK(std::string_view(apm::minutes::info.ucum) == "min");
    CHECK(std::string_view(apm::ratio::info.ucum) == "1");
    CHECK(std::string_view(apm::percent::info.ucum) == "%");
    CHECK(std::string_view(apm::score::info.ucum).empty());
    CHECK(std::string_view(apm::money<"USD">::info.ucum) == "{USD}");
    CHECK(std::string_view(apm::real<"Cel">::info.ucum) == "Cel");
    CHECK(std::string_view(apm::unit<"KiBy", apm::number::integer>::info.ucum) == "KiBy");
}

TEST_CASE("what is kept of a unit") {
    CHECK(apm::count::info.kept_as == apm::number::integer);
    CHECK(apm::bytes::info.kept_as == apm::number::integer);
    CHECK(apm::money<"EUR">::info.kept_as == apm::number::floating);
    CHECK(apm::ratio::info.kept_as == apm::number::floating);
    CHECK(apm::seconds::info.kept_as == apm::number::nanoseconds);
    CHECK(apm::seconds::info.scale == 1e9);
    CHECK(apm::milliseconds::info.scale == 1e6);
    CHECK(apm::microseconds::info.scale == 1e3);
    CHECK(apm::nanoseconds::info.scale == 1);
    CHECK(apm::minutes::info.scale == 6e10);
    CHECK(apm::count::info.scale == 1);
}

TEST_CASE("a duration of any integer period is exact in nanoseconds") {
    CHECK(to_nanoseconds(1ns) == 1);
    CHECK(to_nanoseconds(-1ns) == -1);
    CHECK(to_nanoseconds(3us) == 3'000);
    CHECK(to_nanoseconds(20ms) == 20'000'000);
    CHECK(to_nanoseconds(7s) == 7'000'000'000);
    CHECK(to_nanoseconds(2min) == 120'000'000'000);
    CHECK(to_nanoseconds(1h) == 3'600'000'000'000);
    CHECK(to_nanoseconds(std::chrono::duration<unsigned char, std::milli>(255)) == 255'000'000);
    CHECK(to_nanoseconds(std::chrono::nanoseconds(INT64_MAX)) == INT64_MAX);
    CHECK(to_nanoseconds((1LL << 60) * 1ns) == 1LL << 60);
    static_assert(to_nanoseconds(5ms) == 5'000'000);
}

TEST_CASE("durations of other periods and of reals are rounded to the nanosecond") {
    CHECK(to_nanoseconds(real_seconds(0.0005)) == 500'000);
    CHECK(to_nanoseconds(real_seconds(1.6e-9)) == 2);
    CHECK(to_nanoseconds(real_seconds(-1.6e-9)) == -2);
    CHECK(to_nanoseconds(real_seconds(0.4e-9)) == 0);
    CHECK(to_nanoseconds(std::chrono::duration<float>(0.25f)) == 250'000'000);
    CHECK(to_nanoseconds(std::chrono::duration<double, std::milli>(1.5)) == 1'500'000);
    CHECK(to_nanoseconds(std::chrono::duration<int, std::ratio<1, 3>>(1)) == 333'333'333);
    CHECK(to_nanoseconds(std::chrono::duration<int, std::ratio<1, 3>>(2)) == 666'666'667);
    CHECK(to_nanoseconds(std::chrono::duration<std::int64_t, std::pico>(1'600)) == 2);
}

TEST_CASE("what is no time in 64 bits of nanoseconds is none at all, never another time") {
    CHECK(to_nanoseconds(std::chrono::seconds::max()) == no_value);  // "for ever", to some
    CHECK(to_nanoseconds(std::chrono::seconds::min()) == no_value);
    CHECK(to_nanoseconds(std::chrono::hours::max()) == no_value);
    CHECK(to_nanoseconds(std::chrono::duration<std::uint64_t>(UINT64_MAX)) == no_value);
    CHECK(to_nanoseconds(std::chrono::duration<std::uint64_t, std::nano>(UINT64_MAX)) == no_value);
    CHECK(to_nanoseconds(std::chrono::duration<std::int64_t, std::ratio<1, 3>>(INT64_MAX)) == no_value);
    CHECK(to_nanoseconds(real_seconds(std::nan(""))) == no_value);
    CHECK(to_nanoseconds(real_seconds(INFINITY)) == no_value);
    CHECK(to_nanoseconds(real_seconds(-INFINITY)) == no_value);
    CHECK(to_nanoseconds(real_seconds(1e300)) == no_value);
    CHECK(to_nanoseconds(real_seconds(9.1e9)) > 9'000'000'000'000'000'000);
}

TEST_CASE("a period of centuries") {
    using millennia = std::chrono::duration<std::int64_t, std::ratio<31'556'952'000>>;
    CHECK(apm::detail::to_nanoseconds(millennia(0)) == 0);
    CHECK(apm::detail::to_nanoseconds(millennia(1)) == apm::detail::no_value);
}

TEST_CASE("a number is no duration, and what has its shape is") {
    CHECK(apm::detail::duration<mine>);
    CHECK(to_nanoseconds(mine{3}) == 3'000'000);
    CHECK_FALSE(apm::detail::duration<int>);
    CHECK_FALSE(apm::detail::duration<double>);
}
