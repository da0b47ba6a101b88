// The bank, and who looks at odd payments: what the service payment does.
#pragma once

#include <random>

#include <apm/schema/shop.hpp>

#include "purchase.hpp"

namespace shop {

using Dice = std::minstd_rand;

namespace payment {

// For a benchmark, which would else see little but the wait for the bank.
inline bool bank_answers_at_once = false;

Outcome take_money(const Purchase& purchase, Dice& dice);

}  // namespace payment

}  // namespace shop
