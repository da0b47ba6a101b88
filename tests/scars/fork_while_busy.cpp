// Forks while threads record, register and collect. The child counts from zero, alone, can do all its parent could, and waits
// for nothing; so does its own child.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>


#include "scar.hpp"

using scar::telemetry;
using namespace std::chrono_literals;

static void live(const char* who) {
    alarm(120);  // a child that hangs dies of it, which its parent sees
    REQUIRE_SUM(telemetry.events, 0u);
    REQUIRE_SUM(telemetry.cities, 0u);
    REQUIRE_SUM(telemetry.sizes, 0u);
    telemetry.events.add(1);
    telemetry.cities.add(1, {.city = "1"});
    telemetry.sizes.record(1, {.city = who});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            for (int n = 0; n < 100; ++n) telemetry.events.add(1), telemetry.cities.add(1, {.city = std::to_string(n % 7)});
        });
    for (std::thread& t : threads) t.join();
    {
        const auto registration = telemetry.plain.observe([] { return 7; });
        apm::collect();
    }
    REQUIRE_SUM(telemetry.events, 401u);
    REQUIRE_SUM(telemetry.cities, 401u);
    REQUIRE_SUM(telemetry.sizes, 1u);
}

static void live_in_the_child() {
    live("the child");
    const pid_t grandchild = fork();
    if (grandchild == 0) live("the child's child"), _exit(0);
    scar::wait_for(grandchild, "the child's child");
    REQUIRE_SUM(telemetry.events, 401u);
    _exit(0);
}

int main() {
    scar::keep_quiet();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> recorded{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            std::uint64_t n = 0;
            for (; !done; ++n) {
                telemetry.events.add(1);
                telemetry.cities.add(1, {.city = std::to_string(n % 3000)});  // beyond the limit, too
                telemetry.sizes.record(n % 40, {.city = std::to_string(n % 100)});
            }
            recorded += n;
        });
    threads.emplace_back([&] {
        while (!done) apm::collect();
    });
    threads.emplace_back([&] {
        while (!done) const auto registration = telemetry.plain.observe([] { return 1; });
    });
    std::this_thread::sleep_for(20ms);
    for (int round = 0; round < 40; ++round) {
        const pid_t child = fork();
        if (child == 0) live_in_the_child();
        scar::wait_for(child, "the child");
        std::this_thread::sleep_for(1ms);
    }
    done = true;
    for (std::thread& t : threads) t.join();
    REQUIRE_SUM(telemetry.events, recorded.load());
    REQUIRE_SUM(telemetry.cities, recorded.load());
    REQUIRE_SUM(telemetry.sizes, recorded.load());
}
