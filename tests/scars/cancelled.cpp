// A thread is cancelled while a callback of its collection runs: the collection ends, then the thread; nothing hangs or aborts.
#include <pthread.h>
#include <unistd.h>

#include "scar.hpp"

int main() {
    static bool inside = false;
    const auto registration = scar::telemetry.plain.observe([] {
        __atomic_store_n(&inside, true, __ATOMIC_RELEASE);
        usleep(100'000);  // where a thread may be cancelled
        return 1;
    });
    pthread_t thread;
    pthread_create(&thread, nullptr, [](void*) -> void* {
        for (;;) static_cast<void>(apm::collect()), pthread_testcancel();
    }, nullptr);
    while (!__atomic_load_n(&inside, __ATOMIC_ACQUIRE)) usleep(1'000);
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    scar::require(result == PTHREAD_CANCELED, "the thread was cancelled");
    scar::telemetry.events.add(2);
    REQUIRE_SUM(scar::telemetry.events, 2u);
}
