// The smallest program: a schema, some records, and what they come to.
#include <cstdio>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "first", .version = "1.0.0"};  // whose telemetry this is

    counter<> greetings{this, "greetings", "Greetings said"};
};
constexpr auto& telemetry = apm::instruments<Schema>;  // in a header: inline constexpr

int main() {
    for (int i = 0; i < 3; ++i) telemetry.greetings.add(1);

    const apm::snapshot now = apm::collect();  // what a back end sees; see own_backend.cpp for who calls it
    for (const apm::family& family : now.families)
        for (const apm::series_view& series : family.series)
            std::printf("%s = %.0f  (%s)\n", family.row->name, series.real(), family.row->help);
}
