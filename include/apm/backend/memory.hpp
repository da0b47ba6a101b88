// memory: keeps what was exported, for programs that look at their own telemetry and for tests of the runtime.
// (To test what a call recorded, see apm/testing.hpp: it needs neither a runtime nor a back end.)
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include <apm/backend.hpp>

namespace apm::inline APM_ABI {

struct memory_options {
    std::chrono::milliseconds interval{60'000};
    std::size_t keep = 16;  // snapshots; the oldest goes first
};

// A push back end. Any thread may look while it is written to.
class memory {
public:
    explicit memory(memory_options options = {}) : options_(options) {}

    [[nodiscard]] std::string_view name() const { return "memory"; }
    [[nodiscard]] std::chrono::milliseconds interval() const { return options_.interval; }
    error start(const resource& who) {
        const std::lock_guard guard(mutex_);
        who_ = who;
        return {};
    }
    error export_metrics(snapshot& s, deadline) {
        const std::lock_guard guard(mutex_);
        kept_.push_back(std::move(s));
        if (kept_.size() > options_.keep) kept_.pop_front();
        return {};
    }
    error stop(deadline) { return {}; }

    // Calls f(snapshot) for each kept one, oldest first.
    template <class F>
    void each(F&& f) const {
        const std::lock_guard guard(mutex_);
        for (const snapshot& s : kept_) f(s);
    }
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard guard(mutex_);
        return kept_.size();
    }
    [[nodiscard]] resource who() const {
        const std::lock_guard guard(mutex_);
        return who_;
    }

private:
    memory_options options_;
    mutable std::mutex mutex_;
    std::deque<snapshot> kept_;
    resource who_;
};

}  // namespace apm::inline APM_ABI
