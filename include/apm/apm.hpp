// apm: everything that records. Include this where a schema is declared; declare a schema once, record anywhere.
//
//     // schema/shop.hpp
//     namespace shop {
//     BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
//     APM_FIELDS(Order, (Method, method));
//     APM_FIELDS(Checkout, (std::uint64_t, order_id), (apm::secret, card_number));
//
//     struct Schema : apm::schema<Schema> {
//         static constexpr apm::scope scope{.name = "shop", .version = "1.4.0"};
//         counter<Order>  orders  {this, "shop.orders", "Orders placed"};
//         span<Checkout>  checkout{this, "checkout", "One checkout, from basket to receipt"};
//     };
//     inline constexpr auto& telemetry = apm::instruments<Schema>;
//     }
//
//     // anywhere
//     TRACE_SCOPE(shop::telemetry.checkout, {.order_id = id, .card_number = card});
//     shop::telemetry.orders.add(1, {.method = shop::Method::card});
//
// The layers, in the order in which data flows:
//
//     schema/*.hpp    what is measured           rows: names, help, units, labels, buckets, limits
//          |
//     instruments     how it is recorded         counter gauge updown histogram span; TRACE_SCOPE(), APM(), APM_TIME()
//          |
//     store           where it is kept           per-thread blocks of cells, and rings of records       detail/
//          |
//     collect         what it says now           collect.hpp: a snapshot; spans.hpp: finished spans
//          |
//     back ends       where it goes              backend/*.hpp
//          |
//     runtime         when, with what settings   runtime.hpp: included by the file that owns main
#pragma once

#include <apm/config.hpp>
#include <apm/enabled.hpp>
#include <apm/macros.hpp>
#include <apm/schema.hpp>
