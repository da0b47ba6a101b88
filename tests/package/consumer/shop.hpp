#pragma once
#include <apm/apm.hpp>

namespace shop {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
APM_FIELDS(Order, (Method, method));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop", .version = "1.4.0"};

    counter<Order> orders{this, "shop.orders", "Orders placed"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

void check_out();

}  // namespace shop
