// What the benchmarks record: one schema, so that their figures are of the same rows.
#pragma once

#include <apm/apm.hpp>

namespace bench {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)

APM_FIELDS(Order,  (Method, method), (Outcome, outcome));
APM_FIELDS(Route,  (apm::text<64>, route));
APM_FIELDS(Answer, (apm::text<64>, route), (Method, method), (Outcome, outcome));
APM_FIELDS(Status, (apm::range<200, 599>, status));

// Classic bounds for integers: as many as latency_buckets has.
struct size_buckets {
    static constexpr auto bounds = apm::exponential_bounds<14>(64, 2);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "bench"};

    counter<>                        plain     {this, "bench.plain", "No labels"};
    counter<Order>                   orders    {this, "bench.orders", "Two closed labels"};
    counter<Order, apm::money<"USD">> revenue  {this, "bench.revenue", "Doubles"};
    counter<Order, apm::seconds>     busy      {this, "bench.busy", "Times"};
    counter<Status>                  statuses  {this, "bench.statuses", "One closed label of too many values to be dense"};
    counter<Route>                   routes    {this, "bench.routes", "An open label"};
    counter<Answer>                  answers   {this, "bench.answers", "An open label and two closed ones"};
    updown<>                         in_flight {this, "bench.in_flight", "Goes up and down"};
    gauge<>                          level     {this, "bench.level", "Set"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets>
                                     latency   {this, "bench.latency", "14 bounds, times"};
    histogram<Order, apm::seconds, apm::latency_buckets>
                                     checkout  {this, "bench.checkout", "14 bounds, times, two closed labels"};
    histogram<apm::no_labels, apm::bytes, size_buckets>
                                     size      {this, "bench.size", "14 bounds, integers"};
    histogram<apm::no_labels, apm::score, apm::latency_scores>
                                     score     {this, "bench.score", "14 bounds, doubles"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace bench
