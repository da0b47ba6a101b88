// memory: keeps what was exported, for programs that look at their own telemetry and for tests of the runtime.
// (To test what a call recorded, see apm/testing.hpp: it needs neither a runtime nor a back end.)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

struct memory_options {
    std::chrono::milliseconds interval{60'000};
    std::size_t keep = 16;          // snapshots; the oldest goes first
    std::size_t keep_spans = 4096;  // the oldest go first
};

// A push back end and a span back end. Any thread may read while another one writes.
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
    error export_spans(const span_batch& batch, deadline) {
        std::vector<span_data> copies;  // made before the lock: a thread that looks waits for a move only
        const std::size_t size = batch.spans.size(), skipped = size > options_.keep_spans ? size - options_.keep_spans : 0;
        copies.reserve(size - skipped);
        for (std::size_t i = skipped; i < size; ++i) copies.push_back(span_data::of(batch.spans[i]));
        const std::lock_guard guard(mutex_);
        forgotten_ += skipped;
        for (span_data& s : copies) spans_.push_back(std::move(s));
        for (; spans_.size() > options_.keep_spans; ++forgotten_) spans_.pop_front();
        return {};
    }
    error stop(deadline) { return {}; }

    // Calls f(snapshot) for each kept one, oldest first. f must not call this object: it is locked.
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

    // Calls f(span_data) for each kept one, in the order in which they came. f must not call this object: it is locked.
    template <class F>
    void each_span(F&& f) const {
        const std::lock_guard guard(mutex_);
        for (const span_data& s : spans_) f(s);
    }
    [[nodiscard]] std::vector<span_data> spans() const {
        const std::lock_guard guard(mutex_);
        return {spans_.begin(), spans_.end()};
    }
    // How many were dropped for want of room; clear_spans() does not count.
    [[nodiscard]] std::uint64_t forgotten() const {
        const std::lock_guard guard(mutex_);
        return forgotten_;
    }
    void clear_spans() {
        const std::lock_guard guard(mutex_);
        spans_.clear();
    }

private:
    memory_options options_;
    mutable std::mutex mutex_;
    std::deque<snapshot> kept_;
    std::deque<span_data> spans_;
    std::uint64_t forgotten_ = 0;
    resource who_;
};

}  // namespace apm::inline APM_ABI
