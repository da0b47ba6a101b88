// A clock that stands still, so that a test knows how long its spans took.
//
//     apm::testing::manual_clock clock;
//     apm::testing::span_probe probe;      // after the clock, so that it is gone before
//     check_out(basket, [&] { clock.advance(20ms); });
//     REQUIRE(probe.find("pay")->duration == 20'000'000);
#pragma once

#include <chrono>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::testing {

// While it lives, all spans of the process, and the histograms of those that are `measured`, take their time from it; the timers
// of histograms (time(), APM_TIME) do not. Any thread may advance it. Construct it while no span is under way, and look at
// spans while it lives: the times of a span that began or ended, or is looked at, under another clock mean nothing.
// Of several, the one that was constructed last counts, and goes first.
class manual_clock {
public:
    // The time of day at which it stands: nanoseconds since the epoch.
    explicit manual_clock(std::uint64_t now = 1'000'000'000'000'000'000) : process_(detail::process_root()) {
        detail::start_clock(process_);
        before_ = {process_.clock.load(), process_.ns_per_tick.load(), process_.refine_at.load(), process_.manual_ticks.load()};
        set({detail::manual, __builtin_bit_cast(std::uint64_t, 1.0), ~std::uint64_t{0}, now});
    }
    manual_clock(const manual_clock&) = delete;
    manual_clock& operator=(const manual_clock&) = delete;
    ~manual_clock() { set(before_); }

    // Time does not go back: a negative step is none.
    void advance(std::chrono::nanoseconds by) {
        if (by.count() > 0) process_.manual_ticks.add_shared(static_cast<std::uint64_t>(by.count()));
    }
    // Nanoseconds since the epoch.
    [[nodiscard]] std::uint64_t now() const { return process_.manual_ticks.load(); }

private:
    struct settings {
        std::uint64_t clock, ns_per_tick, refine_at, manual_ticks;
    };
    void set(const settings& to) {
        process_.manual_ticks.store(to.manual_ticks);
        process_.ns_per_tick.store(to.ns_per_tick);
        process_.refine_at.store(to.refine_at);
        process_.clock.store_release(to.clock);
    }
    detail::root& process_;
    settings before_{};
};

}  // namespace apm::inline APM_ABI::testing
