// Hot paths, read from object code. `HOT(clang, gcc)`: at most so many instructions up to and including the first return,
// with no call and no locked instruction among them; what lies behind a jump out of it is the cold side.
#include "schema.hpp"

using codegen::telemetry, codegen::Method, codegen::Outcome;

// HOT(7, 9): a thread-local load, a test, a jump, an increment, ret; gcc loads the offset and adds in three.
extern "C" void constant_labels() { telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::declined}); }

// HOT(7, 9)
extern "C" void no_labels() { telemetry.ticks.add(1); }

// HOT(11, 14): a bound check per label on top
extern "C" void one_label_of_run_time(Method m) { telemetry.orders.add(1, {.method = m, .outcome = Outcome::ok}); }

// HOT(9, 10)
extern "C" void subtract(int n) { telemetry.active.sub(n); }

// HOT(10, 10)
extern "C" void set_gauge(int n) { telemetry.depth.set(n); }

// HOT(34, 45): four or five steps of the search for 14 bounds, two additions
extern "C" void record_duration(std::chrono::nanoseconds d) {
    telemetry.duration.record(d, {.method = Method::card, .outcome = Outcome::ok});
}

#ifdef SELF_TEST
// HOT(9, 9): has a lock and a call, and must be refused for both.
extern "C" int other();
extern "C" int wrong(int* p) { return __atomic_fetch_add(p, other(), __ATOMIC_RELAXED); }
#endif
