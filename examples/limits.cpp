// Limits: no label makes a program's memory grow without bound. What does not fit is counted all the same.
#include <cstdio>
#include <string>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/testing.hpp>

APM_FIELDS(Visit, (apm::text<32>, user_agent));  // typed by strangers

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "limits"};

    counter<Visit> visits{this, "visits", "Visits", {.limit = 3}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

int main() {
    for (int i = 1; i <= 10; ++i) telemetry.visits.add(1, {.user_agent = "browser " + std::to_string(i)});
    telemetry.visits.add(5, {.user_agent = "browser 1"});  // who is in stays in

    const apm::snapshot now = apm::collect();
    for (const apm::family& family : now.families) {
        for (const apm::series_view& series : family.series)
            std::printf("%s %g\n", apm::testing::name_of(family, series).c_str(), series.real());
        std::printf("%d records went to the overflow series\n", static_cast<int>(family.overflowed));
    }
}
