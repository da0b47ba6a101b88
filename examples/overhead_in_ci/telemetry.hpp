// What the till measures, and the one macro by which it does.
#pragma once

#include <apm/apm.hpp>

namespace till {

BOOST_DEFINE_ENUM_CLASS(Payment, cash, card)
APM_FIELDS(Sale, (Payment, payment));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "till", .version = "1.0.0"};

    counter<Sale> sales{this, "till.sales", "Articles sold"};
    gauge<>       stock{this, "till.stock", "Articles left"};
    histogram<Sale, apm::seconds, apm::latency_buckets>
                  duration{this, "till.sale.duration", "Time to sell"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace till

#ifdef MACRO_EVALUATES
#define TILL_COUNT(...) static_cast<void>(__VA_ARGS__)          // it was APM(__VA_ARGS__)
#else
#define TILL_COUNT(...) APM(__VA_ARGS__)
#endif
