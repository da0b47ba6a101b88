// Memory runs out: for one thread's blocks and chunks by its limit, and altogether. Records go to cells that threads share,
// exactly; what cannot be kept at all is counted; nothing crashes, and all is well once there is memory again.
// NOT-UNDER address,thread it replaces calloc and aligned_alloc
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "scar.hpp"

using scar::telemetry;

static std::atomic<bool> exhausted{false};

extern "C" {
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* calloc(std::size_t n, std::size_t size) noexcept { return exhausted ? nullptr : __libc_calloc(n, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return exhausted ? nullptr : __libc_memalign(alignment, size);
}
}

static std::uint64_t expected = 0, expected_cities = 0;

// 8 threads of n records each into every kind of row.
static void record(unsigned n) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([n] {
            for (unsigned k = 0; k < n; ++k) {
                telemetry.events.add(1);
                telemetry.where.add(1, {.from = scar::From::thread});
                telemetry.cities.add(1, {.city = std::to_string(k % 50)});
                telemetry.sizes.record(k % 40, {.city = std::to_string(k % 50)});
                telemetry.money.add(0.25);
                telemetry.level.set(k, {.city = "all"});
            }
        });
    for (std::thread& t : threads) t.join();
    expected += 8 * n;
    expected_cities += 8 * n;
}
static void check() {
    REQUIRE_SUM(telemetry.events, expected);
    REQUIRE_SUM(telemetry.where, expected);
    REQUIRE_SUM(telemetry.cities, expected_cities);
    REQUIRE_SUM(telemetry.sizes, expected_cities);
    for (const apm::family& f : apm::collect().families)
        if (f.row == &telemetry.money)
            scar::require(f.series[0].real() == 0.25 * static_cast<double>(expected), "money", static_cast<unsigned>(f.series[0].real()));
}

int main() {
    scar::keep_quiet();
    apm::detail::root& process = apm::detail::process_root();

    // Not even a store.
    exhausted = true;
    telemetry.events.add(1);
    telemetry.cities.add(1, {.city = "lost"});
    telemetry.cities.with({.city = "lost"}).add(1);
    telemetry.level.set(1, {.city = "lost"});
    telemetry.plain.set(1);
    telemetry.money.add(-1);
    exhausted = false;
    scar::require(process.lost.load() == 6, "each lost record was counted", process.lost.load());
    REQUIRE_SUM(telemetry.events, 0u);

    std::uint64_t before = ~std::uint64_t{0};
    const std::size_t block = sizeof(apm::detail::block) + apm::detail::description_of<scar::Schema>.cells * sizeof(apm::detail::cell);
    for (const std::size_t limit : {std::size_t{1}, block + 64, block + 1000, block + 2500}) {  // no block; no chunks; some
        process.thread_bytes.store(limit);
        process.fallbacks.store(0);
        record(1000);
        check();
        const std::uint64_t shared = process.fallbacks.load();
        scar::require(shared > 0 && shared < before, "some went to shared cells, fewer than with a lower limit", shared);
        before = shared;
    }
    process.thread_bytes.store(0);
    process.fallbacks.store(0);
    record(1000);
    check();
    scar::require(process.fallbacks.load() == 0, "without a limit, nothing goes to shared cells", process.fallbacks.load());

    // New threads, more of them than there are blocks, without memory. Their tables and shared chunks exist by now.
    std::vector<std::thread> crowd;
    std::atomic<unsigned> ready{0};
    std::atomic<bool> go{false};
    for (int i = 0; i < 32; ++i)
        crowd.emplace_back([&] {
            ++ready;
            while (!go) std::this_thread::yield();
            for (int k = 0; k < 1000; ++k) telemetry.events.add(1), telemetry.where.add(1, {.from = scar::From::thread});
            ++ready;
            while (ready < 64) std::this_thread::yield();  // all alive at once
        });
    while (ready < 32) std::this_thread::yield();
    exhausted = true;
    go = true;
    for (std::thread& t : crowd) t.join();
    exhausted = false;
    REQUIRE_SUM(telemetry.events, expected + 32'000);
    REQUIRE_SUM(telemetry.where, expected + 32'000);
}
