#pragma once
// What the tests of the runtime share: the lines it reports, an environment of their own, a port that is taken.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apm/runtime.hpp>

#include "patience.hpp"
#include "ports.hpp"
#include "threads.hpp"

// Collects what is reported while it lives.
class reported {
public:
    reported() {
        take();
        apm::on_error(keep);
    }
    ~reported() { apm::on_error(nullptr); }
    reported(const reported&) = delete;
    reported& operator=(const reported&) = delete;

    // The lines since the last call.
    static std::vector<std::string> take() {
        const std::lock_guard guard(mutex());
        return std::exchange(lines(), {});
    }
    static void keep(const char* line) {
        const std::lock_guard guard(mutex());
        lines().emplace_back(line);
    }

private:
    static std::mutex& mutex() {
        static std::mutex m;
        return m;
    }
    static std::vector<std::string>& lines() {
        static std::vector<std::string> l;
        return l;
    }
};

// The variables that programs set for us, taken out of the environment for a scope; then set as the test says.
class environment {
public:
    environment(std::initializer_list<std::pair<const char*, const char*>> variables = {}) {
        for (char** entry = environ; *entry; ++entry) {
            const std::string_view text = *entry;
            const std::string_view name = text.substr(0, text.find('='));
            bool ours = name.ends_with("_proxy") || name.ends_with("_PROXY") || name == "TRACE_SAMPLE_RATE" || name == "ENVIRONMENT";
            for (const char* prefix : {"OTEL_", "APM_", "PROMETHEUS_", "JAEGER_", "OTLP_", "TRACING_", "KUBERNETES_", "K8S_", "POD_"})
                ours = ours || name.starts_with(prefix);
            if (ours)
                before_.emplace_back(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
        }
        for (const auto& [name, value] : before_) unsetenv(name.c_str());
        for (const auto& [name, value] : variables) {
            setenv(name, value, 1);
            set_.emplace_back(name);
        }
    }
    ~environment() {
        for (const std::string& name : set_) unsetenv(name.c_str());
        for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;

private:
    std::vector<std::pair<std::string, std::string>> before_;
    std::vector<std::string> set_;
};

using lines = std::vector<std::string>;

// A child of a program that had threads cannot have any under ThreadSanitizer.
#if defined(__SANITIZE_THREAD__)
constexpr bool can_fork = false;
#elif defined(__has_feature)
constexpr bool can_fork = !__has_feature(thread_sanitizer);
#else
constexpr bool can_fork = true;
#endif

// Runs f in a forked child and returns what it returned: its exit status; -1 if it does not end.
template <class F>
int in_child(F&& f) {
    const pid_t child = fork();
    if (child == 0) _exit(f());
    int status = 0;
    if (soon([&] { return waitpid(child, &status, WNOHANG) == child; }))
        return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return -1;
}

// How many threads this process has.
inline std::size_t threads() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}
constexpr std::size_t threads_at_start = can_fork ? 1 : 2;  // ThreadSanitizer has one of its own
// Does it come to have so many? A thread that was joined is still listed for a moment.
inline bool threads_become(std::size_t n) {
    return soon([n] { return threads() == n; });
}

// Another program's socket, say, that listens on a port, and never answers.
struct taken {
    int fd = bound_socket();
    std::uint16_t port = port_of(fd);

    taken() {
        if (fd < 0 || listen(fd, 1) != 0) std::abort();
    }
    ~taken() { close(fd); }
    taken(const taken&) = delete;
    taken& operator=(const taken&) = delete;
};
