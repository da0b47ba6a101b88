// The whole API with APM compiled out for this file: what is evaluated, and that nothing is recorded.
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <apm/apm.hpp>
#include <apm/runtime.hpp>
#include <apm/testing.hpp>

#include "catch.hpp"

static_assert(!APM_ENABLED);

namespace off_test {

BOOST_DEFINE_ENUM_CLASS(Method, card, cash)
APM_FIELDS(Order, (Method, method), (std::optional<apm::text<16>>, coupon));

APM_FIELDS(Visit, (int, visitor), (std::optional<std::string_view>, route), (apm::secret, token));

struct score_buckets {
    static constexpr auto bounds = apm::explicit_bounds(1, 2, 3);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "off_test"};

    counter<>                                              ticks   {this, "off.ticks", "Ticks"};
    counter<Order>                                         orders  {this, "off.orders", "Orders"};
    counter<apm::no_labels, apm::money<"USD">>             revenue {this, "off.revenue", "Revenue"};
    updown<Order>                                          active  {this, "off.active", "Active"};
    gauge<Order, apm::ratio>                               load    {this, "off.load", "Load"};
    gauge<>                                                depth   {this, "off.depth", "Depth"};
    histogram<Order, apm::seconds, apm::latency_buckets>   duration{this, "off.duration", "Duration"};
    histogram<apm::no_labels, apm::score, score_buckets>   scores  {this, "off.scores", "Scores"};

