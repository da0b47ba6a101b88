#pragma once
// The schema that all modules of a test share, and what each of them can be asked.
#include <cstdint>
#include <cstring>
#include <string>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

namespace odr {

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(OfSide, (Side, side));
APM_FIELDS(City, (apm::text<>, city));
struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "odr", .version = "1"};
#ifdef OTHER_LAYOUT
    counter<> before{this, "before", "a row that other modules do not know"};
#endif
    counter<>                         events{this, "events", "no labels"};
    counter<OfSide>                   sides {this, "sides", "closed labels"};
    counter<City>                     cities{this, "cities", "open text"};
    histogram<City, apm::count, tens> sizes {this, "sizes", "open text, many cells"};
    gauge<>                           level {this, "level", "set by anyone"};
    span<>                            call  {this, "call", "everything recorded once"};
    span<apm::no_attributes, apm::level<2>> detail{this, "detail", "in files that trace in detail"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

// Records n times into each row, in a span.
inline void record_everywhere(unsigned n) {
    TRACE_SCOPE(telemetry.call);
    for (unsigned i = 0; i < n; ++i) {
        telemetry.events.add(1);
        telemetry.sides.add(1, {.side = i % 2 ? Side::left : Side::right});
        telemetry.cities.add(1, {.city = i % 2 ? "odd" : "even"});
        telemetry.sizes.record(i % 40, {.city = "all"});
    }
    telemetry.level.set(n);
}

// What a collection says, seen from the module that asks. All modules must see the same.
struct view {
    std::uint64_t events = 0, sides = 0, cities = 0, sizes = 0, level = 0;
    std::uint64_t stores = 0;     // schemas of this name
    std::uint64_t blocks = 0;     // in the whole process
    std::uint64_t conflicts = 0;
};
inline view look() {
    view v;
    const apm::snapshot now = apm::collect();
    const void* schema = nullptr;
    for (const apm::family& f : now.families) {
        if (std::strcmp(f.schema->name, "odr") != 0) continue;
        if (f.schema != schema) ++v.stores, schema = f.schema;
        std::uint64_t sum = 0;
        for (const apm::series_view& s : f.series) {
            sum += f.row->kind == apm::kind::histogram ? s.count() : s.total();
            s.labels([&](std::string_view name, std::string_view value) { sum += name.size() + value.size() < 1; });  // read
        }
        const std::string row = f.row->name;
        (row == "events" ? v.events : row == "sides" ? v.sides : row == "cities" ? v.cities : row == "sizes" ? v.sizes : v.level) += sum;
    }
    v.blocks = apm::detail::process_root().blocks.load();
    v.conflicts = apm::detail::process_root().conflicts.load();
    return v;
}

}  // namespace odr

// A module's interface, by name: record_a, look_a, root_a.
#define ODR_JOIN(a, b) a##b
#define ODR_NAME(name, module) ODR_JOIN(name, module)
