// Recording, observing and collecting without exceptions and RTTI.
// FLAGS -fno-exceptions -fno-rtti
#include "scar.hpp"

using scar::telemetry;

int main() {
    telemetry.events.add(2);
    telemetry.cities.add(1, {.city = "Bari"});
    const auto registration = telemetry.plain.observe([] { return 7; });
    REQUIRE_SUM(telemetry.events, 2u);
    REQUIRE_SUM(telemetry.plain, 7u);
}
