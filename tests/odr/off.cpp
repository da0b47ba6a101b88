// Compiled with -DAPM_ENABLED=0 into a program that is on. (No function of its own that is inline: see config.hpp.)
#include <apm/apm.hpp>

#include "shared.hpp"

void record_in_the_file_that_is_off(unsigned n) {
    odr::telemetry.events.add(n);
    odr::telemetry.sides.with({.side = odr::Side::right}).add(n);
    APM(odr::telemetry.cities.add(n, {.city = "off"}));
    TRACE_SCOPE(odr::telemetry.call);
    const auto detail = odr::telemetry.detail.scope();
    const auto registration = odr::telemetry.level.observe([] { return 7; });
}
bool is_off_there() { return !apm::enabled(); }
