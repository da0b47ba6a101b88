// Hot paths, read from object code; see run.py. `HOT(clang, gcc)`: there is a way from the entry to the return that records
// and takes at most so many instructions, none of them locked and, unless `CALLS(n)` says otherwise, none of them a call.
// The limits leave room for another version of a compiler: one or two instructions, a fifth where there are many.
#include "schema.hpp"

using codegen::telemetry, codegen::Method, codegen::Outcome;
template <class Row>
using handle = apm::handle<Row, apm::mode::on>;

// Rows that keep exemplars: outside of a span they look whether there is one, and that is all.
struct Kept : apm::schema<Kept> {
    static constexpr apm::scope scope{.name = "codegen.kept"};
    counter<codegen::Order>            orders  {this, "codegen.kept.orders", "Orders placed", {.exemplars = true}};
    histogram<codegen::Order, apm::seconds, apm::latency_buckets>
                                       duration{this, "codegen.kept.duration", "Time to check out", {.exemplars = true}};
};
constexpr auto& kept = apm::instruments<Kept>;

extern "C" {

// HOT(6, 7): the thread's block, is there one, add, return. gcc loads the offset of the thread-local apart.
void constant_labels() { telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::declined}); }

// HOT(6, 7)
void no_labels() { telemetry.ticks.add(1); }

// HOT(13, 15): per label a comparison with its last value
void one_label_of_run_time(Method m) { telemetry.orders.add(1, {.method = m, .outcome = Outcome::ok}); }

// HOT(17, 20)
void two_labels_of_run_time(Method m, Outcome o) { telemetry.orders.add(1, {.method = m, .outcome = o}); }

// HOT(18, 18): neither negative, nor infinite, nor not a number
void add_money(double d) { telemetry.revenue.add(d); }

// HOT(10, 10): the least integer stands for what none is
void subtract(int n) { telemetry.active.sub(n); }

// HOT(10, 10): the store, is there one, its shared words, set, return
void set_gauge(int n) { telemetry.depth.set(n); }

// HOT(40, 45): two steps of the search for 14 bounds, three comparisons each; two additions
void record_duration(std::chrono::nanoseconds d) {
    telemetry.duration.record(d, {.method = Method::card, .outcome = Outcome::ok});
}

// HOT(13, 13): is it dense, its cell
void add_to_bound(const handle<decltype(codegen::Schema::orders)>& series) { series.add(1); }

// HOT(17, 15): its chunk, its cell
void add_to_bound_text(const handle<decltype(codegen::Schema::requests)>& series) { series.add(1); }

// HOT(30, 30) CALLS(1): the look-up
void add_text(const char* route, std::size_t size) { telemetry.requests.add(1, {.status = 200, .route = codegen::view{route, size}}); }

// HOT(15, 17): is there a current span; then as any other
void constant_labels_kept() { kept.orders.add(1, {.method = Method::card, .outcome = Outcome::declined}); }

// HOT(52, 56)
void record_duration_kept(std::chrono::nanoseconds d) {
    kept.duration.record(d, {.method = Method::card, .outcome = Outcome::ok});
}

#ifdef SELF_TEST
int other();
// HOT(9, 9): WRONG(lock)
int locked(int* p) { return __atomic_fetch_add(p, 1, __ATOMIC_RELAXED); }
// HOT(9, 9): WRONG(lock) an exchange locks without saying so
int exchanged(int* p) { return __atomic_exchange_n(p, 1, __ATOMIC_RELAXED); }
// HOT(9, 9): WRONG(call)
int called() { return other() + 1; }
// HOT(9, 9): WRONG(call) at its end, as a jump
int called_last() { return other(); }
// HOT(2, 2): WRONG(instructions)
void too_long() { telemetry.ticks.add(1); }
// HOT(34, 34) CALLS(1): WRONG(call)
void called_twice() { other(), other(); }
#endif

}  // extern "C"
