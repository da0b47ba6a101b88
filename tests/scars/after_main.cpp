// Records from static destructors, atexit handlers and the main thread's thread_locals, after main.
#include "scar.hpp"

using scar::telemetry;

static void last_check() {
    REQUIRE_SUM(telemetry.events, 100u + 10u + 10u + 1u + 1000u);
    REQUIRE_SUM(telemetry.cities, 4u);
    scar::succeed();
}
// Registered first, so that it runs last.
[[gnu::constructor(101)]] static void arrange() { std::atexit(last_check); }

struct leaving {
    unsigned n;
    ~leaving() {
        telemetry.events.add(n);
        telemetry.cities.add(1, {.city = "leaving"});
        apm::collect();
    }
};
static leaving constructed_before_the_first_record{10};
static thread_local leaving of_this_thread{1000};

static leaving& made_when_asked() {
    static leaving late{10};
    return late;
}

int main() {
    telemetry.events.add(100);
    static_cast<void>(&of_this_thread);
    of_this_thread.n = 1000;
    made_when_asked();
    std::atexit([] {
        telemetry.events.add(1);
        telemetry.cities.add(1, {.city = "atexit"});
    });
    return scar::too_early;
}
