// Another thread than main's calls exit() while the rest records.
// REPEAT 10
#include <chrono>
#include <thread>
#include <vector>

#include "scar.hpp"

using scar::telemetry;

[[gnu::constructor(101)]] static void arrange() {
    std::atexit([] {
        scar::require(scar::sum_of(telemetry.events) >= 1000, "what was recorded before exit() is there");
        scar::succeed();
    });
}

int main() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([i] {
            for (unsigned n = 0;; ++n) {
                telemetry.events.add(1);
                if (i == 0 && n == 1000) std::exit(scar::too_early);
            }
        });
    for (std::thread& t : threads) t.join();
    return scar::too_early;
}
