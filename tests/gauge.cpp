#include <apm/gauge.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(OfSide, (Side, side));
APM_FIELDS(City, (apm::text<>, city));
APM_FIELDS(Big, (apm::range<1, 1000>, n));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "gauge test"};
    gauge<>                             plain {this, "plain", "no labels"};
    gauge<OfSide>                       sides {this, "sides", "closed labels"};
    gauge<City>                         cities{this, "cities", "open text"};
    gauge<Big>                          big   {this, "big", "too many to be dense"};
    gauge<apm::no_labels, apm::ratio>   ratio {this, "ratio", "reals"};
    gauge<apm::no_labels, apm::seconds> age   {this, "age", "time"};
    gauge<>                             never {this, "never", "never set"};
    gauge<OfSide>                       seen  {this, "seen", "from a callback"};
    gauge<City, apm::real<"Cel">>       sensor{this, "sensor", "set by a callback"};
    gauge<>                             self  {this, "self", "a callback that ends itself"};
    gauge<>                             raced {this, "raced", "set by many"};
    gauge<City>                         few   {this, "few", "at most two", {.limit = 2}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::optional<std::int64_t> value_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    return s ? std::optional(s->integer()) : std::nullopt;
}
std::optional<double> real_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    return s ? std::optional(s->real()) : std::nullopt;
}

}  // namespace

TEST_CASE("a gauge is what it was last set to") {
    telemetry.plain.set(5);
    CHECK(value_of(telemetry.plain) == 5);
    telemetry.plain.set(-3);
    CHECK(value_of(telemetry.plain) == -3);
    telemetry.plain.set(INT64_MAX);
    CHECK(value_of(telemetry.plain) == INT64_MAX);
    telemetry.plain.set(UINT64_MAX);
    telemetry.plain.set(INT64_MIN);
    CHECK(value_of(telemetry.plain) == INT64_MAX);
    CHECK(family_of(apm::collect(), telemetry.plain).rejected == 2);
    telemetry.plain.set(INT64_MIN + 1);
    CHECK(value_of(telemetry.plain) == INT64_MIN + 1);
}

TEST_CASE("never set and set to zero are two things") {
    CHECK(value_of(telemetry.never) == std::nullopt);
    CHECK(value_of(telemetry.sides, "side=left") == std::nullopt);
    telemetry.sides.set(0, {.side = Side::left});
    CHECK(value_of(telemetry.sides, "side=left") == 0);
    CHECK(value_of(telemetry.sides, "side=right") == std::nullopt);
    telemetry.ratio.set(0);
    CHECK(real_of(telemetry.ratio) == 0);
    CHECK_FALSE(std::signbit(*real_of(telemetry.ratio)));
}

TEST_CASE("reals are kept to the last bit, infinities and NaN included") {
    for (const double v : {0.1, -0.0, 1e300, 5e-324, double(INFINITY), double(-INFINITY)}) {
        telemetry.ratio.set(v);
        CHECK(real_of(telemetry.ratio) == v);
        CHECK(std::signbit(*real_of(telemetry.ratio)) == std::signbit(v));
    }
    telemetry.ratio.set(std::nan(""));
    REQUIRE(real_of(telemetry.ratio).has_value());
    CHECK(std::isnan(*real_of(telemetry.ratio)));
    telemetry.ratio.set(std::numeric_limits<double>::signaling_NaN());
    CHECK(real_of(telemetry.ratio).has_value());
}

TEST_CASE("times are read in the row's unit; what is none is rejected") {
    telemetry.age.set(1500ms);
    CHECK(real_of(telemetry.age) == 1.5);
    telemetry.age.set(-2s);
    CHECK(real_of(telemetry.age) == -2);
    telemetry.age.set(std::chrono::duration<double>(NAN));
    telemetry.age.set(std::chrono::hours::max());
    CHECK(real_of(telemetry.age) == -2);
    CHECK(family_of(apm::collect(), telemetry.age).rejected == 2);
}

