#include "off.hpp"

#ifdef ONE_WORD
int one_word = 1;  // of the self-test: so little is found
#endif

// OFF: `APM(counter.add(work(), {labels}))`: the argument is not evaluated
int macro(int n) {
    APM(telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok}));
    APM(telemetry.revenue.add(price(step(n))));
    return step(n) + 1;
}

#ifdef ABSENT
namespace codegen { enum class Method { card }; enum class Outcome {}; }
#endif
unsigned macro_of_variables(unsigned n, codegen::Method m, codegen::Outcome o) {
    APM(telemetry.orders.add(n > 7 ? 1u : 0u, {.method = m, .outcome = o}));
    APM(telemetry.duration.record(std::chrono::nanoseconds(n), {.method = m, .outcome = o}));
    APM(telemetry.ticks.add(n));
    APM(telemetry.depth.set(n));
    APM_TIME(telemetry.duration, {.method = m, .outcome = o});
    return n * 7 + (m == codegen::Method::card ? 1 : 0);
}

// OFF: `APM_TIME(histogram, {labels})`
int macro_time(int n) {
    APM_TIME(telemetry.duration, {.method = Method::card, .outcome = Outcome::ok});
    return step(n) + 2;
}

// OFF: `counter.add(1, {labels})`
int counter_add(int n) {
    PLAIN(telemetry.orders.add(1, {.method = Method::cash, .outcome = Outcome::declined});)
    return step(n) + 3;
}

// OFF: `counter.add(1, {text, range})`
int counter_add_text(int n, const char* route) {
    const int result = step(n);
    PLAIN(telemetry.requests.add(1, {.status = result, .route = route});)
    static_cast<void>(route);
    return result + 4;
}

// OFF: `updown.add(1)`, `.sub(1)`
int updown(int n) {
    PLAIN(telemetry.active.add(1);)
    const int result = step(n);
    PLAIN(telemetry.active.sub(1);)
    return result + 5;
}

// OFF: `gauge.set(value, {labels})`
int gauge(int n) {
    const int result = step(n);
    PLAIN(telemetry.depth.set(result);)
    PLAIN(telemetry.load.set(0.5 * result, {.method = Method::cash, .outcome = Outcome::ok});)
    return result + 6;
}

// OFF: `histogram.record(duration, {labels})`
int histogram(int n) {
    PLAIN(telemetry.duration.record(std::chrono::milliseconds(n), {.method = Method::card, .outcome = Outcome::ok});)
    return step(n) + 7;
}

// OFF: `auto timer = histogram.time({labels})`
int timer(int n) {
    PLAIN(auto timer = telemetry.duration.time({.method = Method::paypal, .outcome = Outcome::ok});)
    const int result = step(n);
    PLAIN(timer.stop();)
    return result + 8;
}

// OFF: `auto series = counter.with({labels})`, `series.add(1)` in a loop
int bound(int n) {
    PLAIN(const auto served = telemetry.requests.with({.status = 200, .route = "/"});)
    int sum = 0;
    for (int i = 0; i < n; ++i) {
        sum += step(i);
        PLAIN(served.add(1u);)
    }
    return sum;
}

PLAIN(static const auto kept = telemetry.orders.with({.method = Method::card, .outcome = Outcome::ok});)

// OFF: `static` handles, of a file or a function
int bound_for_good(int n) {
    PLAIN(kept.add(1);)
    PLAIN(static const auto kept_here = telemetry.duration.with({.method = Method::cash, .outcome = Outcome::ok});)
    PLAIN(kept_here.record(std::chrono::seconds(n));)
    return step(n) + 9;
}

// Not a static one: it has a destructor, or g++ would call it an unused variable, and then the compiler registers that.
// OFF: `auto seen = gauge.observe(f)`
int observed(int n) {
    PLAIN(const auto observed = telemetry.depth.observe([n] { return n; });)
    return step(n) + 10;
}

// OFF: `if (apm::enabled())`, `APM_IF_ENABLED(...)`
int asked(int n) {
    PLAIN(if (apm::enabled()) n = step(n);)
    APM_IF_ENABLED(n = step(n + 1);)
    return step(n) + 11;
}
