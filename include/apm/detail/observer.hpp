// Callbacks that are run whenever somebody collects, until their registration ends.
#pragma once

#include <cstdint>

#include <pthread.h>

#include <apm/config.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// Lives in the registration object that the user holds; linked while that object lives.
struct observer {
    void (*call)(observer&);
    observer* next = nullptr;
    std::uint64_t pass = 0;      // the last collection that ran it
    pthread_t caller{};          // while running
    bool running = false;
    bool* destroyed = nullptr;   // set by a callback that ends its own registration

    explicit observer(void (*f)(observer&)) : call(f) {}
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;

    // From here on the callback may run, in whichever thread collects.
    void enlist() {
        root& r = process_root();
        const lock guard(r.observing);
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

// Runs each registered callback once, without holding the list: callbacks may record, register and end registrations.
inline void run_observers() {
    root& r = process_root();
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
        if (!destroyed) {
            o->running = false, o->destroyed = nullptr;
            pthread_cond_broadcast(&r.observed);
        }
        o = r.observers;  // the list may have changed meanwhile
    }
}

// In a forked child: whoever ran a callback in the parent, unless it is this very thread, does not exist here.
inline void forget_calls_in_progress(root& r) {
    r.observed = PTHREAD_COND_INITIALIZER;  // the threads that waited are not here either
    for (observer* o = r.observers; o; o = o->next)
        if (o->running && !pthread_equal(o->caller, pthread_self())) o->running = false;
}

}  // namespace apm::inline APM_ABI::detail
