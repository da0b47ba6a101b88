// SIGPIPE, which a write to a closed connection causes, and which would end the program.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include <signal.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// A SIGPIPE that a call causes in this thread does not reach the program.
class without_sigpipe {
public:
    without_sigpipe() {
        sigset_t pending;
        sigemptyset(&only_);
        sigaddset(&only_, SIGPIPE);
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &only_, &before_);
    }
    without_sigpipe(const without_sigpipe&) = delete;
    without_sigpipe& operator=(const without_sigpipe&) = delete;
    ~without_sigpipe() {
        constexpr timespec at_once{};
        while (!was_pending_ && sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {}
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t only_, before_;
    bool was_pending_;
};

}  // namespace apm::inline APM_ABI::detail
