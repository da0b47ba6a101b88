// Callbacks that run at every collection, until their registration ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pthread.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// The initial thread's stack stays what it is in a child, so it does not count.
inline bool is_on_own_stack(const void* object) {
    pthread_attr_t attributes;
    if (gettid() == getpid() || pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    return reinterpret_cast<std::uintptr_t>(object) - reinterpret_cast<std::uintptr_t>(low) < size;
}

class not_cancelled {
public:
    not_cancelled() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~not_cancelled() { pthread_setcancelstate(before_, nullptr); }
    not_cancelled(const not_cancelled&) = delete;
    not_cancelled& operator=(const not_cancelled&) = delete;

private:
    int before_ = 0;
};

// Lives in the registration object that the user holds; linked while that object lives.
struct observer {
    void (*call)(observer&);
    observer* next = nullptr;
    std::uint64_t pass = 0;      // the last collection that ran it
    pthread_t caller{};          // while running
    bool running = false;
    bool on_stack = false;       // of the thread that enlisted it
    pthread_t owner{};           // where so
    bool* destroyed = nullptr;   // set by a callback that ends its own registration

    explicit observer(void (*f)(observer&)) : call(f) {}
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;

    // From here on the callback may run, in whichever thread collects.
    void enlist() {
        owner = pthread_self();
        on_stack = is_on_own_stack(this);
        root& r = process_root();
        const lock guard(r.observing);
        pass = r.passes;  // not in a collection that is at work: a callback may register another time and again
        next = r.observers;
        r.observers = this;
    }

    // After it, the callback neither runs nor will: waits for a call in progress, unless that call is the caller's own.
    void remove() {
        root& r = process_root();
        const lock guard(r.observing);
        while (running && !pthread_equal(caller, pthread_self())) r.observing.wait(r.observed);
        for (observer** at = &r.observers; *at; at = &(*at)->next) {
            if (*at != this) continue;
            *at = next;
            break;
        }
        if (running && destroyed) *destroyed = true;
        running = false;
    }
};

// Runs each registered callback once, without holding the list: callbacks may record, register and end registrations. None is
// left in its middle by pthread_cancel: that waits.
APM_CLEANS_UP inline void run_observers() {
    root& r = process_root();
    const not_cancelled here;
    const lock guard(r.observing);
    const std::uint64_t pass = ++r.passes;
    for (observer* o = r.observers; o;) {
        if (o->pass >= pass || o->running) {  // greater: a callback collected and so ran it just now
            o = o->next;
            continue;
        }
        bool destroyed = false;
        o->pass = pass, o->running = true, o->caller = pthread_self(), o->destroyed = &destroyed;
        r.observing.unlock();
        o->call(*o);
        r.observing.lock();
        if (destroyed) {
            o = r.observers;
            continue;
        }
        o->running = false, o->destroyed = nullptr;
        pthread_cond_broadcast(&r.observed);
        o = o->next;
    }
}

// In a forked child no thread but this one exists: none runs a callback, waits for one, or has a stack that registrations
// could still be on. (Its memory goes to the child's next threads.)
inline void forget_other_threads(root& r) {
    r.observed = PTHREAD_COND_INITIALIZER;
    for (observer** at = &r.observers; *at;) {
        observer& o = **at;
        if (o.running && !pthread_equal(o.caller, pthread_self())) o.running = false;
        if (o.on_stack && !pthread_equal(o.owner, pthread_self())) *at = o.next;
        else at = &o.next;
    }
}

}  // namespace apm::inline APM_ABI::detail
