// Random numbers for identifiers: unique and evenly spread, not secret.
#pragma once

#include <cstdint>

#include <sys/random.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// Where to begin: from the kernel, so that no two threads, processes or machines begin alike.
APM_COLD inline std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed) return seed;
    // Before the kernel has any entropy, early at boot: what differs between threads and moments.
    return mix(monotonic_ns() ^ realtime_ns() << 20, static_cast<std::uint64_t>(gettid()) * 0x9e3779b97f4a7c15u);
}

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). A permutation of its
// counter: one thread meets no number twice. Zero, which means "none" where they are identifiers, never comes.
APM_INLINE std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return z ? z : 1;
}

}  // namespace apm::inline APM_ABI::detail
