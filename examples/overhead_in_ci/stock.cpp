// A plain call: with APM off it records nothing, but the compiler sees it. The check says so, and does not fail.
#include "till.hpp"

namespace till {

namespace {
unsigned left = 0;
}

unsigned price_in_cents(unsigned article) { return article % 100 * 5; }

void restock(unsigned articles) {
    left = (left + articles) % 1000;
    telemetry.stock.set(left);
}

}  // namespace till
