#include <apm/collect.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

BOOST_DEFINE_ENUM_CLASS(Method, card, cash)
APM_FIELDS(Order, (Method, method), (std::optional<bool>, express));
APM_FIELDS(City, (apm::text<>, city));
APM_FIELDS(Short, (apm::text<4>, city));
APM_FIELDS(Huge, (apm::text<65536>, city));
APM_FIELDS(Wide, (apm::range<1, 40>, n));
APM_FIELDS(Wider, (apm::range<1, 100>, n));

struct many { static constexpr auto bounds = apm::linear_bounds<20>(0, 1); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "collect test", .version = "3", .schema_url = "https://example.com/3"};
    counter<>      first  {this, "first", "declared first"};
    counter<Order> small  {this, "small", "from zero: few series"};
    counter<Order> touched{this, "touched", "when touched: said so", {.series = apm::exported::when_touched}};
    counter<Wider> larger {this, "larger", "when touched: many series"};
    counter<Wider> zeros  {this, "zeros", "from zero: said so", {.series = apm::exported::from_zero}};
    histogram<Wide, apm::count, many> deep{this, "deep", "few series, many cells: looked up, from zero"};
    counter<Wide>  narrow {this, "narrow", "fewer series than its labels have", {.limit = 5}};
    gauge<Order>   level  {this, "level", "never from zero"};
    counter<City>  cities {this, "cities", "at most 50", {.limit = 50}};
    counter<City>  one    {this, "one", "at most 1", {.limit = 1}};
    histogram<City, apm::count, many> raced{this, "raced", "at most 100, by 8 threads", {.limit = 100}};
    counter<City>  spelled{this, "spelled", "no UTF-8"};
    counter<Short> cut    {this, "cut", "long text"};
    counter<Huge>  huge   {this, "huge", "64 KiB of text"};
    counter<City>  flow   {this, "flow", "read by deltas", {.limit = 20}};
    counter<apm::no_labels, apm::money<"USD">> money{this, "money", "read by deltas"};
    histogram<apm::no_labels, apm::count, many> depth{this, "depth", "read by deltas"};
    gauge<>        now    {this, "now", "read by deltas"};
    updown<>       inside {this, "inside", "read by deltas"};
    counter<>      forked {this, "forked", "in a child"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// Lines about full rows are expected here.
const struct silence {
    silence() { apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char*) {})); }
} silent;

std::uint64_t sum_of(const apm::family& f) {
    std::uint64_t sum = 0;
    for (const apm::series_view& s : f.series) sum += f.row->kind == apm::kind::histogram ? s.count() : s.total();
    return sum;
}

}  // namespace

TEST_CASE("families come in the order of their declaration, with all that is known about them") {
    telemetry.first.add(1);
    const apm::snapshot now = apm::collect();
    names declared;
    for (const apm::family& f : now.families)
        if (f.schema->name == std::string("collect test")) declared.emplace_back(f.row->name);
    REQUIRE(declared.size() == 20);
    CHECK(names(declared.begin(), declared.begin() + 4) == names{"first", "small", "touched", "larger"});
    CHECK(declared.back() == "forked");
    const apm::family& f = family_of(now, telemetry.first);
    CHECK(std::string(f.schema->version) == "3");
    CHECK(std::string(f.schema->url) == "https://example.com/3");
    CHECK(std::string(f.row->help) == "declared first");
}

TEST_CASE("a snapshot tells when counting began and when it was taken") {
    const apm::snapshot one = apm::collect(), two = apm::collect();
    CHECK(one.started > 0);
    CHECK(one.started <= one.time);
    CHECK(two.started == one.started);
    CHECK(one.origin == one.started);
    CHECK(two.time >= one.time);
    CHECK(two.time - one.started < 3'600'000'000'000);
}

TEST_CASE("a snapshot stays what it was, wherever it is moved") {
    telemetry.first.add(1);
    std::vector<apm::snapshot> kept;
    for (int i = 0; i < 10; ++i) {
        kept.push_back(apm::collect());
        telemetry.first.add(1);
        telemetry.small.add(1, {.method = Method::card, .express = true});
    }
    for (std::size_t i = 1; i < kept.size(); ++i)
        CHECK(find_series(kept[i], telemetry.first, "")->total() == find_series(kept[i - 1], telemetry.first, "")->total() + 1);
}

