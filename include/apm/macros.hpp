// Statements that are nothing at all, arguments included, when APM is compiled out.
//
//     APM(telemetry.orders.add(count_them(), {.method = m}));    // off: count_them() is checked, not called
//     APM_TIME(telemetry.duration, {.method = m});               // the time from here to the end of this scope
#pragma once

#include <apm/config.hpp>

#define APM_DETAIL_JOIN(a, b) a##b
#define APM_DETAIL_NAME(prefix, line) APM_DETAIL_JOIN(prefix, line)

// Checked, not evaluated: nothing is emitted, not even without optimization.
#define APM_DETAIL_CHECK(...) static_cast<void>(sizeof((static_cast<void>(__VA_ARGS__), 0)))

#define APM(...) APM_IF_ENABLED(static_cast<void>(__VA_ARGS__)) APM_IF_DISABLED(APM_DETAIL_CHECK(__VA_ARGS__))

#define APM_TIME(row, ...)                                                                                              \
    APM_IF_ENABLED([[maybe_unused]] const auto APM_DETAIL_NAME(apm_timer_, __LINE__) = (row).time(__VA_ARGS__))         \
    APM_IF_DISABLED(APM_DETAIL_CHECK((row).time(__VA_ARGS__)))
