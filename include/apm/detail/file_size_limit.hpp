// The limit of a file's size that the process has (RLIMIT_FSIZE, ulimit -f).
#pragma once

#include <cstdint>

#include <sys/resource.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// Whether a file may become that large. A write beyond the limit would not only fail but send SIGXFSZ, which ends a program that
// is not prepared. Any thread.
inline bool may_grow_to(std::uint64_t size) {
    struct rlimit most {};
    return getrlimit(RLIMIT_FSIZE, &most) != 0 || most.rlim_cur == RLIM_INFINITY || size <= most.rlim_cur;
}

}  // namespace apm::inline APM_ABI::detail
