// The process has no pthread key left when it first records: threads share one block, exactly. Keys that come back are used.
// NOT-UNDER address,thread their runtimes use keys of their own
#include <thread>
#include <vector>

#include "scar.hpp"

using scar::telemetry;

static void record(unsigned n) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([n] {
            for (unsigned k = 0; k < n; ++k) {
                telemetry.events.add(1);
                telemetry.cities.add(1, {.city = k % 2 ? "odd" : "even"});
                telemetry.sizes.record(k % 40, {.city = "all"});
            }
        });
    for (std::thread& t : threads) t.join();
}

int main() {
    scar::keep_quiet();
    const pthread_key_t last = scar::take_all_keys();
    record(2000);
    REQUIRE_SUM(telemetry.events, 16'000u);
    REQUIRE_SUM(telemetry.cities, 16'000u);
    REQUIRE_SUM(telemetry.sizes, 16'000u);
    const std::uint64_t shared = apm::detail::process_root().fallbacks.load();
    scar::require(shared == 3 * 16'000, "each record was counted as shared, once", shared);
    scar::require(apm::detail::process_root().blocks.load() == 0, "no block");
    pthread_key_delete(last);
    record(2000);
    REQUIRE_SUM(telemetry.events, 32'000u);
    REQUIRE_SUM(telemetry.cities, 32'000u);
    scar::require(apm::detail::process_root().fallbacks.load() == shared, "nothing more was shared");
}
