// Labels: what a value was about. A label set is a struct; what a label can say follows from its field's type.
#include <cstdio>
#include <optional>
#include <string>

#include <apm/apm.hpp>
#include <apm/testing.hpp>

BOOST_DEFINE_ENUM_CLASS(Model, gpt_4o, claude, other)  // closed: the enumerators are all there are
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"));             // names that are no identifiers

APM_FIELDS(Call,
    (Model, model),
    (bool, cached),
    (apm::named<apm::range<200, 599>, "http.status">, status),  // integers with bounds; a label with a dot in its name
    (std::optional<apm::text<16>>, tenant));                    // open text, at most 16 bytes of it; may be left out

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "labels"};

    counter<Call> calls{this, "llm.calls", "Calls of a language model", {.limit = 100}};  // 2000 where none is given
};
constexpr auto& telemetry = apm::instruments<Schema>;

int main() {
    const apm::testing::probe probe;
    telemetry.calls.add(1, {.model = Model::gpt_4o, .cached = false, .status = 200});
    telemetry.calls.add(2, {.model = Model::claude, .cached = true, .status = 200, .tenant = "acme"});
    telemetry.calls.add(3, {.model = Model::claude, .cached = true, .status = 200, .tenant = "a tenant of a very long name"});

    // What is outside of what was declared has a series as well: it is counted, and costs no more.
    telemetry.calls.add(4, {.model = static_cast<Model>(77), .cached = false, .status = 999});

    // None of these compiles:
    //   add(1, {.model = Model::claude, .status = 200});                    // `cached` is required and was left out
    //   add(1, {.model = "claude", .cached = true, .status = 200});         // text is no Model
    //   add(-1, {.model = Model::claude, .cached = true, .status = 200});   // a counter only grows

    for (const std::string& change : probe.changes()) std::puts(change.c_str());
}
