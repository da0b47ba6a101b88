// The file of a program that records; off.cpp is the other. One schema, one store, one layout.
#include <cstdio>

#include "shared.hpp"

void record_in_the_file_that_is_off(unsigned n);
bool is_off_there();

int main() {
    odr::telemetry.events.add(3);
    record_in_the_file_that_is_off(1000);
    odr::telemetry.sides.add(2, {.side = odr::Side::left});
    const odr::view v = odr::look();
    const bool good = v.events == 3 && v.sides == 2 && v.cities == 0 && v.stores == 1 && is_off_there() && apm::enabled();
    if (!good) std::fprintf(stderr, "failed: %llu events, %llu sides\n", static_cast<unsigned long long>(v.events), static_cast<unsigned long long>(v.sides));
    return good ? 0 : 1;
}
