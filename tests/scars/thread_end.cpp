// Records while a thread ends: from thread_locals made before and after its first record, and from the destructors of other
// pthread keys, which run in several rounds, before and after ours. Nothing is lost, and threads do not cost a block each.
#include <thread>

#include <pthread.h>

#include "scar.hpp"

using scar::telemetry;

static pthread_key_t early_key, late_key;

struct leaving {
    unsigned n = 0;
    ~leaving() {
        telemetry.events.add(n);
        telemetry.cities.add(n, {.city = "leaving"});
    }
};
static thread_local leaving made_before, made_after;

// Sets itself again in the first two rounds: pthreads run at least four.
static void record_in_a_destructor(void* rounds) {
    telemetry.events.add(1);
    telemetry.cities.add(1, {.city = "destructor"});
    const auto left = reinterpret_cast<std::uintptr_t>(rounds) - 1;
    if (left > 0) pthread_setspecific(early_key, reinterpret_cast<void*>(left));
}
static void record_once(void*) { telemetry.events.add(1); }

int main() {
    pthread_key_create(&early_key, record_in_a_destructor);
    telemetry.events.add(1);  // our own key comes between the two
    pthread_key_create(&late_key, record_once);
    constexpr unsigned threads = 300;
    for (unsigned i = 0; i < threads; ++i)
        std::thread([] {
            made_before.n = 10;
            pthread_setspecific(early_key, reinterpret_cast<void*>(2));
            telemetry.events.add(1);
            pthread_setspecific(late_key, &late_key);
            made_after.n = 100;
        }).join();
    REQUIRE_SUM(telemetry.events, 1 + threads * (1 + 10 + 100 + 2 + 1));
    REQUIRE_SUM(telemetry.cities, threads * (10 + 100 + 2));
    const std::uint64_t blocks = apm::detail::process_root().blocks.load();
    scar::require(blocks <= 2, "one block for main, one for all other threads", blocks);
}
