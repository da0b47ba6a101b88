// ctest: LABELS serial
// The probe for a user's own tests.
#include <apm/testing.hpp>

#include <apm/apm.hpp>

#include <chrono>

#include "catch.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, cash)
APM_FIELDS(Order, (Method, method), (bool, paid));
APM_FIELDS(Pair, (apm::text<>, a), (apm::text<>, b));
APM_FIELDS(Route, (apm::text<8>, route), (std::optional<apm::range<1, 3>>, shard));

struct size_buckets {
    static constexpr auto bounds = apm::explicit_bounds(10, 100);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.probe"};

    counter<Order>                                       orders{this, "orders", "Orders"};
    counter<Route>                                       routes{this, "routes", "Routes", {.limit = 4}};
    counter<apm::no_labels, apm::seconds>                busy{this, "busy", "Busy"};
    counter<apm::no_labels, apm::money<"EUR">>           revenue{this, "revenue", "Revenue"};
    updown<>                                             open{this, "open", "Open"};
    updown<apm::no_labels, apm::ratio>                   balance{this, "balance", "Balance"};
    gauge<Order>                                         stock{this, "stock", "Stock"};
    gauge<apm::no_labels, apm::milliseconds>             lag{this, "lag", "Lag"};
    histogram<Order, apm::bytes, size_buckets>           size{this, "size", "Size"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets> time{this, "time", "Time"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// A row of the same name and place in another schema.
struct Other : apm::schema<Other> {
    static constexpr apm::scope scope{.name = "test.probe.other"};
    counter<Order> orders{this, "orders", "Orders"};
    counter<Pair>  pairs{this, "pairs", "Pairs"};
};
constexpr auto& other = apm::instruments<Other>;

constexpr auto on = apm::mode::on;  // whatever this build does otherwise
constexpr auto card = Method::card, cash = Method::cash;
using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a probe sees what was added to one series since its construction") {
    telemetry.orders.add<on>(5, {.method = card, .paid = true});
    apm::testing::probe probe;
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = true}) == 0);
    telemetry.orders.add<on>(1, {.method = card, .paid = true});
    telemetry.orders.add<on>(2, {.method = cash, .paid = false});
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = true}) == 1);
    CHECK(probe.added(telemetry.orders, {.method = cash, .paid = false}) == 2);
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = false}) == 0);

    const apm::testing::probe later;
    probe.restart();
    telemetry.orders.add<on>(4, {.method = card, .paid = true});
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = true}) == 4);
    CHECK(later.added(telemetry.orders, {.method = card, .paid = true}) == 4);
}

TEST_CASE("times and reals are in the row's unit, integers are exact") {
    const apm::testing::probe probe;
    telemetry.busy.add<on>(1500ms);
    telemetry.revenue.add<on>(12.25);
    telemetry.open.add<on>(3), telemetry.open.sub<on>(5);
    telemetry.balance.sub<on>(0.5);
    CHECK(probe.added(telemetry.busy) == 1.5);
    CHECK(probe.added(telemetry.revenue) == 12.25);
    CHECK(probe.added(telemetry.open) == -2);
    CHECK(probe.added(telemetry.balance) == -0.5);
}

TEST_CASE("a gauge has a value once it is set") {
    const apm::testing::probe probe;
    CHECK_FALSE(probe.value(telemetry.lag).has_value());
    telemetry.lag.set<on>(2s);
    CHECK(probe.value(telemetry.lag) == 2000.0);
    telemetry.stock.set<on>(0, {.method = card, .paid = true});
    CHECK(probe.value(telemetry.stock, {.method = card, .paid = true}) == 0.0);
    CHECK_FALSE(probe.value(telemetry.stock, {.method = cash, .paid = true}).has_value());
}

TEST_CASE("a histogram tells how many values it took, and their sum") {
    telemetry.size.record<on>(7, {.method = card, .paid = true});
    const apm::testing::probe probe;
    telemetry.size.record<on>(50, {.method = card, .paid = true});
    telemetry.size.record<on>(500, {.method = card, .paid = true});
    telemetry.time.record<on>(250ms);
    CHECK(probe.recorded(telemetry.size, {.method = card, .paid = true}) == apm::testing::distribution{2, 550});
    CHECK(probe.recorded(telemetry.size, {.method = cash, .paid = true}) == apm::testing::distribution{});
    CHECK(probe.recorded(telemetry.time) == apm::testing::distribution{1, 0.25});
}

TEST_CASE("open text and what may be left out") {
    const apm::testing::probe probe;
    telemetry.routes.add<on>(1, {.route = "/a"});
    telemetry.routes.add<on>(2, {.route = "/a", .shard = 2});
    telemetry.routes.add<on>(3, {.route = "/longer-than-eight", .shard = 9});
    CHECK(probe.added(telemetry.routes, {.route = "/a"}) == 1);
    CHECK(probe.added(telemetry.routes, {.route = "/a", .shard = 2}) == 2);
    CHECK(probe.added(telemetry.routes, {.route = "/longer-x", .shard = 7}) == 3);  // cut alike, outside alike
    CHECK(probe.added(telemetry.routes, {.route = "/b"}) == 0);
    CHECK(probe.changes() == lines{"routes{route=/a} +1", "routes{route=/a,shard=2} +2",
                                   "routes{route=/longer-,shard=other} +3"});
}

TEST_CASE("text that is no UTF-8 is found by what was given") {
    const apm::testing::probe probe;
    telemetry.routes.add<on>(1, {.route = "\xff"});
    CHECK(probe.added(telemetry.routes, {.route = "\xff"}) == 1);
    CHECK(probe.changes() == lines{"routes{route=\xef\xbf\xbd} +1"});
}

TEST_CASE("changes are everything, in order of declaration, and nothing else") {
    apm::testing::probe probe;
    telemetry.time.record<on>(1ms);
    telemetry.size.record<on>(1, {.method = cash, .paid = true}), telemetry.size.record<on>(2, {.method = cash, .paid = true});
    telemetry.stock.set<on>(3, {.method = cash, .paid = true});  // a gauge has no change
    telemetry.balance.add<on>(0.25);
    telemetry.open.sub<on>(2);
    telemetry.open.add<on>(0);
    telemetry.busy.add<on>(100ms);
    telemetry.orders.add<on>(3, {.method = cash, .paid = true});
    CHECK(probe.changes() == lines{"orders{method=cash,paid=true} +3", "busy +0.1", "open -2", "balance +0.25",
                                   "size{method=cash,paid=true} 2 records", "time 1 record"});
    probe.restart();
    CHECK(probe.changes().empty());
}

TEST_CASE("a probe sees what other threads have recorded") {
    const apm::testing::probe probe;
    in_threads(4, [](std::size_t) {
        for (int i = 0; i < 1000; ++i) telemetry.orders.add<on>(1, {.method = card, .paid = false});
    });
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = false}) == 4000);
}

TEST_CASE("a row of the same name in another schema is another row") {
    const apm::testing::probe probe;
    telemetry.orders.add<on>(1, {.method = card, .paid = true});
    other.orders.add<on>(10, {.method = card, .paid = true});
    CHECK(probe.added(telemetry.orders, {.method = card, .paid = true}) == 1);
    CHECK(probe.added(other.orders, {.method = card, .paid = true}) == 10);
}

TEST_CASE("series that are written alike are told apart") {
    other.pairs.add<on>(90, {.a = "1,b=2", .b = ""});
    const apm::testing::probe probe;
    other.pairs.add<on>(1, {.a = "1", .b = "2"});
    CHECK(probe.changes() == lines{"pairs{a=1,b=2} +1"});
}
