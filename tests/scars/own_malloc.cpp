// The program's own malloc and calloc record, each into a series of its size: in the middle of what the library allocates for.
// NOT-UNDER address,thread it has an allocator of its own
#include <cstddef>
#include <string>

#include "scar.hpp"

using scar::telemetry;

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);

namespace {
bool counting = false;
thread_local bool inside = false;
std::uint64_t allocations = 0;

void note(std::size_t size) {
    if (!counting || inside) return;
    inside = true;
    telemetry.events.add(1);
    telemetry.cities.add(1, {.city = size < 64 ? "small" : size < 256 ? "middle" : size < 4096 ? "large" : "huge"});
    telemetry.sizes.record(static_cast<std::uint64_t>(size), {.city = size < 4096 ? "any" : "huge"});
    ++allocations;
    inside = false;
}

void record_to(const char* city) {
    telemetry.cities.add(10, {.city = city});
    telemetry.sizes.record(1, {.city = city});
    telemetry.level.set(1, {.city = city});
    telemetry.where.add(1, {.from = scar::From::main});
}
}  // namespace

extern "C" void* malloc(std::size_t size) {
    note(size);
    return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t n, std::size_t size) {
    note(n * size);
    return __libc_calloc(n, size);
}

int main() {
    counting = true;
    for (const char* city : {"Aachen", "Bonn", "Celle"}) record_to(city);
    for (int i = 0; i < 40; ++i) record_to(std::string(3, static_cast<char>('A' + i)).c_str());
    counting = false;
    std::uint64_t own = 0, of_allocator = 0;
    const apm::snapshot now = apm::collect();
    for (const apm::family& f : now.families) {
        if (f.row != &telemetry.cities) continue;
        for (const apm::series_view& s : f.series)
            s.labels([&](std::string_view, std::string_view city) {
                const bool its = city == "small" || city == "middle" || city == "large" || city == "huge";
                (its ? of_allocator : own) += s.total();
                scar::require(its || s.total() == 10, "each city has what was recorded to it", s.total());
            });
    }
    scar::require(own == 430, "what the program recorded", own);
    scar::require(allocations > 0 && of_allocator == allocations, "what the allocator recorded", of_allocator);
    REQUIRE_SUM(telemetry.events, allocations);
    REQUIRE_SUM(telemetry.sizes, allocations + 43);
    REQUIRE_SUM(telemetry.where, 43u);
}
