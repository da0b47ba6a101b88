#pragma once
// How long tests wait. What must happen is waited for until it has happened: the limit only ends a hang, and a machine that has
// much else to do does not reach it. So no test says how much gets done in a time. Where a limit of time is itself the subject,
// one of several attempts has to keep it: a machine may be late by chance, but not each time.
#include <algorithm>
#include <chrono>
#include <thread>

constexpr std::chrono::seconds patience{60};

// Whether f() comes to be true.
template <class F>
bool soon(F&& f) {
    for (const auto end = std::chrono::steady_clock::now() + patience;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
        if (f()) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
    }
}

template <class F>
std::chrono::nanoseconds time_of(F&& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    return std::chrono::steady_clock::now() - begin;
}

// The least of what f() returns, a time: that of the first attempt that is within the limit, or else of many.
template <class F>
std::chrono::nanoseconds least(std::chrono::nanoseconds limit, F&& f) {
    std::chrono::nanoseconds least = std::chrono::nanoseconds::max();
    for (int i = 0; i < 20 && least >= limit; ++i) least = std::min<std::chrono::nanoseconds>(least, f());
    return least;
}
