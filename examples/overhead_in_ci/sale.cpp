// Macros only: with APM off this file is, byte for byte, what it would be without apm.
#include "till.hpp"

#ifdef LOCK_IN_HOT_PATH
#include <mutex>
#endif

namespace till {

#ifdef LOCK_IN_HOT_PATH
namespace {
std::mutex mutex;
}
#define ONE_AT_A_TIME APM_IF_ENABLED(const std::lock_guard one_at_a_time(mutex);)
#else
#define ONE_AT_A_TIME
#endif

unsigned sell(unsigned article, Payment payment) {
    ONE_AT_A_TIME
    TILL_COUNT(telemetry.sales.add(price_in_cents(article) > 0 ? 1u : 0u, {.payment = payment}));
    return article * 7 + (payment == Payment::card ? 1 : 0);
}

}  // namespace till
