// Telemetry is behaviour, so it is tested: what did this call record, and nothing else?
#include <cstdio>
#include <cstdlib>

#include <apm/apm.hpp>
#include <apm/testing.hpp>

BOOST_DEFINE_ENUM_CLASS(Result, hit, miss)
APM_FIELDS(Lookup, (Result, result));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "cache"};

    counter<Lookup>                 lookups{this, "cache.lookups", "Keys looked up"};
    gauge<>                         entries{this, "cache.entries", "Keys held"};
    histogram<apm::no_labels, apm::bytes, apm::base2_buckets<0, 0, 20>>
                                    value_size{this, "cache.value.size", "Size of what was found"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// What is tested.
void look_up(bool known, unsigned size) {
    telemetry.lookups.add(1, {.result = known ? Result::hit : Result::miss});
    telemetry.entries.set(known ? 7 : 8);
    if (known) telemetry.value_size.record(size);
}

#define CHECK(condition) if (!(condition)) std::printf("line %d: not so: %s\n", __LINE__, #condition), std::exit(1)

int main() {
    apm::testing::probe probe;  // sees what is recorded from here on; needs no runtime, no back end, no reset
    look_up(true, 300);
    look_up(true, 500);
    CHECK(probe.added(telemetry.lookups, {.result = Result::hit}) == 2);
    CHECK(probe.added(telemetry.lookups, {.result = Result::miss}) == 0);
    CHECK(probe.value(telemetry.entries) == 7);
    CHECK((probe.recorded(telemetry.value_size) == apm::testing::distribution{.count = 2, .sum = 800}));

    probe.restart();
    look_up(false, 0);
    CHECK((probe.changes() == std::vector<std::string>{"cache.lookups{result=miss} +1"}));  // and nothing else
    std::puts("the cache records what it should");
}
