// The front: requests come in, answers go out, whether they came over a wire or not. What the service gateway does.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <apm/schema/shop.hpp>

#include "checkout.hpp"
#include "house.hpp"

namespace shop::gateway {

struct Visitor {
    Verb verb;
    std::string path;              // /product/{name}, /basket/{name} ...
    std::uint64_t customer;
    Method method = Method::card;  // of a check-out
    std::string card = {};         // its number, of a check-out by card
};

struct Answer {
    int status = 200;
    std::string_view route = {};            // the pattern that the path matched
    std::optional<Receipt> receipt = {};    // of a check-out
};

class Front {
public:
    // The service that does the check-out.
    using Place = std::function<Receipt(const Purchase&)>;

    explicit Front(Place place) : place_(std::move(place)) {}

    // Any thread.
    Answer answer(const Visitor& visitor);

    Shelves shelves;
    Baskets baskets;

private:
    Answer route(const Visitor& visitor);
    Answer put_into_basket(std::string_view name, std::uint64_t customer);
    Answer check_out_basket(const Visitor& visitor);

    const Place place_;
};

}  // namespace shop::gateway
