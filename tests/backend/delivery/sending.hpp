#pragma once
// What the tests of the transport share: destinations in a hurry, what was said, and children.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/otlp/protocol.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/otlp/protocol.hpp>

#include "backend/delivery/receiver.hpp"
#include "patience.hpp"

namespace sending {

using namespace std::chrono_literals;
namespace delivery = apm::detail::delivery;
using steady = std::chrono::steady_clock;

inline steady::time_point in(std::chrono::milliseconds time) { return steady::now() + time; }

inline delivery::destination hasty(std::string url, std::string name = "traces") {
    delivery::destination d;
    d.name = std::move(name);
    d.url = std::move(url);
    d.protocol = &apm::detail::otlp::over_http;
    d.items = d.name == "traces" ? "spans" : "data points";
    d.protocol = &apm::detail::otlp::over_http;
    d.items = d.name == "traces" ? "spans" : "data points";
    d.timeout = 2 * patience;  // who waits for an attempt that hangs is seen to do so
    d.initial_backoff = 5ms;
    d.max_backoff = 20ms;
    d.quiet = 0ms;
    return d;
}

// Everything that a delivery says.
class heard {
public:
    [[nodiscard]] delivery::observer observer() {
        return {[this](const delivery::outcome& o) {
                    const std::lock_guard guard(mutex_);
                    delivered += o.delivered;
                    for (std::size_t i = 0; i < delivery::losses; ++i) lost.by_cause[i] += o.lost.by_cause[i];
                    outcomes_.push_back(o);
                },
                [this](const std::string& line) {
                    const std::lock_guard guard(mutex_);
                    lines_.push_back(line);
                }};
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard guard(mutex_);
        return lines_;
    }
    [[nodiscard]] std::vector<delivery::outcome> outcomes() const {
        const std::lock_guard guard(mutex_);
        return outcomes_;
    }
    [[nodiscard]] bool said(std::string_view part) const {
        for (const std::string& line : lines())
            if (line.find(part) != line.npos) return true;
        return false;
    }
    std::uint64_t delivered = 0;  // read when nothing runs any more
    delivery::lost_items lost;

private:
    mutable std::mutex mutex_;
    std::vector<delivery::outcome> outcomes_;
    std::vector<std::string> lines_;
};

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// How much later than `due`, which it sets, f returned: the least of some times, until it is less than the limit.
template <class F>
std::chrono::nanoseconds least_overrun(std::chrono::nanoseconds limit, F&& f) {
    return least(limit, [&] {
        steady::time_point due;
        f(due);
        return steady::now() - due;
    });
}

inline bool balanced(const delivery::totals& t) {
    return t.put + t.adopted == t.delivered + t.lost.all() + t.waiting + t.in_flight;
}

// In a process of its own; its result is that of the function, or -1 if it does not end. Catch's checks do not come back from there.
inline int in_child(const std::function<int()>& f) {
    const pid_t child = fork();
    if (child == 0) _exit(f());
    int status = 0;
    if (!soon([&] { return waitpid(child, &status, WNOHANG) == child; })) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace sending
