// The one background thread of a runtime: wakes when a push back end is due, never otherwise.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// A back end should not throw; one that does must not end the program.
template <class Call>
error guarded(Call&& call) {
#if defined(__cpp_exceptions)
    try {
        return call();
    } catch (const std::exception& e) {
        return std::string("threw: ") + e.what();
    } catch (...) {
        return "threw";
    }
#else
    return call();
#endif
}

// A back end of the program's own, by reference, its type forgotten.
struct any_backend {
    void* self = nullptr;
    std::string name = {};
    error (*start)(void*, const resource&) = nullptr;
    error (*stop)(void*, deadline) = nullptr;
    error (*push)(void*, deadline) = nullptr;                  // collect and export; null for a pull back end
    std::chrono::milliseconds interval = std::chrono::minutes(1);

    template <backend B>
    static any_backend of(B& b) {
        any_backend any;
        any.self = &b;
        static_cast<void>(guarded([&] { return any.name = b.name(), error{}; }));
        if (any.name.empty()) any.name = "a back end without a name";
        any.start = [](void* p, const resource& who) { return guarded([&] { return static_cast<B*>(p)->start(who); }); };
        any.stop = [](void* p, deadline by) { return guarded([&] { return static_cast<B*>(p)->stop(by); }); };
        if constexpr (push_backend<B>) {
            any.push = [](void* p, deadline by) {
                return guarded([&] {
                    snapshot s = collect();
                    return static_cast<B*>(p)->export_metrics(s, by);
                });
            };
            const error failed = guarded([&] { return any.interval = b.interval(), error{}; });
            if (!failed.empty()) report("%s: interval() %s; taken as a minute", any.name.c_str(), failed.c_str());
        }
        return any;
    }
};

inline void say(const std::string& who, const error& e) {
    if (!e.empty()) report("%s: %s", who.c_str(), e.c_str());
}

// Calls each back end at its interval, and once more when it ends. A back end that hangs beyond the deadline is left behind,
// with the state it may still touch, rather than hang the program; the others are left alone from then on.
class push_thread {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds export_timeout{30};

    explicit push_thread(const std::vector<any_backend>& backends) : state_(std::make_shared<state>()) {
        for (const any_backend& b : backends) {
            // A millisecond at least, which is busy enough; a year at most, which any clock can add ("never" is a good answer).
            const auto interval = std::clamp<std::chrono::milliseconds>(b.interval, std::chrono::milliseconds(1),
                                                                        std::chrono::hours(24 * 365));
            state_->served.push_back({b, interval, clock::now() + interval});
        }
        if (backends.empty()) return;
        sigset_t all, before;  // signals are the program's: none is delivered to this thread
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        const error failed = guarded([this] {
            thread_ = std::make_unique<std::thread>([s = state_] { run(*s); });
            return error{};
        });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
        state_->changed.notify_all();
        const bool ended = state_->changed.wait_until(guard, by, [this] { return state_->ended; });
        state_->abandoned = !ended;
        guard.unlock();
        if (ended) thread_->join();
        else thread_->detach();
        thread_.reset();
        return ended;
    }
    // Whether this one is being called just now, or (in a forked child) was when the process forked. Nobody else may call it.
    [[nodiscard]] bool busy(const any_backend& b) const { return state_->busy.load() == b.self; }
    // In a forked child: the thread is not here, and its id may by now be that of a thread that the child started. So it is
    // neither joined nor detached.
    void abandon() { static_cast<void>(thread_.release()); }
    // Exports now and waits for it. False where an export failed or was not done by then.
    bool flush(deadline by) {
        if (!thread_) return state_->served.empty();
        std::unique_lock guard(state_->mutex);
        const auto wanted = ++state_->flush_wanted;
        state_->changed.notify_all();
        return state_->changed.wait_until(guard, by, [&] { return state_->flushed >= wanted; }) && state_->flushed_well;
    }

private:
    struct client {
        any_backend backend;
        std::chrono::milliseconds interval;
        deadline due;
    };
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<client> served;         // the thread's, while it runs
        bool stopping = false, ended = false, abandoned = false;
        std::atomic<const void*> busy{nullptr};  // the back end that is being called; a forked child reads it without the mutex
        deadline last_deadline;
        std::uint64_t flush_wanted = 0, flushed = 0;
        bool flushed_well = false;
    };

    static void run(state& s) {
        std::unique_lock guard(s.mutex);
        for (bool stopping = false; !stopping && !s.abandoned;) {
            const auto next = std::min_element(s.served.begin(), s.served.end(),
                                               [](const auto& a, const auto& b) { return a.due < b.due; });
            s.changed.wait_until(guard, next->due, [&] { return s.stopping || s.flush_wanted > s.flushed; });
            stopping = s.stopping;
            const auto wanted = s.flush_wanted;
            const bool all = stopping || wanted > s.flushed;
            bool well = true;
            for (auto& one : s.served)
                if (!s.abandoned && (all || clock::now() >= one.due)) well = call(s, guard, one) && well;
            if (all) s.flushed = wanted, s.flushed_well = well;
            s.changed.notify_all();
        }
        s.ended = true;
        s.changed.notify_all();
    }
    // Under `guard`, except for the export itself.
    static bool call(state& s, std::unique_lock<std::mutex>& guard, client& one) {
        const auto patience = std::min<std::chrono::milliseconds>(one.interval, export_timeout);
        const deadline by = s.stopping ? s.last_deadline : clock::now() + patience;
        s.busy = one.backend.self;
        guard.unlock();
        const error failed = one.backend.push(one.backend.self, by);
        say(one.backend.name, failed);
        guard.lock();
        s.busy = nullptr;
        one.due = clock::now() + one.interval;
        return failed.empty();
    }
    std::shared_ptr<state> state_;
    std::unique_ptr<std::thread> thread_;
};

}  // namespace apm::inline APM_ABI::detail
