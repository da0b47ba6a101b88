// Traces while a thread ends: from thread_locals made before and after its first span, and from the destructors of other
// pthread keys, which run in several rounds, before and after ours. Nothing is lost, and threads do not cost a ring each.
#include <memory>
#include <thread>

#include <pthread.h>

#include "span_scar.hpp"

using scar::traced;

static pthread_key_t early_key, late_key;

struct leaving {
    unsigned n = 0;
    ~leaving() {
        const auto s = traced.step.scope({.n = n, .text = "leaving"});
        s.event("left");
    }
};
static thread_local leaving made_before, made_after;
static thread_local std::unique_ptr<decltype(traced.step.scope({.n = 1}))> held;

// Sets itself again in the first two rounds: pthreads run at least four.
static void trace_in_a_destructor(void* rounds) {
    { const auto s = traced.step.scope({.n = 1, .text = "destructor"}); }
    const auto left = reinterpret_cast<std::uintptr_t>(rounds) - 1;
    if (left > 0) pthread_setspecific(early_key, reinterpret_cast<void*>(left));
}
static void trace_once(void*) { const auto s = traced.step.scope({.n = 1}); }

int main() {
    pthread_key_create(&early_key, trace_in_a_destructor);
    { const auto s = traced.step.scope({.n = 1}); }  // our own key comes between the two
    pthread_key_create(&late_key, trace_once);
    constexpr unsigned threads = 300;
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < threads; ++i) {
        std::thread([] {
            made_before.n = 10;
            pthread_setspecific(early_key, reinterpret_cast<void*>(2));
            held = std::make_unique<decltype(traced.step.scope({.n = 1}))>(traced.step.scope({.n = 1000}));
            pthread_setspecific(late_key, &late_key);
            made_after.n = 100;
        }).join();
        scar::drain([&](const apm::span_view& s) { sum += scar::number_of(s); });
    }
    scar::require(sum == 1 + threads * (1000 + 10 + 100 + 2 + 1), "all was traced", sum);
    scar::require_conserved();
    const std::uint64_t rings = apm::detail::process_root().ring_held.load() / apm::detail::ring::default_bytes;
    scar::require(rings <= 2, "one ring for main, one for all other threads", rings);
}
