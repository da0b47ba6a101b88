// A file descriptor that is closed by its owner. Moved, not copied.
#pragma once

#include <utility>

#include <unistd.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

class file_descriptor {
public:
    explicit file_descriptor(int fd = -1) : fd_(fd) {}
    file_descriptor(file_descriptor&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
    file_descriptor& operator=(file_descriptor&& from) noexcept { return std::swap(fd_, from.fd_), *this; }
    ~file_descriptor() { reset(); }
    void reset() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    // The caller closes it.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

}  // namespace apm::inline APM_ABI::detail
