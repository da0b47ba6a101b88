// The process has no pthread key left when it first traces: spans are dropped, and counted, whatever thread ends them. Keys that come back
// are used.
// NOT-UNDER address,thread their runtimes use keys of their own
#include <thread>
#include <vector>

#include "span_scar.hpp"

using scar::traced;

static void trace(unsigned n) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([n] {
            for (unsigned k = 0; k < n; ++k) {
                const auto outer = traced.step.scope({.n = k, .text = "no keys"});
                const auto inner = traced.plain.scope();
                inner.event("in it");
                scar::require(outer.recording() == apm::context::current().valid(), "recording, where there is something");
            }
        });
    for (std::thread& t : threads) t.join();
}

int main() {
    scar::keep_quiet();
    const pthread_key_t last = scar::take_all_keys();
    trace(200);
    apm::span_totals t = apm::count_spans();
    scar::require(t.started == 3200 && t.dropped_memory == 3200, "each was counted", t.dropped_memory);
    scar::require(scar::drain() == 0, "nothing was kept");
    pthread_key_delete(last);
    trace(20);
    scar::require(scar::drain() == 320, "with a key, all are kept");
    t = apm::count_spans();
    scar::require(t.started == 3520 && t.dropped_memory == 3200, "and counted", t.started);
    scar::require_conserved();
}
