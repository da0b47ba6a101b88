// The program's own operator new and delete record, from the very first allocation and inside a collection.
// NOT-UNDER thread it has an operator new of its own
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "scar.hpp"

using scar::telemetry;

void* operator new(std::size_t size) {
    telemetry.events.add(1);
    telemetry.sizes.record(size, {.city = "new"});
    if (void* p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
    telemetry.where.add(1, {.from = scar::From::main});
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

int main() {
    for (int i = 0; i < 4; ++i)
        std::thread([] {
            std::vector<std::string> all;
            for (int n = 0; n < 100; ++n) all.push_back("a string that does not fit into itself " + std::to_string(n));
        }).join();
    scar::require(scar::sum_of(telemetry.events) >= 400, "allocations were counted");
    scar::require(scar::sum_of(telemetry.where) >= 400, "deallocations were counted");
}
