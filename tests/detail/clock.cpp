#include <apm/detail/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace apm::detail;
using namespace std::chrono_literals;

std::uint64_t bits_of(double x) { return __builtin_bit_cast(std::uint64_t, x); }

}  // namespace

TEST_CASE("ticks never go back, on one thread and from one thread to another") {
    root process{};
    process.clock.store(GENERATE(undecided, monotonic));
    start_clock(process);
    cell latest{};
    in_threads(4, [&](std::size_t) {
        bool back = false;
        for (std::size_t i = 0; i < repeat(200'000); ++i) {
            const std::uint64_t before = latest.load_acquire(), now = ticks(process);
            // Reading a counter is not ordered, and those of two CPUs of a virtual machine may be off by some tenths of a us.
            back = back || static_cast<std::int64_t>(now - before) < -10'000;
            latest.store_release(now);
        }
        if (back) std::abort();
    });
    SUCCEED();
}

TEST_CASE("a clock is started once, by the first thread that needs it") {
    root process{};
    in_threads(8, [&](std::size_t) {
        start_clock(process);
        if (process.clock.load() == undecided || process.ns_per_tick.load_double() <= 0) std::abort();
    });
    const std::uint64_t first = process.first_ticks.load();
    start_clock(process);
    CHECK(process.first_ticks.load() == first);
    CHECK(process.clock.load() == (counter_is_trusted() ? counter_register : monotonic));
}

TEST_CASE("elapsed time is right to some tenths of a percent from the start, and ever more exact") {
    root process{};
    process.clock.store(GENERATE(undecided, monotonic));
    start_clock(process);
    const auto error = [&](std::chrono::nanoseconds length) {
        double best = 1;  // of a few: the thread may be put aside
        for (int i = 0; i < 20; ++i) {
            const instant from = read_both(process, monotonic_ns);
            std::this_thread::sleep_for(length);
            const instant to = read_both(process, monotonic_ns);
            const auto passed = static_cast<double>(to.ns - from.ns);
            best = std::min(best, std::abs(static_cast<double>(elapsed_ns(process, from.ticks, to.ticks)) - passed) / passed);
        }
        return best;
    };
    CHECK(error(100us) < 0.005);
    CHECK(error(5ms) < 1e-4);
    CHECK(error(20ms) < 2e-5);
    CHECK(elapsed_ns(process, 1000, 1000) == 0);
    CHECK(elapsed_ns(process, 2000, 1000) == 0);
}

TEST_CASE("what a tick is worth is measured over twice the time, each time") {
    root process{};
    start_clock(process);
    if (process.clock.load() != counter_register) return;
    int refined = 0;
    const std::uint64_t begin = monotonic_ns();
    std::uint64_t passed = 0;
    while (passed < 50'000'000 || (refined < 5 && passed < 60'000'000'000)) {
        const std::uint64_t at = process.refine_at.load(), now = ticks(process);
        elapsed_ns(process, now - 1000, now);
        refined += process.refine_at.load() != at;
        passed = monotonic_ns() - begin;
    }
    CHECK(refined >= 5);
    CHECK(refined <= std::log2(static_cast<double>(passed) / 20'000) + 3);  // 14 from 20 us to 50 ms
}

TEST_CASE("a clock that a machine's sleep led astray is measured anew") {
    root process{};
    start_clock(process);
    if (process.clock.load() != counter_register) return;
    std::this_thread::sleep_for(5ms);
    refine_clock(process);
    const double rate = process.ns_per_tick.load_double();
    // The one clock slept for an hour, the other did not; or the counter began anew.
    SECTION("nanoseconds are missing") { process.first_ns.store(process.first_ns.load() + 3'600'000'000'000); }
    SECTION("ticks are missing") { process.first_ns.store(process.first_ns.load() - 3'600'000'000'000); }
    SECTION("the counter began anew") { process.first_ticks.store(ticks(process) + 1'000'000'000); }
    refine_clock(process);
    CHECK(process.ns_per_tick.load_double() == Approx(rate).epsilon(0.01));
    std::this_thread::sleep_for(5ms);
    refine_clock(process);
    CHECK(process.ns_per_tick.load_double() == Approx(rate).epsilon(1e-4));
}

TEST_CASE("a rate that was measured wrongly is mended when it is refined") {
    root process{};
    start_clock(process);
    if (process.clock.load() != counter_register) return;
    const double rate = process.ns_per_tick.load_double();
    process.ns_per_tick.store(bits_of(rate * 30));
    std::this_thread::sleep_for(5ms);
    refine_clock(process);
    CHECK(process.ns_per_tick.load_double() == Approx(rate).epsilon(0.02));
}

TEST_CASE("a clock that was chosen beforehand counts nanoseconds") {
    root process{};
    process.clock.store(monotonic);
    start_clock(process);
    const std::uint64_t from = ticks(process);
    std::this_thread::sleep_for(2ms);
    CHECK(elapsed_ns(process, from, ticks(process)) >= 2'000'000);
    process.clock.store(manual);
    process.manual_ticks.store(17);
    CHECK(ticks(process) == 17);
    CHECK(elapsed_ns(process, 17, 40) == 23);
}

TEST_CASE("two clocks are read at one moment, by the narrowest of a few tries") {
    root process{};
    start_clock(process);
    static int calls;
    bool narrow = false;
    for (int times = 0; times < 20 && !narrow; ++times) {  // the thread may be put aside in that one, too
        calls = 0;
        const instant i = read_both(process, [] {
            if (++calls != 3) std::this_thread::sleep_for(1ms);
            return static_cast<std::uint64_t>(calls);
        });
        narrow = i.ns == 3 && static_cast<double>(i.uncertain) * process.ns_per_tick.load_double() < 900'000;
    }
    CHECK(narrow);
}