    span<Visit, apm::client, apm::measured>                visit   {this, "off.visit", "Visit"};
    span<>                                                 step    {this, "off.step", "Step"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace off_test

using off_test::Method, off_test::telemetry;
using namespace std::chrono_literals;

namespace {

int evaluations = 0;
template <class T>
T counted(T value) {
    ++evaluations;
    return value;
}

std::size_t series_recorded() {
    std::size_t n = 0;
    for (const apm::family& f : apm::collect().families)
        if (std::string_view(f.schema->name) == "off_test") n += f.series.size();
    return n;
}

}  // namespace

TEST_CASE("off: macros evaluate nothing") {
    evaluations = 0;
    APM(telemetry.ticks.add(counted(1u)));
    APM(telemetry.orders.add(counted(2u), {.method = counted(Method::card), .coupon = counted(std::string("x"))}));
    APM(telemetry.duration.record(counted(20ms), {.method = counted(Method::cash)}));
    APM_TIME(telemetry.duration, {.method = counted(Method::cash)});
    if (evaluations == 0) APM(telemetry.load.set(counted(0.5), {.method = Method::card}));
    else FAIL();
    CHECK(evaluations == 0);
}

TEST_CASE("off: macros are statements like any other") {
    evaluations = 0;
    for (int i = 0; i < 3; ++i) APM(telemetry.ticks.add(counted(1u)));
    if (evaluations != 0) APM(telemetry.ticks.add(1));
    else APM(telemetry.ticks.add(counted(2u)));
    const auto in_lambda = [&] { return APM(telemetry.active.add(counted(1), {.method = Method::card})); };
    in_lambda();
    {
        APM_TIME(telemetry.duration, {.method = counted(Method::card), .coupon = counted(std::string("y"))});
        APM_TIME(telemetry.duration, {.method = Method::cash});  // two in one scope
    }
    CHECK(evaluations == 0);
}

TEST_CASE("off: plain calls evaluate their arguments once, as C++ says") {
    evaluations = 0;
    telemetry.ticks.add(counted(1u));
    CHECK(evaluations == 1);
    telemetry.orders.add(counted(2u), {.method = counted(Method::card)});
    CHECK(evaluations == 3);
    telemetry.active.sub(counted(2), {.method = Method::card});
    telemetry.load.set(counted(0.5), {.method = Method::card});
    telemetry.duration.record(counted(3s), {.method = Method::card});
    telemetry.scores.record(counted(2.5));
    telemetry.revenue.add(counted(9.99));
    CHECK(evaluations == 8);
    const auto handle = telemetry.orders.with({.method = counted(Method::cash), .coupon = counted(std::string("z"))});
    handle.add(counted(1u));
    CHECK(evaluations == 11);
    const auto timer = telemetry.duration.time({.method = counted(Method::cash)});
    CHECK(evaluations == 12);
}

TEST_CASE("off: values that a row would reject, and labels out of range, are nothing too") {
    telemetry.revenue.add(-1.0);
    telemetry.scores.record(std::numeric_limits<double>::quiet_NaN());
    telemetry.duration.record(-1s, {.method = static_cast<Method>(77)});
    telemetry.depth.set(std::numeric_limits<std::int64_t>::min());
    CHECK(series_recorded() == 0);
}

TEST_CASE("off: a handle that is static is a constant") {
    static constinit auto kept = telemetry.orders.with({.method = Method::card});
    kept.add(1u);
    STATIC_REQUIRE(std::is_empty_v<decltype(kept)>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<decltype(kept)>);
}

TEST_CASE("off: handles, timers and callbacks do nothing, and nothing is recorded") {
    const apm::testing::probe probe;
    const auto handle = telemetry.orders.with({.method = Method::cash});
    handle.add(3u);
    {
        auto timer = telemetry.duration.time({.method = Method::card});
        timer.stop();
        timer.cancel();
    }
    evaluations = 0;
    const auto observed = telemetry.load.observe({.method = Method::card}, [] { return counted(0.5); });
    const auto growing = telemetry.ticks.observe([] { return counted(7u); });
    const auto setting = telemetry.depth.observe([] { telemetry.depth.set(counted(7)); });
    const auto present = telemetry.active.observe({.method = Method::card}, [] { return counted(3); });
    static_cast<void>(apm::collect());
    CHECK(evaluations == 0);
    CHECK(probe.changes().empty());
    CHECK(series_recorded() == 0);
    STATIC_REQUIRE(sizeof(handle) == 1);
    STATIC_REQUIRE(sizeof(observed) == 1);
}

TEST_CASE("off: a file that collects sees what it records itself: nothing") {
    telemetry.ticks.add(1);
    telemetry.depth.set(3);
    apm::delta_reader reader;
    for (const apm::snapshot& s : {apm::collect(), reader.collect()})
        for (const apm::family& f : s.families) CHECK(std::string_view(f.schema->name) != "off_test");
}

TEST_CASE("off: the runtime is a shell") {
    apm::runtime runtime{{.service = {.name = "off"}, .prometheus = {.port = 0}}};
    CHECK_FALSE(runtime.running());
    CHECK(runtime.prometheus_port() == 0);
    CHECK(runtime.flush(1ms));
    CHECK_FALSE(apm::enabled());
}

TEST_CASE("off: a span's attributes are checked and not evaluated; nothing is recorded") {
    evaluations = 0;
    {
        TRACE_SCOPE(telemetry.visit, {.visitor = counted(1), .route = counted(std::string("/")), .token = counted(2)});
        TRACE_SCOPE(telemetry.step);
        TRACE_SCOPE("quick");
        TRACE_FUNCTION();
        CHECK_FALSE(apm::current_span().recording());
        CHECK_FALSE(apm::context::current().valid());
    }
    CHECK(evaluations == 0);
    auto visit = telemetry.visit.scope({.visitor = counted(1), .token = counted(2)});  // a plain call: as C++ says
    CHECK(evaluations == 2);
    visit.set<&off_test::Visit::route>("/");
    visit.set("more", 1);
    visit.event("left", {{"n", 1}});
    visit.link(visit.context());
    visit.exception(std::runtime_error("x"));
    visit.status(apm::span_status::error, "no");
    visit.rename("other");
    auto moved = std::move(visit);
    moved.end();
    auto started = telemetry.step.start();
    const auto attached = apm::attach(started.context());
    CHECK_FALSE(started.recording());
    static_assert(sizeof(started) == 1);
    const apm::span_totals all = apm::count_spans();
    CHECK(all.started + all.unsampled == 0);
    CHECK(series_recorded() == 0);
}

TEST_CASE("off: what is wrapped is what was given") {
    int calls = 0;
    auto wrapped = apm::wrap([&calls](int n) { return calls += n; });
    CHECK(wrapped(3) == 3);
    CHECK(calls == 3);
}
