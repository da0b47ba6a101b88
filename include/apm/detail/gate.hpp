// The gate: one word that is 0 while everything is recorded as usual, so that whatever records tests it once.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// Bits of root::gate.
struct gate {
    static constexpr std::uint64_t muted = 1;          // nothing is written: one of the two below says so
    static constexpr std::uint64_t asks_children = 2;  // the sampler is asked of everything that begins, with a parent or without
    static constexpr std::uint64_t level = 0xff00;     // not 0: what is of this level, or above, is not written
    // Two say why nothing is written, and neither takes back what the other said.
    static constexpr std::uint64_t muted_by_runtime = 1u << 16, muted_by_control = 1u << 17;

    static constexpr int every_level = 255;
    static constexpr int level_shift = 8;

    // The bits of `level` that let everything pass up to `highest`, from 0 to every_level.
    static constexpr std::uint64_t up_to(int highest) {
        return highest >= every_level ? 0 : static_cast<std::uint64_t>(highest + 1) << level_shift;
    }
    static constexpr int highest_level(std::uint64_t bits) {
        return bits & level ? static_cast<int>((bits & level) >> level_shift) - 1 : every_level;
    }
    APM_INLINE static constexpr bool stops(std::uint64_t bits, std::uint8_t its_level) {
        return bits & muted || (bits & level && its_level >= (bits & level) >> level_shift);
    }
};

inline void set_gate(root& r, std::uint64_t mask, std::uint64_t bits) {
    std::uint64_t* const word = &r.gate.bits;
    std::uint64_t before = r.gate.load();
    while (!__atomic_compare_exchange_n(word, &before, (before & ~mask) | bits, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {}
}

// `by` is one of muted_by_runtime and muted_by_control.
inline void mute(std::uint64_t by, bool on) {
    constexpr std::uint64_t reasons = gate::muted_by_runtime | gate::muted_by_control;
    std::uint64_t* const word = &process_root().gate.bits;
    std::uint64_t before = __atomic_load_n(word, __ATOMIC_RELAXED), after;
    do {
        after = on ? before | by : before & ~by;
        after = after & reasons ? after | gate::muted : after & ~gate::muted;
    } while (!__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

}  // namespace apm::inline APM_ABI::detail
