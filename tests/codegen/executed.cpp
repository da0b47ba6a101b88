// What is executed, counted by callgrind; see executed.py. `EXECUTED(clang, gcc)`: a call takes at most so many instructions once
// it is warm, its return included, and none of them is locked. It calls none but those in `CALLS(...)`, functions
// that all sites share. `BYTES(n)`: the site is so long at most, its cold side included. The limits leave some room for another
// version of a compiler. (What is passed is known at run time only: executed_main.cpp is another file.)
#include <stdlib.h>

#include "schema.hpp"

using codegen::telemetry, codegen::Method, codegen::Outcome;

extern "C" {

// EXECUTED(1, 1) BYTES(4): its return
void nothing() {}

// EXECUTED(8, 9) BYTES(48)
void counter_constant_labels() { telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::declined}); }

// EXECUTED(20, 23) BYTES(110)
void counter_labels(Method m, Outcome o) { telemetry.orders.add(1, {.method = m, .outcome = o}); }

// EXECUTED(180, 150) CALLS(own_cells_of_key, holds) BYTES(280): the look-up
void counter_text(const char* route, std::size_t size) {
    telemetry.requests.add(1, {.status = 200, .route = codegen::view{route, size}});
}

// EXECUTED(11, 12) BYTES(80)
void updown(int n) { telemetry.active.add(n); }

// EXECUTED(12, 12) BYTES(90)
void gauge(int n) { telemetry.depth.set(n); }

// EXECUTED(60, 60) BYTES(220)
void histogram(std::chrono::nanoseconds d) { telemetry.duration.record(d, {.method = Method::card, .outcome = Outcome::ok}); }

// EXECUTED(150, 150) CALLS(series_of, timer) BYTES(200): the clock is read twice
void timer() { APM_TIME(telemetry.duration, {.method = Method::card, .outcome = Outcome::ok}); }

// EXECUTED(280, 285) CALLS(begin_here, end) BYTES(90): the clock is read twice, all that is known of the span goes into the ring
void span() { TRACE_SCOPE(telemetry.step); }

// EXECUTED(600, 500) CALLS(begin_here, end, set_all, apply, strlen) BYTES(200)
void span_attributes(int n, const char* route) { TRACE_SCOPE(telemetry.call, {.visitor = n, .share = 0.5, .route = route}); }

// EXECUTED(750, 700) CALLS(begin_here, end, add_event, attribute, measure, strlen, memcpy) BYTES(600): a third read of the clock
void span_event(int n) {
    TRACE_SCOPE(telemetry.step);
    apm::current_span().event("stepped", {{"n", n}});
}

// EXECUTED(58, 56) CALLS(begin_here) BYTES(90)
void span_unsampled() { TRACE_SCOPE(telemetry.detail); }

// EXECUTED(22, 24) BYTES(200): its attributes are not evaluated
void span_switched_off(int n, const char* route) { TRACE_SCOPE(telemetry.call, {.visitor = n, .share = 0.25, .route = route}); }

#ifdef SELF_TEST
int shared_word;
// EXECUTED(9, 9) BYTES(40): WRONG(executes lock)
void locked() { __atomic_fetch_add(&shared_word, 1, __ATOMIC_SEQ_CST); }
// EXECUTED(9, 9) BYTES(40): WRONG(executes xchg)
void exchanged() { __atomic_exchange_n(&shared_word, 1, __ATOMIC_SEQ_CST); }
// EXECUTED(99, 99) BYTES(40): WRONG(calls rand)
void calling() { shared_word = rand(); }
// EXECUTED(3, 3) BYTES(99): WRONG(instructions, at most 3)
void too_long() { telemetry.ticks.add(1); }
// EXECUTED(9, 9) BYTES(3): WRONG(bytes, at most 3)
void too_large() { telemetry.ticks.add(1); }
#endif

}  // extern "C"
