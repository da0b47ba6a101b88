// What the example shop measures. This is the one place where its telemetry is declared; examples/shop records it.
// The shop is three services, each with a schema of its own: a service's exposition shows what that service does, and no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <apm/apm.hpp>

namespace shop {

// --- what labels can say ----------------------------------------------------------------------------------------------

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined, failed)   // failed: the bank could not be reached
BOOST_DEFINE_ENUM_CLASS(Verb, GET, POST)

APM_FIELDS(Order,   (Method, method), (Outcome, outcome));
APM_FIELDS(Payment, (Method, method));
APM_FIELDS(Product, (apm::text<32>, product));
// A route is a pattern such as /product/{name}, never the path that a stranger typed: each value is a series for good.
APM_FIELDS(Request, (Verb, verb), (apm::text<64>, route), (apm::range<200, 599>, status));

// --- what spans say ---------------------------------------------------------------------------------------------------

// Both sides of a request. Attributes are called as OpenTelemetry's conventions for HTTP have them. The status is known at the
// end, hence optional.
APM_FIELDS(Visit, (apm::named<Verb, "http.request.method">, verb), (apm::named<std::string_view, "url.path">, path),
           (apm::named<std::optional<int>, "http.response.status_code">, status));
APM_FIELDS(Call, (apm::named<Verb, "http.request.method">, verb), (apm::named<std::string_view, "url.full">, url),
           (apm::named<std::string_view, "server.address">, host), (apm::named<int, "server.port">, port),
           (apm::named<std::optional<int>, "http.response.status_code">, status));

APM_FIELDS(Checkout, (std::uint64_t, customer), (int, items), (std::int64_t, cents), (std::optional<std::string_view>, coupon));
// A card's number is never recorded: apm::secret takes it and keeps nothing.
APM_FIELDS(Authorization, (Method, method), (std::int64_t, cents), (apm::secret, card_number));
APM_FIELDS(Suspicion, (Method, method));

// --- gateway: what customers see --------------------------------------------------------------------------------------

namespace gateway {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop.gateway", .version = "1.4.0"};  // whose telemetry this is

    // What comes in. Routes are text, known when the program runs; hence a limit.
    counter<Request> requests {this, "shop.http.requests", "Requests answered", {.limit = 200}};
    updown<>         in_flight{this, "shop.http.requests.in_flight", "Requests being answered now"};

    span<Visit, apm::server>
                     visit      {this, "request", "One request, from call to answer"};
    span<Call, apm::client>
                     place_order{this, "POST /orders", "The service orders is asked to check out"};

    // The house: how things are at the moment of a collection.
    gauge<>          open_carts{this, "shop.carts.open", "Baskets with something in them, not checked out"};
    gauge<Product>   stock{this, "shop.stock", "Pieces on the shelf", {.limit = 100}};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace gateway

// --- orders: what the shop lives from ---------------------------------------------------------------------------------

namespace orders {

struct basket_buckets {
    static constexpr auto bounds = apm::explicit_bounds(1, 2, 3, 5, 8, 13, 21);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop.orders", .version = "1.4.0"};

    // All series of so few closed labels are exported from zero.
    counter<Order>   orders{this, "shop.orders", "Orders placed, paid or not"};
    histogram<Order, apm::seconds, apm::latency_buckets>
                     checkout{this, "shop.checkout.duration", "Time to check out, from basket to receipt"};
    histogram<apm::no_labels, apm::count_of<"item">, basket_buckets>
                     items{this, "shop.basket.items", "Items of an order"};

    span<Visit, apm::server>
                     visit      {this, "POST /orders", "One request, from call to answer"};
    span<Checkout>   check_out  {this, "checkout", "One check-out, from basket to receipt"};
    span<Call, apm::client>
                     ask_payment{this, "POST /payments", "The service payment is asked for the money"};
    span<apm::no_attributes, apm::level<2>>
                     receipt    {this, "receipt.write", "The receipt is written"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace orders

// --- payment: where the money comes from ------------------------------------------------------------------------------

namespace payment {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop.payment", .version = "1.4.0"};

    histogram<Payment, apm::seconds, apm::latency_buckets>
                     payment{this, "shop.payment.duration", "Time to be paid, or declined"};
    counter<Payment, apm::money<"USD">>
                     revenue{this, "shop.revenue", "Money taken"};

    span<Visit, apm::server>
                     visit    {this, "POST /payments", "One request, from call to answer"};
    // Counted and timed, too: bank.authorize.executions and .duration.
    span<Authorization, apm::client, apm::measured>
                     authorize{this, "bank.authorize", "The bank is asked for the money"};
    span<Suspicion, apm::measured>
                     fraud    {this, "fraud.check", "A person looks at a payment that seems odd"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace payment

}  // namespace shop
