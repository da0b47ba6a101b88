// What a schema may say, it may say to tools/lib/absent too: else a file that uses macros only would seem to use more.
#include <apm/apm.hpp>
#include <apm/macros.hpp>
#include <apm/schema.hpp>
#include <apm/schema/shop.hpp>

#include "../codegen/schema.hpp"

namespace absent_test {

struct few {
    static constexpr auto bounds = apm::explicit_bounds(1, 2, 3);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "absent", .version = "1", .schema_url = "https://example.com/1"};
    counter<>                                   a{this, "a", "A", {.limit = 7, .prometheus_name = "aa", .exemplars = true}};
    updown<>                                    b{this, "b", "B", {.series = apm::exported::automatic}};
    gauge<apm::no_labels, apm::ratio>           c{this, "c", "C", {.series = apm::exported::from_zero}};
    histogram<apm::no_labels, apm::score, few> d{this, "d", "D", {.series = apm::exported::when_touched}};
    span<>                                      e{this, "e", "E"};
    span<apm::no_attributes, apm::server, apm::measured_in<few>, apm::level<2>> f{this, "f", "F"};
    span<apm::no_attributes, apm::client, apm::measured>                           g{this, "g", "G"};
    span<apm::no_attributes, apm::producer>     h{this, "h", "H"};
    span<apm::no_attributes, apm::consumer>     i{this, "i", "I"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void work() {
    TRACE_FUNCTION();
    APM_TRACE_FUNCTION();
    TRACE_SCOPE(telemetry.e);
    APM_TRACE_SCOPE("literal");
    APM(telemetry.a.add(1));
    APM_TIME(telemetry.d);
    APM_IF_ENABLED(telemetry.a.add(1);)
}

}  // namespace absent_test

int main() { absent_test::work(); }
