// The one background thread of a runtime: wakes when a back end is due, or a ring of spans half full, never otherwise.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/detail/futex.hpp>
#include <apm/detail/guarded.hpp>
#include <apm/detail/own_thread.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/throttle.hpp>
#include <apm/runtime/any_backend.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// Exports the spans that ended before now to all of these, a batch at a time; later ones are for the next time.
// `call(back end, f)` calls f; `go_on()` is asked before each batch. False where a back end failed (what it was given is counted
// as undelivered) or where spans are left.
template <class Call, class GoOn>
bool deliver_spans(const std::vector<any_backend>& to, deadline by, throttle& lines, Call&& call, GoOn&& go_on) {
    bool well = true;
    for (std::uint64_t left = bytes_to_drain(); left > 0;) {
        if (!go_on() || std::chrono::steady_clock::now() >= by) return false;
        span_batch batch;
        const error no_memory = guarded([&] { return batch = drain_spans(), error{}; });
        say(lines, "spans", no_memory);
        if (batch.spans.empty()) return well && no_memory.empty();
        for (const any_backend& b : to) {
            const bool delivered = call(b, [&] { return b.spans(b.self, batch, by); });
            if (!delivered) process_root().undelivered.add_shared(std::uint64_t{batch.spans.size()});
            well = well && delivered;
        }
        left -= (std::min)(left, std::uint64_t{batch.size});
    }
    return well;
}

struct push_pace {
    std::chrono::milliseconds span_interval{5'000};
    std::chrono::milliseconds span_timeout{30'000}, metric_timeout{30'000};  // of a call; 0: no limit
};

// Calls each back end at its interval, and once more when it ends. A back end that hangs beyond the deadline is left behind,
// with the state it may still touch, rather than hang the program; the others are left alone from then on.
class push_thread {
public:
    using clock = std::chrono::steady_clock;

    // `backends`: those that are handed snapshots, or spans, or both.
    explicit push_thread(const std::vector<any_backend>& backends, const push_pace& how = {})
        : state_(std::make_shared<state>()) {
        const auto timeout = [](std::chrono::milliseconds t) { return t.count() > 0 ? (std::min)(t, longest) : longest; };
        state_->span_interval = std::clamp(how.span_interval, shortest, longest);
        state_->span_timeout = timeout(how.span_timeout), state_->metric_timeout = timeout(how.metric_timeout);
        state_->spans_due = clock::now() + state_->span_interval;
        for (const any_backend& b : backends) {
            if (b.spans) state_->span_backends.push_back(b);
            if (!b.push) continue;
            const auto interval = std::clamp<std::chrono::milliseconds>(b.interval, shortest, longest);
            state_->push_backends.push_back({b, interval, clock::now() + interval});
        }
        if (backends.empty()) return;
        // A wake-up from here on counts, though the thread does not run yet; so does one from before.
        state_->seen = static_cast<std::uint32_t>(process_root().wake.load_acquire());
        if (bytes_to_drain() > ring::default_bytes / 2) --state_->seen;
        const error failed = start_thread(thread_, "apm-push", [s = state_] { run(*s); });
        say("nothing is exported, for want of a thread", failed);
    }
    push_thread(const push_thread&) = delete;
    push_thread& operator=(const push_thread&) = delete;

    // Exports to all for the last time and ends the thread. False when that was not done by then: the thread is left behind,
    // perhaps for good, in the back end that is busy(), and touches no other any more.
    bool stop(deadline by) {
        if (!thread_) return true;
        std::unique_lock guard(state_->mutex);
        state_->stopping = true;
        state_->last_deadline = by;
        wake_reader();
        const bool ended = state_->changed.wait_until(guard, by, [this] { return state_->ended; });
        state_->abandoned = !ended;
        guard.unlock();
        if (ended) thread_->join();
        else thread_->detach();
        thread_.reset();
        return ended;
    }
    // Whether this one is being called just now, or (in a forked child) was when the process forked. No other thread may call it.
    [[nodiscard]] bool busy(const any_backend& b) const { return state_->busy.load() == b.self; }
    [[nodiscard]] bool is_this_thread() const { return thread_ && std::this_thread::get_id() == thread_->get_id(); }
    // In a forked child: the thread is not here, and its id may by now be that of a thread that the child started. So it is
    // neither joined nor detached.
    void abandon() { static_cast<void>(thread_.release()); }
    // Exports now and waits for it. False where an export failed or was not done by then.
    bool flush(deadline by) {
        if (!thread_) return state_->push_backends.empty() && state_->span_backends.empty();
        if (is_this_thread()) return false;  // a back end's own call cannot wait for itself
        std::unique_lock guard(state_->mutex);
        const auto wanted = ++state_->flush_wanted;
        wake_reader();
        return state_->changed.wait_until(guard, by, [&] { return state_->flushed >= wanted; }) && state_->flushed_well;
    }

private:
    // Bounds of an interval: "never" is within what a clock can add.
    static constexpr std::chrono::milliseconds shortest{1}, longest = std::chrono::hours(24 * 365);

