// From basket to receipt.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string_view>

#include <apm/schema/shop.hpp>

#include "house.hpp"

namespace shop {

using Dice = std::minstd_rand;

struct Receipt {
    Method method;
    Outcome outcome;
    std::int64_t cents;
    int items;
    std::chrono::nanoseconds took;  // as the shop measured it
};

// For a benchmark, which would else see little but the wait for the bank.
inline bool bank_answers_at_once = false;

Receipt check_out(std::uint64_t customer, const Basket& basket, Method method, std::string_view card, Dice& dice);

}  // namespace shop