TEST_CASE("small closed rows are exported from zero, in all that was declared; other and absent when touched") {
    const names zero{"method=card,express=false", "method=card,express=true", "method=cash,express=false",
                     "method=cash,express=true"};
    names small = series_names(apm::collect(), telemetry.small);
    CHECK(small == zero);
    telemetry.small.add(1, {.method = static_cast<Method>(9)});
    small = series_names(apm::collect(), telemetry.small);
    CHECK(small.size() == 5);
    CHECK(small.back() == "method=other");
}

TEST_CASE("rows that say otherwise, and large ones, are exported when touched") {
    CHECK(series_names(apm::collect(), telemetry.touched).empty());
    telemetry.touched.add(1, {.method = Method::cash, .express = true});
    CHECK(series_names(apm::collect(), telemetry.touched) == names{"method=cash,express=true"});
    CHECK(series_names(apm::collect(), telemetry.larger).empty());
    telemetry.larger.add(1, {.n = 70});
    telemetry.larger.add(1, {.n = 7});
    CHECK(series_names(apm::collect(), telemetry.larger) == names{"n=70", "n=7"});
    CHECK(series_names(apm::collect(), telemetry.level).empty());  // gauges have no zero
}

TEST_CASE("a row that asks for it is exported from zero however its series are kept") {
    CHECK(telemetry.zeros.tabled);
    CHECK(series_names(apm::collect(), telemetry.zeros).size() == 100);
    telemetry.zeros.add(3, {.n = 70});
    telemetry.zeros.add(4, {.n = 1000});
    const apm::snapshot now = apm::collect();
    CHECK(series_names(now, telemetry.zeros).size() == 101);
    CHECK(find_series(now, telemetry.zeros, "n=70")->total() == 3);
    CHECK(find_series(now, telemetry.zeros, "n=other")->total() == 4);
    CHECK(find_series(now, telemetry.zeros, "n=1")->total() == 0);

    CHECK(telemetry.deep.tabled);  // for its cells: 41 series of 22
    CHECK(series_names(apm::collect(), telemetry.deep).size() == 40);
    CHECK(find_series(apm::collect(), telemetry.deep, "n=40")->count() == 0);
}

TEST_CASE("a row is not exported from zero beyond its own limit") {
    CHECK(telemetry.narrow.tabled);
    CHECK(series_names(apm::collect(), telemetry.narrow).empty());
    for (int n = 1; n <= 40; ++n) telemetry.narrow.add(1, {.n = n});
    const apm::snapshot now = apm::collect();
    CHECK(series_names(now, telemetry.narrow) == names{std::string(overflow_series), "n=1", "n=2", "n=3", "n=4", "n=5"});
    CHECK(find_series(now, telemetry.narrow, overflow_series)->total() == 35);
    CHECK(family_of(now, telemetry.narrow).overflowed == 35);
}

TEST_CASE("a limit of N admits exactly N; the rest is in the overflow series, and counted") {
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 50; ++i) telemetry.cities.add(1, {.city = std::to_string(i)});
    CHECK(find_series(apm::collect(), telemetry.cities, overflow_series) == nullptr);
    CHECK(series_names(apm::collect(), telemetry.cities).size() == 50);
    for (int i = 50; i < 60; ++i) telemetry.cities.add(2, {.city = std::to_string(i)});
    telemetry.cities.with({.city = "late"}).add(1);
    telemetry.cities.add(1, {.city = "0"});
    const apm::snapshot now = apm::collect();
    CHECK(family_of(now, telemetry.cities).series.size() == 51);
    CHECK(find_series(now, telemetry.cities, overflow_series)->total() == 21);
    CHECK(find_series(now, telemetry.cities, overflow_series)->is_overflow());
    CHECK(family_of(now, telemetry.cities).overflowed == 11);
    CHECK(find_series(now, telemetry.cities, "city=0")->total() == 3);
    CHECK(sum_of(family_of(now, telemetry.cities)) == 2 * 50 + 2 * 10 + 1 + 1);

    telemetry.one.add(1, {.city = "a"});
    telemetry.one.add(1, {.city = "b"});
    CHECK(series_names(apm::collect(), telemetry.one) == names{std::string(overflow_series), "city=a"});
}

