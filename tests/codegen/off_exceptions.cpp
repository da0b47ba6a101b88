// Apart from the others: a function that handles exceptions brings symbols that would hide what another one needs them for.
#include "off.hpp"
#ifndef ABSENT
#include <apm/traced.hpp>
#endif

// OFF: `APM_TIME`, a timer, around `try` and `catch`
int timed(int n) {
    PLAIN(const auto timer = telemetry.duration.time({.method = Method::card, .outcome = Outcome::ok});)
    APM_TIME(telemetry.duration, {.method = Method::card, .outcome = Outcome::ok});
    try {
        return step(n);
    } catch (...) {
        PLAIN(telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::declined});)
        throw;
    }
}

// OFF: `TRACE_SCOPE`, `row.scope()`, around `try` and `catch`
int scoped(int n) {
    TRACE_SCOPE(telemetry.step);
    PLAIN(auto visit = telemetry.step.scope();)
    try {
        return step(n) + 1;
    } catch (...) {
        PLAIN(visit.status(apm::span_status::error);)
        throw;
    }
}

struct guard {
    ~guard() { step(0); }
};

// OFF: `apm::traced(row, {attributes}, f)`: the call of f
int traced(int n) {
    const guard g;
#if !defined(ABSENT) && !defined(MACROS_ONLY)
    return apm::traced(telemetry.visit, {.visitor = n, .route = "/", .token = "secret"}, [n] { return step(n) + 2; });
#else
    return step(n) + 2;
#endif
}
