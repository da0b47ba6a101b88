// The telemetry of a large program: 200 rows.
#pragma once

#include <boost/preprocessor/cat.hpp>
#include <boost/preprocessor/repetition/repeat.hpp>
#include <boost/preprocessor/stringize.hpp>

#include <apm/apm.hpp>

namespace large {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
APM_FIELDS(Order, (Method, method), (Outcome, outcome));

#define LARGE_ROW(z, n, unused) counter<Order> BOOST_PP_CAT(row, n){this, "large.row" BOOST_PP_STRINGIZE(n), "Six series"};
struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "large"};
    BOOST_PP_REPEAT(200, LARGE_ROW, ~)
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

inline void record() { telemetry.row0.add(1, {.method = Method::card, .outcome = Outcome::ok}); }

// Into every row, one series.
#define LARGE_RECORD(z, n, unused) telemetry.BOOST_PP_CAT(row, n).add(1, {.method = Method::card, .outcome = Outcome::ok});
inline void record_all() { BOOST_PP_REPEAT(200, LARGE_RECORD, ~) }

}  // namespace large