TEST_CASE("eight threads race for a limit: exactly N series, every record in exactly one of them") {
    const std::size_t records = 4000;
    in_threads(8, [&](std::size_t thread) {
        for (std::size_t i = 0; i < records; ++i) telemetry.raced.record(i % 20, {.city = std::to_string((i + thread * 61) % 250)});
    });
    const apm::snapshot now = apm::collect();
    const apm::family& f = family_of(now, telemetry.raced);
    CHECK(f.series.size() == 101);
    CHECK(sum_of(f) == 8 * records);
    CHECK(find_series(now, telemetry.raced, overflow_series)->count() == 150 * 8 * records / 250);
    CHECK(f.overflowed == 150 * 8 * records / 250);
    for (const apm::series_view& s : f.series)
        if (!s.is_overflow()) CHECK(s.count() == 8 * records / 250);
}

TEST_CASE("spellings that read alike are one series") {
    for (const char* city : {"caf\xe9", "caf\xe8", "caf\xef\xbf\xbd"}) telemetry.spelled.add(1, {.city = city});
    CHECK(series_names(apm::collect(), telemetry.spelled) == names{"city=caf\xef\xbf\xbd"});
    CHECK(total_of(telemetry.spelled, "city=caf\xef\xbf\xbd") == 3);
}

TEST_CASE("long text is cut at its bound: what is equal up to there is one series") {
    for (const char* city : {"Bonn", "Bonn-Ost", "Bonner", "Bon\xc3\xa9"}) telemetry.cut.add(1, {.city = city});
    CHECK(series_names(apm::collect(), telemetry.cut) == names{"city=Bonn", "city=Bon"});
    CHECK(total_of(telemetry.cut, "city=Bonn") == 3);
}

TEST_CASE("64 KiB of text") {
    const std::string big(65536, 'x');
    telemetry.huge.add(1, {.city = big});
    telemetry.huge.add(1, {.city = big + "more"});
    CHECK(total_of(telemetry.huge, "city=" + big) == 2);
}

TEST_CASE("a delta reader sees what came since its last time; readers do not disturb each other") {
    apm::delta_reader one;
    one.collect();
    telemetry.flow.add(5, {.city = "Bari"});
    telemetry.money.add(0.5);
    telemetry.depth.record(3);
    telemetry.depth.record(4);
    telemetry.now.set(7);
    telemetry.inside.sub(2);
    apm::delta_reader two;
    apm::snapshot d = one.collect();
    CHECK(find_series(d, telemetry.flow, "city=Bari")->total() == 5);
    CHECK(find_series(d, telemetry.money, "")->real() == 0.5);
    CHECK(find_series(d, telemetry.depth, "")->count() == 2);
    CHECK(find_series(d, telemetry.depth, "")->integer_sum() == 7);
    CHECK(find_series(d, telemetry.now, "")->integer() == 7);
    CHECK(find_series(d, telemetry.inside, "")->integer() == -2);

    telemetry.flow.add(1, {.city = "Oslo"});
    telemetry.depth.record(3);
    d = one.collect();
    CHECK(series_names(d, telemetry.flow) == names{"city=Oslo"});  // Bari did not change
    CHECK(series_names(d, telemetry.money).empty());
    CHECK(find_series(d, telemetry.depth, "")->count() == 1);
    CHECK(find_series(d, telemetry.depth, "")->buckets()[3] == 1);
    CHECK(find_series(d, telemetry.now, "")->integer() == 7);  // present values are as they are
    CHECK(find_series(d, telemetry.inside, "")->integer() == -2);
    telemetry.inside.add(2);
    CHECK(find_series(one.collect(), telemetry.inside, "")->integer() == 0);

    d = two.collect();  // all that came before its first time included
    CHECK(find_series(d, telemetry.flow, "city=Bari")->total() == 5);
    CHECK(find_series(d, telemetry.flow, "city=Oslo")->total() == 1);
    CHECK(find_series(d, telemetry.depth, "")->count() == 3);
}

namespace {
struct Endless : apm::schema<Endless> {
    static constexpr apm::scope scope{.name = "test.collect.endless"};
    counter<apm::no_labels, apm::money<"USD">> money{this, "money", "Beyond what a double holds"};
};
}  // namespace