    struct client {
        any_backend backend;
        std::chrono::milliseconds interval;
        deadline due;
    };
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<client> push_backends;  // the thread's, while it runs
        std::vector<any_backend> span_backends;
        std::chrono::milliseconds span_interval{}, span_timeout{}, metric_timeout{};
        deadline spans_due;
        std::uint32_t seen = 0;  // of the word that is changed to wake the thread; the thread's, while it runs
        bool stopping = false, ended = false, abandoned = false;
        std::atomic<const void*> busy{nullptr};  // the back end that is being called; a forked child reads it without the mutex
        deadline last_deadline;
        std::uint64_t flush_wanted = 0, flushed = 0;
        bool flushed_well = false;
        throttle lines;  // of the thread's
    };

    static void run(state& s) {
        std::unique_lock guard(s.mutex);
        for (bool stopping = false; !stopping && !s.abandoned;) {
            deadline next = clock::now() + longest;
            for (const client& one : s.push_backends) next = (std::min)(next, one.due);
            if (!s.span_backends.empty()) next = (std::min)(next, s.spans_due);
            const bool woken = sleep(s, guard, next);
            stopping = s.stopping;
            const auto wanted = s.flush_wanted;
            const bool all = stopping || wanted > s.flushed;
            bool well = true;
            if (!s.span_backends.empty() && (all || woken || clock::now() >= s.spans_due)) well = deliver(s, guard, all);
            for (auto& one : s.push_backends)
                if (!s.abandoned && (all || clock::now() >= one.due)) well = push(s, guard, one) && well;
            if (all) s.flushed = wanted, s.flushed_well = well;
            s.changed.notify_all();
        }
        s.ended = true;
        s.changed.notify_all();
    }
    // Until then, or until stop(), flush(), or a thread whose ring is half full wakes it: then true. The word is compared with
    // what it was before the rings were read: a thread that called meanwhile does not call again.
    static bool sleep(state& s, std::unique_lock<std::mutex>& guard, deadline until) {
        const cell& word = process_root().wake;
        if (s.stopping || s.flush_wanted > s.flushed) {
            s.seen = static_cast<std::uint32_t>(word.load_acquire());
            return true;
        }
        guard.unlock();
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - clock::now()).count();
        const timespec patience{left / 1'000'000'000, left % 1'000'000'000};
        const auto result = left > 0 ? futex_wait(word, s.seen, patience) : -1;
        const std::uint32_t before = std::exchange(s.seen, static_cast<std::uint32_t>(word.load_acquire()));
        const bool changed = result == 0 || s.seen != before;
        guard.lock();
        return changed;
    }
    // Under `guard`, except for the call itself.
    template <class F>
    static bool call(state& s, std::unique_lock<std::mutex>& guard, const any_backend& b, F&& f) {
        if (s.abandoned) return false;
        s.busy = b.self;
        guard.unlock();
        const error failed = guarded(f);  // once more: a file that is compiled without exceptions does not guard its back ends
        say(s.lines, b.name, failed);
        guard.lock();
        s.busy = nullptr;
        return failed.empty();
    }
    static deadline patience(const state& s, std::chrono::milliseconds timeout) {
        return s.stopping ? s.last_deadline : clock::now() + timeout;
    }
    static bool push(state& s, std::unique_lock<std::mutex>& guard, client& one) {
        const deadline by = patience(s, (std::min)(one.interval, s.metric_timeout));
        const bool well = call(s, guard, one.backend, [&] { return one.backend.push(one.backend.self, by); });
        one.due = clock::now() + one.interval;
        return well;
    }
    static bool deliver(state& s, std::unique_lock<std::mutex>& guard, bool all) {
        // A thread that was left behind takes nothing more: spans are the next runtime's. stop() has a deadline of its own.
        // Snapshots that are due do not wait for all spans of a busy program, except at flush() and stop().
        const bool at_the_end = s.stopping;
        bool interrupted = false;
        const auto go_on = [&] {
            interrupted = s.abandoned || s.stopping != at_the_end ||
                          (!all && std::any_of(s.push_backends.begin(), s.push_backends.end(),
                                               [](const client& c) { return clock::now() >= c.due; }));
            return !interrupted;
        };
        const bool well = deliver_spans(s.span_backends, patience(s, s.span_timeout), s.lines,
                                        [&](const any_backend& b, auto&& f) { return call(s, guard, b, f); }, go_on);
        s.spans_due = clock::now() + (interrupted ? clock::duration::zero() : clock::duration(s.span_interval));
        return well;
    }
    std::shared_ptr<state> state_;
    std::unique_ptr<std::thread> thread_;
};

}  // namespace apm::inline APM_ABI::detail
