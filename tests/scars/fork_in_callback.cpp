// A callback forks in the middle of a collection; both processes go on with it. Another thread's callback that ran when the
// process forked can be ended in the child, where that thread is missing.
#include <atomic>
#include <chrono>
#include <thread>


#include "scar.hpp"

using scar::telemetry;
using namespace std::chrono_literals;

int main() {
    alarm(240);
    telemetry.events.add(5);
    pid_t child = -1;
    {
        const auto registration = telemetry.plain.observe([&] {
            if (child == -1) child = fork();
            return 1;
        });
        const std::uint64_t sum = scar::sum_of(telemetry.events);  // the child comes out of this call, too
        scar::require(sum == (child == 0 ? 0u : 5u), "events", sum);
    }
    telemetry.events.add(1);
    REQUIRE_SUM(telemetry.events, child == 0 ? 1u : 6u);
    if (child == 0) _exit(0);
    scar::wait_for(child, "the child of a callback");

    // The callback waits until the fork is over; only the parent's thread ever leaves it.
    std::atomic<bool> in_callback{false}, forked{false};
    auto slow = [&] {
        in_callback = true;
        const auto until = std::chrono::steady_clock::now() + 50ms;
        while (!forked && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        return 1;
    };
    using registration = decltype(telemetry.plain.observe(slow));
    struct holder { registration at; };
    auto* held = new holder{telemetry.plain.observe(slow)};
    std::thread collecting([] { apm::collect(); });
    while (!in_callback) std::this_thread::yield();
    child = fork();  // waits for the collection to end, which the callback's own deadline sees to
    forked = true;
    if (child == 0) {
        alarm(120);
        delete held;
        apm::collect();
        _exit(0);
    }
    scar::wait_for(child, "the child of a busy parent");
    collecting.join();
    delete held;
}
