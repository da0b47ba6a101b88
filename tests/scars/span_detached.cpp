// Detached threads trace and drain while the process exits around them.
// REPEAT 40
#include <atomic>
#include <chrono>
#include <thread>

#include "span_scar.hpp"

using scar::traced;

static std::atomic<int> running{0};

static const struct late {
    ~late() {
        { const auto s = traced.step.scope({.n = 1}); }
        apm::drain_spans();
    }
} destroyed_meanwhile;

int main() {
    scar::keep_quiet();
    for (int i = 0; i < 4; ++i)
        std::thread([i] {
            ++running;
            for (std::uint64_t n = 0;; ++n) {
                const auto outer = traced.step.scope({.n = n, .text = "outer"});
                const auto inner = traced.plain.scope();
                inner.event("in it", {{"n", n}});
                if (i == 0) apm::drain_spans();
            }
        }).detach();
    while (running < 4) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}
