// Compiled with exceptions: reads while there is no memory.
#include <cstdlib>
#include <new>
#include <thread>

#include <apm/collect.hpp>
#include <apm/spans.hpp>

static thread_local bool no_memory = false;

void* operator new(std::size_t size) {
    void* const p = no_memory ? nullptr : std::malloc(size);
    if (!p) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

// On a thread of its own: the locks are recursive.
template <class Call>
static bool throws(Call&& call) {
    bool threw = false;
    std::thread([&] {
        no_memory = true;
        try {
            call();
        } catch (const std::bad_alloc&) {
            threw = true;
        }
        no_memory = false;
    }).join();
    return threw;
}

bool collecting_throws() {
    return throws([] { static_cast<void>(apm::collect()); });
}
bool draining_throws() {
    return throws([] { static_cast<void>(apm::drain_spans()); });
}
