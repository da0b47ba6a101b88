// Traces from static destructors, atexit handlers and the main thread's thread_locals, after main, within a span that a static
// object holds open.
#include <optional>

#include "span_scar.hpp"

using scar::traced;

static std::uint64_t sum = 0, outer = 0;

static void last_check() {
    scar::drain([](const apm::span_view& s) {
        sum += scar::number_of(s);
        if (scar::number_of(s) == 100) scar::require(s.id() == outer, "the span that was open at the end of main");
    });
    scar::require(sum == 100 + 10 + 10 + 1 + 1000, "all was traced", sum);
    scar::require_conserved();
    scar::succeed();
}
// Registered first, so that it runs last.
[[gnu::constructor(101)]] static void arrange() { std::atexit(last_check); }

struct leaving {
    unsigned n;
    ~leaving() {
        { const auto s = traced.step.scope({.n = n, .text = "leaving"}); }
        scar::drain([](const apm::span_view& s) { sum += scar::number_of(s); });
    }
};
static leaving constructed_before_the_first_span{10};
static thread_local leaving of_this_thread{1000};
static std::optional<decltype(traced.step.scope({.n = 1}))> held;

static leaving& made_when_asked() {
    static leaving late{10};
    return late;
}

int main() {
    held.emplace(traced.step.scope({.n = 100}));
    outer = held->context().span;
    static_cast<void>(&of_this_thread);
    of_this_thread.n = 1000;
    made_when_asked();
    std::atexit([] { const auto s = traced.step.scope({.n = 1, .text = "atexit"}); });
    return scar::too_early;
}
