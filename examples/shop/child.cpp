#include "child.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apm/config.hpp>

namespace shop {

namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments, int output, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);         // should the gateway die without a word
    if (getppid() != parent) _exit(1);        // it did already
    setpgid(0, 0);                            // a terminal's Ctrl-C is for the gateway, which ends us when it is done
    dup2(output, STDOUT_FILENO);
    // What an operator says of a port and a name is for one process: the gateway.
    APM_IF_ENABLED(
        for (const char* name : {"OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT", "OTEL_SERVICE_NAME", "APM_SERVICE_NAME"})
            unsetenv(name);)
    std::vector<char*> argv{const_cast<char*>("shop")};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execv("/proc/self/exe", argv.data());
    _exit(1);
}

[[noreturn]] void fail(const char* what, const std::string& why) {
    std::fprintf(stderr, "shop: %s: %s\n", what, why.c_str());
    std::exit(1);
}

// Whether it ended well, if it ended within ten seconds.
bool wait_for(pid_t process, bool& well) {
    for (int i = 0; i < 1000; ++i) {
        int status = 0;
        const pid_t ended = waitpid(process, &status, WNOHANG);
        well = ended == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (ended != 0) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe", std::strerror(errno));
    const pid_t parent = getpid();
    std::fflush(nullptr);
    process_ = fork();
    if (process_ < 0) fail("cannot start a process", std::strerror(errno));
    if (process_ == 0) become(arguments, ends[1], parent);
    close(ends[1]);
    output_ = ends[0];
    std::string line;
    for (char c; read(output_, &c, 1) == 1 && c != '\n';) line += c;
    const std::size_t from = line.find("http://"), to = line.find(',', from);
    if (to == line.npos) fail("a service did not start", arguments.at(1));
    url_ = line.substr(from, to - from);
    std::puts(line.c_str());
}

Child::Child(Child&& other) noexcept
    : process_(std::exchange(other.process_, 0)), output_(std::exchange(other.output_, -1)), url_(std::move(other.url_)) {}

bool Child::stop() {
    if (process_ == 0) return true;
    const pid_t process = std::exchange(process_, 0);
    kill(process, SIGTERM);
    bool well = false;
    if (!wait_for(process, well)) {
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
    }
    // Little enough for the pipe to hold: it was not read until now.
    char part[4096];
    for (ssize_t n; (n = read(output_, part, sizeof part)) > 0;) std::fwrite(part, 1, static_cast<std::size_t>(n), stdout);
    close(output_);
    return well;
}

}  // namespace shop
