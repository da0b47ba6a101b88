// Records from static constructors of two files, linked in either order, and before those.
// WITH before_main.inc
#include "scar.hpp"

using scar::telemetry;

[[gnu::constructor(101)]] static void very_early() {
    telemetry.events.add(1);
    telemetry.cities.add(1, {.city = "early"});
}

static const struct here {
    here() {
        telemetry.events.add(1);
        telemetry.cities.add(1, {.city = "here"});
        telemetry.plain.set(1);
        apm::collect();
    }
} constructed;

extern int in_the_other_file;

int main() {
    telemetry.events.add(1);
    REQUIRE_SUM(telemetry.events, 4u);
    REQUIRE_SUM(telemetry.cities, 3u);
    scar::require(in_the_other_file == 1, "the other file was constructed");
}
