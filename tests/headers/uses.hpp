// Every macro of ours in use, and every kind of record. What a macro expands to stands in the user's code, so it is exposed to what
// the user's code is exposed to: macros of other libraries, and warnings.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <apm/apm.hpp>

namespace uses {

APM_ENUM_CLASS(Method, card, paypal, cash);
APM_WIRE_NAMES(Method, (paypal, "pay-pal"));
enum Outcome { ok, declined };
BOOST_DESCRIBE_ENUM(Outcome, ok, declined)

APM_FIELDS(Order, (Method, method), (Outcome, outcome), (bool, again));
APM_FIELDS(Request, (apm::range<200, 599>, status), (apm::named<apm::text<64>, "http.route">, route),
           (std::optional<apm::text<32>>, coupon));
APM_FIELDS(Visit, (int, visitor), (std::optional<double>, distance), (const char*, route), (apm::secret, token));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "uses", .version = "1"};

    counter<>                                  ticks   {this, "uses.ticks", "Ticks"};
    counter<Order>                             orders  {this, "uses.orders", "Orders placed", {.exemplars = true}};
    counter<Request>                           requests{this, "uses.requests", "Requests served"};
    counter<apm::no_labels, apm::money<"USD">> revenue {this, "uses.revenue", "Revenue"};
    updown<>                                   active  {this, "uses.active", "Requests in flight"};
    gauge<Order, apm::ratio>                   load    {this, "uses.load", "Load"};
    histogram<Order, apm::seconds, apm::latency_buckets> duration{this, "uses.duration", "Time to check out"};

    span<>                                     step {this, "uses.step", "One step"};
    span<Visit, apm::server, apm::measured>    visit{this, "uses.visit", "One visit"};
    span<apm::no_attributes, apm::level<3>>    detail{this, "uses.detail", "A detail"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

inline void metrics(int n, const char* route) {
    APM(telemetry.ticks.add(1));
    APM(telemetry.orders.add(2, {.method = Method::card, .outcome = ok, .again = n > 1}));
    APM(telemetry.requests.add(1, {.status = n, .route = route}));
    APM_TIME(telemetry.duration, {.method = Method::cash, .outcome = declined, .again = false});
    APM_IF_ENABLED(telemetry.ticks.add(1);)
    APM_IF_DISABLED(static_cast<void>(n);)
    telemetry.ticks.add(1);
    telemetry.requests.with({.status = 200, .route = "/", .coupon = "X"}).add(1);
    telemetry.revenue.add(1.5 * n);
    telemetry.active.add(1);
    telemetry.active.sub(1);
    telemetry.load.set(0.5, {.method = Method::card, .outcome = ok, .again = true});
    telemetry.duration.record(std::chrono::milliseconds(n), {.method = Method::card, .outcome = ok, .again = true});
}

inline int spans(int n, const char* route) {
    TRACE_FUNCTION();
    TRACE_SCOPE(telemetry.visit, {.visitor = n, .route = route, .token = route});
    {
        APM_TRACE_FUNCTION();
        APM_TRACE_SCOPE("a quick look");
    }
    TRACE_SCOPE(telemetry.step);
    TRACE_SCOPE(telemetry.detail);
    auto visit = telemetry.visit.scope({.visitor = n, .route = route, .token = "secret"});
    visit.set<&Visit::distance>(2.5);
    visit.event("stepped", {{"n", n}, {"route", route}});
    apm::current_span().set("result", n);
    auto later = telemetry.step.start();
    later.link(apm::context::current(), {{"n", n}});
    later.status(apm::span_status::ok);
    const auto attached = apm::attach(apm::context::current());
    const auto twice = apm::wrap([](int m) { return 2 * m; });
    auto counts = apm::wrap([n]() mutable { return ++n; });
    return twice(n) + counts();
}

}  // namespace uses
