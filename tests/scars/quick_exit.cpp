// Records from a handler of quick_exit, which runs no destructors.
#include "scar.hpp"

using scar::telemetry;

int main() {
    std::at_quick_exit([] {
        REQUIRE_SUM(telemetry.events, 2u);
        scar::succeed();
    });
    std::at_quick_exit([] { telemetry.events.add(1); });
    telemetry.events.add(1);
    std::quick_exit(scar::too_early);
}
