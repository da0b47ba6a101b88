// -ffast-math promises the compiler that there are no NaN and no infinities. They come all the same, and are rejected.
// FLAGS -O2 -ffast-math
#include <cstdlib>

#include "scar.hpp"

namespace {

struct tenths { static constexpr auto bounds = apm::explicit_bounds(0.1, 0.2); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "fast math"};
    counter<apm::no_labels, apm::money<"USD">>            money{this, "money", "money"};
    updown<apm::no_labels, apm::money<"USD">>             held {this, "held", "money"};
    histogram<apm::no_labels, apm::score, tenths>         score{this, "score", "scores"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace

int main() {
    for (const char* text : {"nan", "inf", "-inf"}) {
        const double v = std::strtod(text, nullptr);
        telemetry.money.add(v);
        telemetry.held.add(v);
        telemetry.score.record(v);
    }
    telemetry.money.add(0.5);
    telemetry.held.add(0.5);
    telemetry.score.record(0.15);
    for (const apm::family& f : apm::collect().families) {
        scar::require(f.rejected == 3, f.row->name, f.rejected);
        const double sum = f.row->kind == apm::kind::histogram ? f.series[0].sum() * 10 / 3 : f.series[0].real();
        scar::require(sum > 0.49 && sum < 0.51, f.row->name, static_cast<unsigned>(sum));
    }
}
