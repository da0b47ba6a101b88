// The front: requests come in, answers go out. HTTP without the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <apm/schema/shop.hpp>

#include "checkout.hpp"
#include "house.hpp"

namespace shop {

struct Call {
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
    // Any thread.
    Answer answer(const Call& call, Dice& dice);

    Shelves shelves;
    Baskets baskets;

private:
    Answer route(const Call& call, Dice& dice);
    Answer put_into_basket(std::string_view name, std::uint64_t customer);
    Answer check_out_basket(const Call& call, Dice& dice);
};

}  // namespace shop