TEST_CASE("a sum that became infinite has not changed by what is not a number") {
    constexpr auto& endless = apm::instruments<Endless>;
    apm::delta_reader reader;
    endless.money.add(1e308);
    endless.money.add(1e308);
    CHECK(find_series(reader.collect(), endless.money, "")->real() > 1e308);
    CHECK(series_names(reader.collect(), endless.money).empty());
}

TEST_CASE("intervals of a delta reader touch, without gap or overlap") {
    apm::delta_reader reader;
    const apm::snapshot first = reader.collect(), second = reader.collect(), third = reader.collect();
    CHECK(first.started == apm::collect().started);
    CHECK(first.origin == first.started);
    CHECK(third.origin == first.started);
    CHECK((first.delta && third.delta && !apm::collect().delta));
    CHECK(second.started == first.time);
    CHECK(third.started == second.time);
}

TEST_CASE("what was rejected and what overflowed are deltas, too") {
    apm::delta_reader reader;
    reader.collect();
    for (int i = 0; i < 30; ++i) telemetry.flow.add(1, {.city = "o" + std::to_string(i)});
    telemetry.money.add(-1);
    apm::snapshot d = reader.collect();
    const std::uint64_t overflowed = family_of(d, telemetry.flow).overflowed;
    CHECK(overflowed > 0);
    CHECK(find_series(d, telemetry.flow, overflow_series)->total() == overflowed);
    CHECK(family_of(d, telemetry.money).rejected == 1);
    d = reader.collect();
    CHECK(family_of(d, telemetry.flow).overflowed == 0);
    CHECK(family_of(d, telemetry.money).rejected == 0);
    CHECK(find_series(d, telemetry.flow, overflow_series) == nullptr);
}

TEST_CASE("deltas of several readers each add up to the cumulative totals, while eight threads record") {
    const std::size_t adds = repeat(200'000);
    const auto total = [](const apm::snapshot& s) {
        std::map<std::string, std::uint64_t> sums;
        for (const apm::series_view& x : family_of(s, telemetry.flow).series) sums[labels_of(x)] += x.total();
        for (const apm::series_view& x : family_of(s, telemetry.depth).series)
            for (std::size_t i = 0; i < x.buckets().size(); ++i)
                if (x.buckets()[i]) sums["bucket " + std::to_string(i)] += x.buckets()[i];
        return sums;
    };
    struct sums {
        apm::delta_reader reader;
        std::map<std::string, std::uint64_t> seen;
    } one, two;
    const auto read = [&](sums& s) {
        for (const auto& [name, n] : total(s.reader.collect())) s.seen[name] += n;
    };
    {
        meanwhile a([&] { read(one); }), b([&] { read(two), std::this_thread::sleep_for(50us); });
        in_threads(8, [&](std::size_t thread) {
            for (std::size_t i = 0; i < adds; ++i) {
                if (i % 8 == 0) telemetry.flow.add(1, {.city = std::to_string(i % 30)});
                telemetry.depth.record(thread);
            }
        });
    }
    read(one), read(two);
    std::map<std::string, std::uint64_t> cumulative = total(apm::collect());
    CHECK(one.seen == cumulative);
    CHECK(two.seen == cumulative);
}

TEST_CASE("a forked child counts from zero, and so do its readers") {
    telemetry.forked.add(10);
    apm::delta_reader reader;
    reader.collect();
    const std::uint64_t started = apm::collect().started;
    const pid_t child = fork();
    if (child == 0) {
        int wrong = total_of(telemetry.forked) != 0;
        wrong += apm::collect().started < started;
        telemetry.forked.add(3);
        wrong += 2 * (total_of(telemetry.forked) != 3);
        const apm::snapshot d = reader.collect();
        const apm::series_view* s = find_series(d, telemetry.forked, "");
        wrong += 4 * (!s || s->total() != 3);
        telemetry.cities.add(1, {.city = "0"});  // what was admitted stays so, at zero
        wrong += 8 * (total_of(telemetry.cities, "city=0") != 1);
        wrong += 16 * (total_of(telemetry.cities, "city=1") != 0);
        _exit(wrong);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(total_of(telemetry.forked) == 10);
}
