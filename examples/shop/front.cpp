#include "front.hpp"

namespace shop::gateway {

namespace {

// Up while a request is being answered, however it ends.
struct InFlight {
    InFlight() { telemetry.in_flight.add(1); }
    ~InFlight() { telemetry.in_flight.sub(1); }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
};

std::string_view after(std::string_view path, std::string_view prefix) {
    return path.starts_with(prefix) ? path.substr(prefix.size()) : std::string_view{};
}

int status_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::ok: return 200;
        case Outcome::declined: return 402;
        case Outcome::failed: break;
    }
    return 502;
}

}  // namespace

Answer Front::answer(const Visitor& visitor) {
    // Most requests are for this page: its series is looked up once, which leaves nothing but an addition.
    static const auto home = telemetry.requests.with({.verb = Verb::GET, .route = "/", .status = 200});
    const InFlight one;
    auto visit = telemetry.visit.scope({.verb = visitor.verb, .path = visitor.path});
    const Answer a = route(visitor);
    visit.set<&Visit::status>(a.status);
    if (a.route == "/") home.add(1);
    else telemetry.requests.add(1, {.verb = visitor.verb, .route = a.route, .status = a.status});
    return a;
}

Answer Front::route(const Visitor& visitor) {
    const std::string_view path = visitor.path;
    if (visitor.verb == Verb::GET) {
        if (path == "/") return {.route = "/"};
        if (const auto name = after(path, "/product/"); !name.empty())
            return {.status = shelves.find(name) ? 200 : 404, .route = "/product/{name}"};
    } else {
        if (const auto name = after(path, "/basket/"); !name.empty()) return put_into_basket(name, visitor.customer);
        if (path == "/checkout") return check_out_basket(visitor);
    }
    return {.status = 404, .route = "unknown"};  // all of them one route: paths are typed by strangers
}

Answer Front::put_into_basket(std::string_view name, std::uint64_t customer) {
    Piece* piece = shelves.find(name);
    if (!piece) return {.status = 404, .route = "/basket/{name}"};
    if (!Shelves::take(*piece)) return {.status = 409, .route = "/basket/{name}"};
    baskets.add(customer, *piece);
    return {.status = 201, .route = "/basket/{name}"};
}

Answer Front::check_out_basket(const Visitor& visitor) {
    const Basket basket = baskets.take(visitor.customer);
    if (basket.items == 0) return {.status = 400, .route = "/checkout"};
    const Receipt receipt = place_({visitor.customer, basket.items, basket.cents, visitor.method, visitor.card});
    return {.status = status_of(receipt.outcome), .route = "/checkout", .receipt = receipt};
}

}  // namespace shop::gateway
