// Compiled with APM off, and with the instrumentation absent: the two object files must be equal, byte for byte.
#ifndef ABSENT
#include "schema.hpp"
using codegen::telemetry, codegen::Method, codegen::Outcome;
#ifdef MACROS_ONLY
#define PLAIN(...)
#else
#define PLAIN(...) __VA_ARGS__
#endif
#else
#define PLAIN(...)
#define APM(...) static_cast<void>(0)
#define APM_TIME(...) static_cast<void>(0)
#define TRACE_SCOPE(...) static_cast<void>(0)
#define TRACE_FUNCTION() static_cast<void>(0)
#endif

#ifdef ONE_WORD
int one_word = 1;  // of the self-test: so little is found
#endif

int step(int);
double price(int);

int check_out(int n) {
    APM_TIME(telemetry.duration, {.method = Method::card, .outcome = Outcome::ok});
    APM(telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}));
    APM(telemetry.revenue.add(price(step(n))));  // not called
    PLAIN(telemetry.orders.add(1, {.method = Method::cash, .outcome = Outcome::declined});)
    PLAIN(telemetry.active.add(1);)
    const int result = step(n);
    PLAIN(telemetry.active.sub(1);)
    PLAIN(telemetry.depth.set(result);)
    PLAIN(telemetry.load.set(0.5 * result, {.method = Method::cash, .outcome = Outcome::ok});)
    return result;
}

int serve(int n, const char* route) {
    PLAIN(const auto timer = telemetry.duration.time({.method = Method::paypal, .outcome = Outcome::ok});)
    const int result = step(n);
    PLAIN(telemetry.requests.add(1, {.status = result, .route = route});)
    PLAIN(telemetry.duration.record(std::chrono::milliseconds(n), {.method = Method::card, .outcome = Outcome::ok});)
    static_cast<void>(route);
    return result;
}

int loop(int n) {
    PLAIN(const auto served = telemetry.requests.with({.status = 200, .route = "/"});)
    int sum = 0;
    for (int i = 0; i < n; ++i) {
        sum += step(i);
        PLAIN(served.add(1u);)
        PLAIN(telemetry.ticks.add(1);)
    }
    return sum;
}

int watch(int n) {
    PLAIN(const auto observed = telemetry.depth.observe([n] { return n; });)
    return step(n) + 1;
}

int ask(int n) {
    PLAIN(if (apm::enabled()) n = step(n);)
    return step(n) + 1;
}

// Handles that live as long as the program. (Not observations: they have a destructor, lest they be called unused variables,
// and a static object's destructor leaves its registration behind.)
PLAIN(static const auto kept = telemetry.orders.with({.method = Method::card, .outcome = Outcome::ok});)

int keep(int n) {
    PLAIN(kept.add(1);)
    PLAIN(static const auto kept_here = telemetry.duration.with({.method = Method::cash, .outcome = Outcome::ok});)
    PLAIN(kept_here.record(std::chrono::seconds(n));)
    return step(n) + 2;
}

// An exception may pass.
int guarded(int n) {
    PLAIN(const auto timer = telemetry.duration.time({.method = Method::card, .outcome = Outcome::ok});)
    APM_TIME(telemetry.duration, {.method = Method::card, .outcome = Outcome::ok});
    try {
        return step(n);
    } catch (...) {
        PLAIN(telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::declined});)
        throw;
    }
}

int visit(int n, const char* route) {
    TRACE_FUNCTION();
    TRACE_SCOPE(telemetry.visit, {.visitor = step(n), .route = route, .token = route});  // not called
    TRACE_SCOPE("a quick look");
    TRACE_SCOPE(telemetry.detail);
    const int result = step(n);
    PLAIN(apm::current_span().set("result", result);)
    PLAIN(apm::current_span().event("stepped", {{"n", n}, {"route", route}});)
    PLAIN(apm::current_span().status(apm::span_status::error, "no");)
    return result;
}

int enter(int n, const char* route) {
    PLAIN(auto visit = telemetry.visit.scope({.visitor = n, .route = route, .token = "secret"});)
    PLAIN(visit.set<&codegen::Visit::distance>(0.5 * n);)
    PLAIN(visit.set("again", true);)
    int result = step(n);
    PLAIN(visit.rename("entered");)
    PLAIN(visit.event("left", codegen::Visit{.visitor = n, .route = route, .token = route});)
    PLAIN(if (visit.recording()) result = step(n);)
    PLAIN(visit.end();)
    return result;
}

int carry(int n) {
    PLAIN(const auto here = apm::context::current();)
    PLAIN(const auto attached = apm::attach(here);)
    PLAIN(auto later = telemetry.step.start();)
    PLAIN(later.link(here, {{"n", n}});)
    const int result = step(n);
    PLAIN(later.status(apm::span_status::ok);)
    return result;
}

int thrown_through(int n) {
    TRACE_SCOPE(telemetry.step);
    PLAIN(auto visit = telemetry.step.scope();)
    try {
        return step(n) + 7;  // unlike guarded(), which the compiler would find to be the same
    } catch (...) {
        PLAIN(visit.status(apm::span_status::error);)
        throw;
    }
}
