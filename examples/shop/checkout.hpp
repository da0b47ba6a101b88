// From basket to receipt: what the service orders does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <apm/schema/shop.hpp>

#include "purchase.hpp"

namespace shop {

struct Receipt {
    Method method;
    Outcome outcome;
    std::int64_t cents;
    int items;
    std::chrono::nanoseconds took;  // as the service orders measured it
};

namespace orders {

// The service that is asked for the money.
using Pay = std::function<Outcome(const Purchase&)>;

Receipt check_out(const Purchase& purchase, const Pay& pay);

}  // namespace orders

}  // namespace shop
