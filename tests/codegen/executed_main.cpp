// Calls each function of executed.cpp, and has callgrind write down what 100 warm calls took.
#include <chrono>
#include <cstddef>

#include <valgrind/callgrind.h>

#include <apm/spans.hpp>

#include "schema.hpp"

using codegen::Method, codegen::Outcome;

extern "C" {
void nothing();
void counter_constant_labels();
void counter_labels(Method, Outcome);
void counter_text(const char* route, std::size_t size);
void updown(int n);
void gauge(int n);
void histogram(std::chrono::nanoseconds);
void timer();
void span();
void span_attributes(int n, const char* route);
void span_event(int n);
void span_unsampled();
void span_switched_off(int n, const char* route);
#ifdef SELF_TEST
void locked(), exchanged(), calling(), too_long(), too_large();
#endif
}

#define COUNT(name, ...)                                   \
    do {                                                   \
        for (int i = 0; i < 100; ++i) name(__VA_ARGS__);   \
        apm::drain_spans();                                \
        CALLGRIND_ZERO_STATS;                              \
        for (int i = 0; i < 100; ++i) name(__VA_ARGS__);   \
        CALLGRIND_DUMP_STATS_AT(#name);                    \
    } while (false)

int main() {
    auto& process = apm::detail::process_root();
    apm::detail::measure_rate(process);  // valgrind's processor has a time stamp counter, and does not say so
    process.clock.store(apm::detail::counter_register);
    process.refine_at.store(~std::uint64_t{0});
#ifdef SELF_TEST
    COUNT(locked);
    COUNT(exchanged);
    COUNT(calling);
    COUNT(too_long);
    COUNT(too_large);
#endif
    COUNT(nothing);
    COUNT(counter_constant_labels);
    COUNT(counter_labels, Method::card, Outcome::ok);
    COUNT(counter_text, "/product/{name}", 15);
    COUNT(updown, 3);
    COUNT(gauge, 3);
    COUNT(histogram, std::chrono::milliseconds(30));
    COUNT(timer);
    const auto request = codegen::telemetry.step.scope();  // the spans have a parent
    COUNT(span);
    COUNT(span_attributes, 3, "/product/{name}");
    COUNT(span_event, 3);
    {
        const auto attached = apm::attach({.trace = {1, 2}, .span = 3, .sampled = false});
        COUNT(span_unsampled);
    }
    process.gate.store(1);
    COUNT(span_switched_off, 3, "/product/{name}");
}