TEST_CASE("series and handles, dense and looked up") {
    telemetry.sides.with({.side = Side::right}).set(7);
    CHECK(value_of(telemetry.sides, "side=right") == 7);
    CHECK(telemetry.big.tabled);
    telemetry.big.set(3, {.n = 700});
    telemetry.big.with({.n = 701}).set(4);
    telemetry.cities.set(5, {.city = "Bari"});
    CHECK(series_names(apm::collect(), telemetry.big) == std::vector<std::string>{"n=700", "n=701"});
    CHECK(value_of(telemetry.big, "n=701") == 4);
    CHECK(value_of(telemetry.cities, "city=Bari") == 5);
}

TEST_CASE("what one thread set, all see; of two at once it is one of the two") {
    in_threads(8, [](std::size_t i) {
        for (int n = 0; n < 1000; ++n) telemetry.raced.set(i * 1000 + 7);
    });
    REQUIRE(value_of(telemetry.raced).has_value());
    CHECK(*value_of(telemetry.raced) % 1000 == 7);
}

TEST_CASE("a full gauge has its overflow series, and counts what went there") {
    for (const char* city : {"Bari", "Oslo", "Rome", "Riga"}) telemetry.few.set(1, {.city = city});
    const apm::snapshot now = apm::collect();
    CHECK(series_names(now, telemetry.few) == std::vector<std::string>{std::string(overflow_series), "city=Bari", "city=Oslo"});
    CHECK(family_of(now, telemetry.few).overflowed == 2);
}

namespace {
struct Overflowing : apm::schema<Overflowing> {
    static constexpr apm::scope scope{.name = "gauge overflow"};
    gauge<City> few{this, "few", "at most one", {.limit = 1}};
};
}  // namespace

TEST_CASE("an observation in the overflow series leaves it to the others when it ends") {
    constexpr auto& own = apm::instruments<Overflowing>;
    own.few.set(1, {.city = "Aachen"});
    {
        const auto over = own.few.observe({.city = "Bonn"}, [] { return 7; });
        static_cast<void>(apm::collect());
        own.few.set(5, {.city = "Celle"});
    }
    const apm::snapshot now = apm::collect();
    CHECK(find_series(now, own.few, "otel.metric.overflow=true")->integer() == 5);
}

TEST_CASE("an observed gauge is asked at each collection, and unset at the end") {
    int value = 1, calls = 0;
    {
        const auto registration = telemetry.seen.observe({.side = Side::left}, [&] { return ++calls, value; });
        CHECK(calls == 0);
        CHECK(value_of(telemetry.seen, "side=left") == 1);
        value = 2;
        CHECK(value_of(telemetry.seen, "side=left") == 2);
        CHECK(calls == 2);
    }
    CHECK(value_of(telemetry.seen, "side=left") == std::nullopt);
    CHECK(calls == 2);
}

TEST_CASE("a callback that returns nothing sets what it likes") {
    {
        const auto registration = telemetry.sensor.observe([] {
            telemetry.sensor.set(20.5, {.city = "Bari"});
            telemetry.sensor.set(3, {.city = "Oslo"});
        });
        CHECK(real_of(telemetry.sensor, "city=Bari") == 20.5);
        CHECK(real_of(telemetry.sensor, "city=Oslo") == 3);
    }
    CHECK(real_of(telemetry.sensor, "city=Bari") == 20.5);
}

TEST_CASE("a callback that ends its own registration unsets the series, for good") {
    using registration = decltype(telemetry.self.observe(std::declval<int (*)()>()));
    struct holder { registration at; };
    static holder* own = nullptr;
    own = new holder{telemetry.self.observe(static_cast<int (*)()>([] {
        delete own;
        return 7;
    }))};
    CHECK(value_of(telemetry.self) == std::nullopt);
    CHECK(value_of(telemetry.self) == std::nullopt);
}
