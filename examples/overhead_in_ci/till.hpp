#pragma once

#include "telemetry.hpp"

namespace till {

unsigned price_in_cents(unsigned article);      // a look-up that a count must not make where APM is off

unsigned sell(unsigned article, Payment payment);   // what it costs
void restock(unsigned articles);

}  // namespace till
