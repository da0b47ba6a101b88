// ctest: LABELS serial
#include <apm/macros.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
APM_FIELDS(Order, (Method, method));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "macros test"};
    counter<>      plain {this, "plain", "no labels"};
    counter<Order> orders{this, "orders", "closed labels"};
    gauge<>        level {this, "level", "a gauge"};
    histogram<Order, apm::seconds, apm::latency_buckets>          timed{this, "timed", "times"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets> bare {this, "bare", "times, no labels"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

int calls = 0;
unsigned counted() { return static_cast<unsigned>(++calls); }

std::uint64_t records_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    return find_series(now, r, labels)->count();
}

template <class T>
unsigned in_a_template(T value) {
    APM(telemetry.orders.add(value, {.method = Method::paypal}));
    APM_TIME(telemetry.timed, {.method = Method::paypal});
    return static_cast<unsigned>(value);
}

}  // namespace

TEST_CASE("APM() is the statement in it, evaluated once, commas and braces included") {
    APM(telemetry.orders.add(counted(), {.method = Method::card}));
    CHECK(calls == 1);
    CHECK(total_of(telemetry.orders, "method=card") == 1);
    const auto pair = [](int a, int b) { return std::pair<int, int>(a, b); };
    APM(telemetry.level.set(pair(1, 2).second));
    const apm::snapshot now = apm::collect();
    CHECK(find_series(now, telemetry.level, "")->integer() == 2);
}

TEST_CASE("APM() is one statement, wherever one may stand") {
    const std::uint64_t before = total_of(telemetry.plain);
    bool no = false;
    if (no)
        APM(telemetry.plain.add(100));
    else
        APM(telemetry.plain.add(1));
    for (int i = 0; i < 3; ++i) APM(telemetry.plain.add(1));
    CHECK(total_of(telemetry.plain) == before + 4);
}

TEST_CASE("APM_TIME() times the rest of its scope; several in one scope, and in nested ones") {
    {
        APM_TIME(telemetry.timed, {.method = Method::card});
        APM_TIME(telemetry.bare);
        CHECK(records_of(telemetry.bare) == 0);
        { APM_TIME(telemetry.bare); }
        CHECK(records_of(telemetry.bare) == 1);
    }
    CHECK(records_of(telemetry.bare) == 2);
    CHECK(records_of(telemetry.timed, "method=card") == 1);
}

TEST_CASE("both work in templates") {
    in_a_template(7u);
    CHECK(total_of(telemetry.orders, "method=paypal") == 7);
    CHECK(records_of(telemetry.timed, "method=paypal") == 1);
}
