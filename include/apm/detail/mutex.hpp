// A mutex for the cold paths: constant-initialized, never destroyed, usable before main and after static destructors.
#pragma once

#include <pthread.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// Not std::mutex: <mutex> is 300 ms of front-end time, and an `inline` std::mutex has a destructor order.
// Recursive: a callback may run under one and fork, collect or register; none of these may hang its program.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wzero-as-null-pointer-constant"  // glibc's initializer has one
class mutex {
public:
    void lock() { pthread_mutex_lock(&handle_); }
    void unlock() { pthread_mutex_unlock(&handle_); }
    // After a fork: the owner may be a thread that the child does not have.
    void reset() { handle_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP; }
    void wait(pthread_cond_t& condition) { pthread_cond_wait(&condition, &handle_); }

private:
    pthread_mutex_t handle_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
};
#pragma GCC diagnostic pop

class lock {
public:
    explicit lock(mutex& m) : m_(m) { m_.lock(); }
    ~lock() { m_.unlock(); }
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

private:
    mutex& m_;
};

}  // namespace apm::inline APM_ABI::detail
