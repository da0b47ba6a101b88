#pragma once
// Several threads that start at the same instant, which is when races show.
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    #define APM_TEST_SANITIZED 1
#elif defined(__has_feature)
    #if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
        #define APM_TEST_SANITIZED 1
    #endif
#endif

// A number of repetitions: a hundredth of it under a sanitizer, which looks closer and is slower.
constexpr std::size_t repeat(std::size_t n) {
#ifdef APM_TEST_SANITIZED
    return n < 100 ? n : n / 100;
#else
    return n;
#endif
}

// Runs f(0) ... f(count - 1), each in a thread of its own, and waits for them.
template <class F>
void in_threads(std::size_t count, F&& f) {
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    threads.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            while (!go) std::this_thread::yield();
            f(i);
        });
    go = true;
    for (std::thread& t : threads) t.join();
}

// Runs f again and again beside the rest of the scope, once at least.
class meanwhile {
public:
    template <class F>
    explicit meanwhile(F f)
        : thread_([this, f]() mutable {
              do f();
              while (!done_);
          }) {}
    ~meanwhile() { stop(); }
    void stop() {
        done_ = true;
        if (thread_.joinable()) thread_.join();
    }

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};
