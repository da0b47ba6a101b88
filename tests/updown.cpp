#include <apm/updown.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(OfSide, (Side, side));
APM_FIELDS(City, (apm::text<>, city));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "updown test"};
    updown<>                                   plain {this, "plain", "no labels"};
    updown<OfSide>                             sides {this, "sides", "closed labels"};
    updown<City>                               cities{this, "cities", "open text"};
    updown<apm::no_labels, apm::money<"USD">>  held  {this, "held", "reals"};
    updown<apm::no_labels, apm::seconds>       slack {this, "slack", "time"};
    updown<City>                               seen  {this, "seen", "from a callback"};
    updown<apm::no_labels, apm::money<"EUR">>  seen_real{this, "seen.real", "from a callback"};
    updown<>                                   shared{this, "shared", "many threads"};
    updown<>                                   forked{this, "forked", "from a callback, in a child too"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::int64_t value_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    return s ? s->integer() : 0;
}
double real_of(const apm::row& r) {
    const apm::snapshot now = apm::collect();
    return find_series(now, r, "")->real();
}
std::uint64_t rejected(const apm::row& r) { return family_of(apm::collect(), r).rejected; }

}  // namespace

TEST_CASE("an updown goes up and down, below zero too") {
    telemetry.plain.add(5);
    telemetry.plain.sub(2);
    CHECK(value_of(telemetry.plain) == 3);
    telemetry.plain.sub(10);
    CHECK(value_of(telemetry.plain) == -7);
    telemetry.plain.add(-3);
    CHECK(value_of(telemetry.plain) == -10);
    telemetry.plain.sub(-10);
    CHECK(value_of(telemetry.plain) == 0);
    const long long variable = -4;  // signed variables are welcome here
    telemetry.plain.add(variable);
    CHECK(real_of(telemetry.plain) == -4);
    telemetry.plain.add(UINT64_MAX);
    telemetry.plain.sub(UINT64_MAX);
    CHECK(value_of(telemetry.plain) == -4);
    CHECK(rejected(telemetry.plain) == 2);
}

TEST_CASE("each series, and each handle, goes by itself") {
    telemetry.sides.add(1, {.side = Side::left});
    telemetry.sides.sub(2, {.side = Side::right});
    telemetry.sides.with({.side = Side::right}).sub(1);
    telemetry.cities.add(3, {.city = "Bari"});
    telemetry.cities.with({.city = "Bari"}).add(1);
    CHECK(value_of(telemetry.sides, "side=left") == 1);
    CHECK(value_of(telemetry.sides, "side=right") == -3);
    CHECK(value_of(telemetry.cities, "city=Bari") == 4);
}

TEST_CASE("one thread may take what another gave") {
    in_threads(1, [](std::size_t) { telemetry.shared.add(1000); });
    in_threads(8, [](std::size_t) {
        for (int i = 0; i < 100; ++i) telemetry.shared.sub(1);
    });
    CHECK(value_of(telemetry.shared) == 200);
}

TEST_CASE("reals and times: what is no number is rejected") {
    telemetry.held.add(1.5);
    telemetry.held.sub(2);
    for (const double bad : {std::nan(""), double(INFINITY), double(-INFINITY)}) telemetry.held.add(bad), telemetry.held.sub(bad);
    CHECK(real_of(telemetry.held) == -0.5);
    CHECK(rejected(telemetry.held) == 6);

    telemetry.slack.add(1s);
    telemetry.slack.sub(1500ms);
    telemetry.slack.add(-1s);
    telemetry.slack.add(std::chrono::duration<double>(NAN));
    telemetry.slack.sub(std::chrono::hours::max());
    CHECK(value_of(telemetry.slack) == -1'500'000'000);
    CHECK(real_of(telemetry.slack) == -1.5);
    CHECK(rejected(telemetry.slack) == 2);
}

TEST_CASE("an observed amount is part of the sum until its registration ends") {
    int amount = 5;
    telemetry.seen.add(100, {.city = "Bonn"});
    {
        const auto one = telemetry.seen.observe({.city = "Bonn"}, [&] { return amount; });
        const auto two = telemetry.seen.observe({.city = "Bonn"}, [] { return -1; });
        CHECK(value_of(telemetry.seen, "city=Bonn") == 104);
        amount = 2;
        CHECK(value_of(telemetry.seen, "city=Bonn") == 101);
        CHECK(value_of(telemetry.seen, "city=Bonn") == 101);
    }
    CHECK(value_of(telemetry.seen, "city=Bonn") == 100);
}

TEST_CASE("a small amount observed after a large one is not lost in it") {
    telemetry.seen_real.add(0.0);
    const double before = real_of(telemetry.seen_real);
    {
        double amount = 1e17;
        const auto registration = telemetry.seen_real.observe([&] { return amount; });
        CHECK(real_of(telemetry.seen_real) == before + 1e17);
        amount = 1;
        CHECK(real_of(telemetry.seen_real) == before + 1);
    }
    CHECK(real_of(telemetry.seen_real) == before);
}

TEST_CASE("an observed amount that is none is rejected; the one before it stands") {
    double amount = 2.5;
    {
        const auto registration = telemetry.seen_real.observe([&] { return amount; });
        CHECK(real_of(telemetry.seen_real) == 2.5);
        amount = NAN;
        CHECK(real_of(telemetry.seen_real) == 2.5);
        CHECK(rejected(telemetry.seen_real) == 2);
        amount = -1;
        CHECK(real_of(telemetry.seen_real) == -1);
    }
    CHECK(real_of(telemetry.seen_real) == 0);
}

TEST_CASE("a callback that ends its own registration withdraws its share, for good") {
    using registration = decltype(telemetry.seen.observe({.city = ""}, std::declval<int (*)()>()));
    struct holder { registration at; };
    static holder* own = nullptr;
    own = new holder{telemetry.seen.observe({.city = "Kiel"}, static_cast<int (*)()>([] {
        static int calls = 0;
        if (++calls == 2) delete own;
        return 7;
    }))};
    CHECK(value_of(telemetry.seen, "city=Kiel") == 7);
    CHECK(value_of(telemetry.seen, "city=Kiel") == 0);
    CHECK(value_of(telemetry.seen, "city=Kiel") == 0);
}

TEST_CASE("an observed amount is whole in a forked child, whose sums began anew") {
    const auto registration = telemetry.forked.observe([] { return 42; });
    CHECK(value_of(telemetry.forked) == 42);
    const pid_t child = fork();
    if (child == 0) _exit(value_of(telemetry.forked) == 42 && value_of(telemetry.forked) == 42 ? 0 : 1);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(value_of(telemetry.forked) == 42);
}
