// Opens the files that the library writes.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// open(2)'s result; made where it is not there. A link at the end of the path is not followed (ELOOP): in a directory that others
// write, it leads to where they want it. The directories before it are the program's choice, and may be links. A pipe without a
// reader is not waited for.
inline int open_to_write(int directory, const char* path, int flags, mode_t mode) {
    return openat(directory, path, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
}

}  // namespace apm::inline APM_ABI::detail
