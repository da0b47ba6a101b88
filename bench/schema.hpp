// What the benchmarks record: one schema, so that their figures are of the same rows.
#pragma once

#include <apm/apm.hpp>

namespace bench {

BOOST_DEFINE_ENUM_CLASS(Method,  card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)

APM_FIELDS(Order,  (Method, method), (Outcome, outcome));
APM_FIELDS(Route,  (apm::text<64>, route));
APM_FIELDS(Answer, (apm::text<64>, route), (Method, method), (Outcome, outcome));
APM_FIELDS(Status, (apm::range<200, 599>, status));

APM_FIELDS(Visit, (std::uint64_t, visitor), (apm::text<>, route), (double, share));

// Doubles, in as many buckets as apm::latency_buckets has.
struct score_buckets {
    static constexpr auto bounds = apm::linear_bounds<14>(0.5, 0.7);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "bench"};

    counter<>                         plain    {this, "bench.plain", "No labels"};
    counter<Order>                    orders   {this, "bench.orders", "Two closed labels"};
    counter<Order, apm::money<"USD">> revenue  {this, "bench.revenue", "Two closed labels, doubles"};
    counter<Order, apm::seconds>      busy     {this, "bench.busy", "Two closed labels, times"};
    counter<Status>                   statuses {this, "bench.statuses", "A closed label of too many values to be dense"};
    counter<Route>                    routes   {this, "bench.routes", "An open label"};
    counter<Answer>                   answers  {this, "bench.answers", "An open label and two closed ones"};
    updown<>                          in_flight{this, "bench.in_flight", "Goes up and down"};
    gauge<>                           level    {this, "bench.level", "Is set"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets>
                                      latency  {this, "bench.latency", "14 bounds, times"};
    histogram<Order, apm::seconds, apm::latency_buckets>
                                      checkout {this, "bench.checkout", "14 bounds, times, two closed labels"};
    histogram<apm::no_labels, apm::score, score_buckets>
                                      score    {this, "bench.score", "14 bounds, doubles"};
    histogram<apm::no_labels, apm::seconds, apm::base2_buckets<3, -10, 4>>
                                      base2    {this, "bench.base2", "113 bounds, the powers of a base"};

    span<>                              step   {this, "bench.step", "No attributes"};
    span<Visit>                         visit  {this, "bench.visit", "Three attributes, one of them text"};
    span<apm::no_attributes, apm::measured> counted{this, "bench.counted", "Counted and timed, too"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace bench
