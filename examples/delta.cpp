// Deltas: what happened since I looked last. Any number of readers, and none disturbs another.
#include <cstdio>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

BOOST_DEFINE_ENUM_CLASS(Door, front, back)
APM_FIELDS(Visitor, (Door, door));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "delta"};

    counter<Visitor> visitors{this, "visitors", "People who came in"};
    gauge<>          inside{this, "people.inside", "People inside"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void print(const char* who, const apm::snapshot& s) {
    std::printf("%s:\n", who);
    for (const apm::family& family : s.families)
        for (const apm::series_view& series : family.series) {
            std::printf("  %s", family.row->name);
            series.labels([](std::string_view, std::string_view value) {
                std::printf(" %.*s", static_cast<int>(value.size()), value.data());
            });
            std::printf(": %g\n", series.real());
        }
}

int main() {
    apm::delta_reader minute, hour;
    telemetry.visitors.add(5, {.door = Door::front});
    telemetry.inside.set(5);
    print("first minute", minute.collect());

    telemetry.visitors.add(1, {.door = Door::back});
    telemetry.inside.set(6);
    print("second minute", minute.collect());  // series that did not change are left out; a gauge is what it is
    print("the hour", hour.collect());
}
