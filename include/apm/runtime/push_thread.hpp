// The one background thread of a runtime: wakes when a push back end is due, never otherwise.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
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

// A back end of the program's own, by reference, its type forgotten.
struct any_backend {
    void* self = nullptr;
    std::string (*name)(void*) = nullptr;
    error (*start)(void*, const resource&) = nullptr;
    error (*stop)(void*, deadline) = nullptr;
    error (*push)(void*, deadline) = nullptr;                  // collect and export; null for a pull back end
    std::chrono::milliseconds (*interval)(void*) = nullptr;

    template <backend B>
    static any_backend of(B& b) {
        any_backend any;
        any.self = &b;
        any.name = [](void* p) { return std::string(static_cast<B*>(p)->name()); };
        any.start = [](void* p, const resource& who) { return static_cast<B*>(p)->start(who); };
        any.stop = [](void* p, deadline by) { return static_cast<B*>(p)->stop(by); };
        if constexpr (push_backend<B>) {
            any.push = [](void* p, deadline by) {
                snapshot s = collect();
                return static_cast<B*>(p)->export_metrics(s, by);
            };
            any.interval = [](void* p) { return static_cast<B*>(p)->interval(); };
        }
        return any;
    }
};

inline void say(const std::string& who, const error& e) {
    if (!e.empty()) report("%s: %s", who.c_str(), e.c_str());
}

// Calls each back end at its interval, and once more when it ends. A back end that hangs beyond the deadline is left behind,
// with the state it may still touch, rather than hang the program.
class push_thread {
public:
    push_thread(std::vector<any_backend> backends, std::chrono::milliseconds last_flush)
        : state_(std::make_shared<state>()) {
        state_->backends = std::move(backends);
        if (state_->backends.empty()) return;
        sigset_t all, before;  // signals are the program's: none is delivered to this thread
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([s = state_, last_flush] { run(*s, last_flush); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    push_thread(const push_thread&) = delete;
    push_thread& operator=(const push_thread&) = delete;

    // True when everything was flushed and the thread has ended.
    bool stop(deadline by) {
        if (!thread_.joinable()) return true;
        std::unique_lock guard(state_->mutex);
        state_->stopping = true;
        state_->changed.notify_all();
        const bool ended = state_->changed.wait_until(guard, by, [this] { return state_->ended; });
        guard.unlock();
        if (ended) thread_.join();
        else thread_.detach();
        return ended;
    }
    // In a forked child: the thread is not here.
    void abandon() {
        if (thread_.joinable()) thread_.detach();
    }
    // Exports now, in the caller's thread's stead, and waits.
    bool flush(deadline by) {
        if (!thread_.joinable()) return true;
        std::unique_lock guard(state_->mutex);
        const auto wanted = ++state_->flush_wanted;
        state_->changed.notify_all();
        return state_->changed.wait_until(guard, by, [&] { return state_->flushed >= wanted; });
    }

private:
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<any_backend> backends;
        bool stopping = false, ended = false;
        std::uint64_t flush_wanted = 0, flushed = 0;
    };
    static void run(state& s, std::chrono::milliseconds last_flush) {
        using clock = std::chrono::steady_clock;
        std::vector<deadline> due;
        for (const any_backend& b : s.backends) due.push_back(clock::now() + b.interval(b.self));
        std::unique_lock guard(s.mutex);
        for (bool stopping = false; !stopping;) {
            s.changed.wait_until(guard, *std::min_element(due.begin(), due.end()),
                                 [&] { return s.stopping || s.flush_wanted > s.flushed; });
            stopping = s.stopping;
            const auto wanted = s.flush_wanted;
            const bool all = stopping || wanted > s.flushed;
            guard.unlock();
            for (std::size_t i = 0; i < s.backends.size(); ++i) {
                const any_backend& b = s.backends[i];
                if (!all && clock::now() < due[i]) continue;
                say(b.name(b.self), b.push(b.self, clock::now() + (stopping ? last_flush : b.interval(b.self))));
                due[i] = clock::now() + b.interval(b.self);
            }
            guard.lock();
            s.flushed = wanted;
            s.changed.notify_all();
        }
        s.ended = true;
        s.changed.notify_all();
    }
    std::shared_ptr<state> state_;
    std::thread thread_;
};

}  // namespace apm::inline APM_ABI::detail
