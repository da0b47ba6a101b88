// The file of a program that records; in off.cpp APM is off, in coarse.cpp spans of level 2 are. One schema, one store, one layout.
#include <cstdio>

#include <apm/spans.hpp>

#include "shared.hpp"

void record_in_the_file_that_is_off(unsigned n);
void trace_in_the_coarse_file();
bool is_off_there();

int main() {
    odr::telemetry.events.add(3);
    record_in_the_file_that_is_off(1000);
    odr::telemetry.sides.add(2, {.side = odr::Side::left});
    trace_in_the_coarse_file();
    {
        TRACE_SCOPE(odr::telemetry.call);
        TRACE_SCOPE(odr::telemetry.detail);
    }
    std::string spans;
    for (const apm::span_view& s : apm::drain_spans().spans) spans += s.name(), spans += ' ';
    const odr::view v = odr::look();
    const bool good = v.events == 3 && v.sides == 2 && v.cities == 0 && v.stores == 1 && spans == "call detail call " &&
                      is_off_there() && apm::enabled();
    if (!good) std::fprintf(stderr, "failed: %llu events, %llu sides, spans %s\n", static_cast<unsigned long long>(v.events),
                            static_cast<unsigned long long>(v.sides), spans.c_str());
    return good ? 0 : 1;
}
