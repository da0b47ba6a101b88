// ctest: LABELS serial
#include <apm/detail/sigpipe.hpp>

#include <cerrno>

#include <signal.h>
#include <unistd.h>

#include "catch.hpp"

namespace {

volatile sig_atomic_t received = 0;

// With EPIPE, and SIGPIPE.
bool write_to_closed_pipe() {
    int ends[2];
    if (pipe(ends) != 0) return false;
    close(ends[0]);
    const bool broken = write(ends[1], "x", 1) < 0 && errno == EPIPE;
    close(ends[1]);
    return broken;
}

}  // namespace

TEST_CASE("a SIGPIPE of our own does not reach the program, one of the program's does") {
    struct sigaction counts {}, before {};
    counts.sa_handler = [](int) { received = received + 1; };
    REQUIRE(sigaction(SIGPIPE, &counts, &before) == 0);
    {
        const apm::detail::without_sigpipe guard;
        CHECK(write_to_closed_pipe());
    }
    CHECK(received == 0);
    CHECK(write_to_closed_pipe());
    CHECK(received == 1);

    sigset_t pipe_only, mask;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &pipe_only, &mask) == 0);
    CHECK(write_to_closed_pipe());  // pending now, and the program's to see
    {
        const apm::detail::without_sigpipe guard;
        CHECK(write_to_closed_pipe());
    }
    CHECK(received == 1);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &mask, nullptr) == 0);
    CHECK(received == 2);
    REQUIRE(sigaction(SIGPIPE, &before, nullptr) == 0);
}
