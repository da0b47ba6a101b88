#pragma once
// Allocations that fail: for one test program, since it replaces operator new.
#include <cstddef>
#include <cstdlib>
#include <new>

// Of this thread's allocations with `new` so many succeed, and the next one throws; negative: none does.
inline thread_local int allocations_left = -1;

// What f does where its n-th allocation throws. True: it did.
template <class F>
bool throws_at(int n, F&& f) {
    bool threw = false;
    allocations_left = n;
    try {
        f();
    } catch (const std::bad_alloc&) {
        threw = true;
    }
    allocations_left = -1;
    return threw;
}

#if defined(__has_feature)
    #if __has_feature(thread_sanitizer)
        #define APM_TEST_OWN_NEW 1  // the sanitizer's: none throws, and throws_at() is false at once
    #endif
#endif
#ifndef APM_TEST_OWN_NEW
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
    if (void* const p = std::malloc(size ? size : 1)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size ? size : 1); }
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif
