// A schema with every kind of row, for fixtures whose object code is read.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include <apm/apm.hpp>

namespace codegen {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
APM_FIELDS(Order, (Method, method), (Outcome, outcome));
APM_FIELDS(Request, (apm::range<200, 599>, status), (apm::text<64>, route));

APM_FIELDS(Visit, (int, visitor), (std::optional<double>, distance), (const char*, route), (apm::secret, token));
APM_FIELDS(Call, (int, visitor), (double, share), (const char*, route));

// Of std::string_view's shape.
struct view {
    const char* text;
    std::size_t length;
    [[nodiscard]] const char* data() const { return text; }
    [[nodiscard]] std::size_t size() const { return length; }
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "codegen"};

    counter<>                          ticks   {this, "codegen.ticks", "Ticks"};
    counter<Order>                     orders  {this, "codegen.orders", "Orders placed"};
    counter<Request>                   requests{this, "codegen.requests", "Requests served"};
    counter<apm::no_labels, apm::money<"USD">> revenue{this, "codegen.revenue", "Revenue"};
    updown<>                           active  {this, "codegen.active", "Requests in flight"};
    gauge<>                            depth   {this, "codegen.depth", "Queue depth"};
    gauge<Order, apm::ratio>           load    {this, "codegen.load", "Load"};
    histogram<Order, apm::seconds, apm::latency_buckets> duration{this, "codegen.duration", "Time to check out"};

    span<>                                               step {this, "codegen.step", "One step"};
    span<Visit, apm::server, apm::measured>              visit{this, "codegen.visit", "One visit"};
    span<Call>                                           call {this, "codegen.call", "One call"};
    span<apm::no_attributes, apm::level<3>>              detail{this, "codegen.detail", "A detail"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace codegen
