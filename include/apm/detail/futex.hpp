// The kernel's futex: a thread sleeps on a word until another thread, which changed the word, wakes it.
#pragma once

#include <cstdint>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>

namespace apm::inline APM_ABI::detail {

// Within one process; the word is the low half of the cell.
inline void futex_wake_one(cell& word) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

// Sleeps while the word is `seen`, at most so long. As futex(2): 0, or -1 and errno.
inline long futex_wait(const cell& word, std::uint32_t seen, const timespec& at_most) {
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, &at_most, nullptr, 0);
}

}  // namespace apm::inline APM_ABI::detail
