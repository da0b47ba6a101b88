// Ticks: the cheapest monotonic clock there is, and what one is worth.
//
// On x86-64 the time stamp counter, where the CPU says that it is invariant and the kernel itself keeps time by it; else
// CLOCK_MONOTONIC in nanoseconds. Reading it is not ordered with the code around it: by a few nanoseconds.
#pragma once

#include <cstdint>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// What root::clock says. `manual` is a test's: time stands still until the test moves root::manual_ticks.
enum clock_source : std::uint64_t { undecided, counter_register, monotonic, manual };

inline std::uint64_t read_register() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return monotonic_ns();
#endif
}

APM_COLD inline std::uint64_t ticks_otherwise(root& r) {
    return r.clock.load() == manual ? r.manual_ticks.load() : monotonic_ns();
}
// Only after start_clock().
APM_INLINE std::uint64_t ticks(root& r) {
    if (r.clock.load() == counter_register) [[likely]] return read_register();
    return ticks_otherwise(r);
}

// Two clocks read at one moment, give or take what `uncertain` says (in ticks).
struct instant {
    std::uint64_t ticks, ns, uncertain;
};
// The narrowest of a few tries: between the two reads of one the thread may have been put aside.
template <class Ticks>
instant read_both(Ticks&& ticks, std::uint64_t (*other)()) {
    instant best{0, 0, ~std::uint64_t{0}};
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t before = ticks(), ns = other(), after = ticks();
        if (after - before < best.uncertain) best = {before + (after - before) / 2, ns, after - before};
    }
    return best;
}
inline instant read_both(root& r, std::uint64_t (*other)()) {
    return read_both([&r] { return ticks(r); }, other);
}

inline bool counter_is_trusted() {
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(0x8000'0007, &a, &b, &c, &d) || !(d & 1u << 8)) return false;  // "invariant TSC": Intel SDM 18.17.1
    char source[4] = "";
    const int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool tsc = read(file, source, 4) == 4 && memcmp(source, "tsc\n", 4) == 0;
    close(file);
    return tsc;
#else
    return false;
#endif
}

inline void tell_rate(root& r, const instant& first, const instant& now) {
    const double rate = static_cast<double>(now.ns - first.ns) / static_cast<double>(now.ticks - first.ticks);
    r.ns_per_tick.store(__builtin_bit_cast(std::uint64_t, rate));
    r.refine_at.store(now.ticks + (now.ticks - first.ticks));
}
// Over 20 us: the rate is right to some tenths of a percent from the start.
APM_COLD inline void measure_rate(root& r) {
    const auto both = [] { return read_both(read_register, monotonic_ns); };
    const instant first = both();
    instant now = both();
    while (now.ns - first.ns < 20'000) now = both();
    r.first_ticks.store(first.ticks);
    r.first_ns.store(first.ns);
    tell_rate(r, first, now);
}

// Measures what a tick is worth, over all the time since the clock was started: ever more exactly, ever more seldom.
APM_COLD inline void refine_clock(root& r) {
    if (r.clock.load() != counter_register) {
        r.ns_per_tick.store(__builtin_bit_cast(std::uint64_t, 1.0));
        return r.refine_at.store(~std::uint64_t{0});
    }
    const instant now = read_both(r, monotonic_ns), first{r.first_ticks.load(), r.first_ns.load(), 0};
    const double passed = static_cast<double>(now.ticks - first.ticks) * r.ns_per_tick.load_double();
    const double error = passed - static_cast<double>(now.ns - first.ns);
    // The machine slept, while one of the two clocks went on: the time before says nothing.
    if (error > passed * 0.01 || error < passed * -0.01) return measure_rate(r);
    if (passed > 0) tell_rate(r, first, now);
}

// Decides which clock it is; once per process.
APM_COLD inline void start_clock(root& r) {
    if (r.clock.load_acquire() != undecided) return;
    const lock guard(r.registering);
    if (r.clock.load() != undecided) return;
    r.ns_per_tick.store(__builtin_bit_cast(std::uint64_t, 1.0));
    r.refine_at.store(~std::uint64_t{0});
    if (!counter_is_trusted()) return r.clock.store_release(monotonic);
    measure_rate(r);
    r.clock.store_release(counter_register);
}

// For a caller that may be the first one.
APM_COLD inline std::uint64_t first_ticks(root& r) {
    start_clock(r);
    return ticks(r);
}
APM_INLINE std::uint64_t ticks_from_the_start(root& r) {
    if (r.clock.load() == counter_register) [[likely]] return read_register();
    return first_ticks(r);
}

// How long from one tick to another, in nanoseconds; 0 where that is not after. `to` is about now.
APM_INLINE std::uint64_t elapsed_ns(root& r, std::uint64_t from, std::uint64_t to) {
    if (to > r.refine_at.load()) [[unlikely]] refine_clock(r);
    const auto passed = static_cast<std::int64_t>(to - from);
    return passed > 0 ? static_cast<std::uint64_t>(static_cast<double>(passed) * r.ns_per_tick.load_double()) : 0;
}

}  // namespace apm::inline APM_ABI::detail
