// Detached threads record and collect while the process exits around them.
// REPEAT 40
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "scar.hpp"

using scar::telemetry;

static std::atomic<int> running{0};

static const struct late {
    ~late() {
        telemetry.events.add(1);
        apm::collect();
    }
} destroyed_meanwhile;

int main() {
    scar::keep_quiet();
    for (int i = 0; i < 4; ++i)
        std::thread([i] {
            ++running;
            for (unsigned n = 0;; ++n) {
                telemetry.events.add(1);
                const char city[] = {static_cast<char>('a' + n % 26), static_cast<char>('a' + n / 26 % 26), '\0'};
                telemetry.sizes.record(n % 40, {.city = city});
                if (i == 0) apm::collect();
            }
        }).detach();
    while (running < 4) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}
