#pragma once
// The schema of all scars, and how a program reads it and fails.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

namespace scar {

BOOST_DEFINE_ENUM_CLASS(From, main, thread, child, handler)
APM_FIELDS(Where, (From, from));
APM_FIELDS(City, (apm::text<>, city));
struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "scar"};
    counter<>                          events{this, "events", "no labels"};
    counter<Where>                     where {this, "where", "closed labels"};
    counter<City>                      cities{this, "cities", "open text"};
    histogram<City, apm::count, tens>  sizes {this, "sizes", "open text, many cells"};
    counter<apm::no_labels, apm::money<"USD">> money{this, "money", "reals"};
    gauge<City>                        level {this, "level", "set by anyone"};
    gauge<>                            plain {this, "plain", "observed"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

// The sum over all series of a row: totals, or a histogram's counts.
inline std::uint64_t sum_of(const apm::row& r) {
    std::uint64_t sum = 0;
    const apm::snapshot now = apm::collect();
    for (const apm::family& f : now.families)
        if (f.row == &r)
            for (const apm::series_view& s : f.series) sum += f.row->kind == apm::kind::histogram ? s.count() : s.total();
    return sum;
}

// Ends the process with a line that names what failed. Also after main, whose result is no longer looked at.
inline void require(bool good, const char* what, unsigned long long got = 0) {
    if (good) return;
    std::fprintf(stderr, "failed: %s (got %llu)\n", what, got);
    _exit(1);
}
#define REQUIRE_SUM(row, expected)                                                            \
    do {                                                                                      \
        const std::uint64_t scar_sum = ::scar::sum_of(row);                                   \
        ::scar::require(scar_sum == (expected), #row " == " #expected, scar_sum);             \
    } while (false)

// Programs whose last check comes after main return this; only succeed() makes them pass.
inline constexpr int too_early = 3;
[[noreturn]] inline void succeed() { _exit(0); }

// Waits for a child that has to end well.
inline void wait_for(pid_t child, const char* what) {
    require(child > 0, "fork");
    int status = -1;
    waitpid(child, &status, 0);
    require(status == 0, what, static_cast<unsigned>(status));
}

// Every key for thread-local data that the process may still have. Returns the last, to be given back.
inline pthread_key_t take_all_keys() {
    pthread_key_t last{};
    bool some = false;
    for (pthread_key_t key; pthread_key_create(&key, nullptr) == 0; last = key) some = true;
    require(some, "some keys were left");
    return last;
}

inline void keep_quiet() {
    apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char*) {}));
}

}  // namespace scar
