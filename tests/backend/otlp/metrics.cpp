// ctest: LABELS serial
#include <apm/backend/otlp/metrics.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>

#include "backend/otlp/decoded.hpp"
#include "catch.hpp"

namespace otlp = apm::detail::otlp;
using namespace otlp_test;
using otlp_test::text;
using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Color, red, green)
APM_FIELDS(Label, (Color, color), (bool, warm), (apm::range<200, 204>, status), (std::optional<bool>, maybe),
           (apm::text<16>, city));
APM_FIELDS(Warm, (bool, warm));
APM_FIELDS(City, (apm::text<16>, city));

struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };
struct signs { static constexpr auto bounds = apm::explicit_bounds(-1, 0, 1); };
constexpr apm::row_options keep{.exemplars = true};
constexpr apm::row_options touched{.series = apm::exported::when_touched};
constexpr apm::row_options touched_and_keep{.series = apm::exported::when_touched, .exemplars = true};
using none = apm::no_labels;

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "otlp metrics", .version = "3", .schema_url = "https://example.org/2"};
    span<>                                      work    {this, "work", "A span"};
    counter<Label>                              orders  {this, "orders", "All labels"};
    counter<Warm>                               dense   {this, "dense", "From zero"};
    counter<none, apm::money<"USD">>            revenue {this, "revenue", "Doubles", keep};
    counter<none, apm::seconds>                 busy    {this, "busy", "Times"};
    counter<none, apm::nanoseconds>             ticks   {this, "ticks", "Times kept in their unit", keep};
    counter<none, apm::bytes>                   huge    {this, "huge", "Beyond OTLP's integers"};
    counter<City>                               few     {this, "few", "Overflows", {.limit = 2}};
    updown<none, apm::count_of<"request">>      flying  {this, "flying", "Up and down"};
    gauge<none, apm::bytes>                     level   {this, "level", "Integers"};
    gauge<none, apm::score>                     share   {this, "share", "Doubles of no unit"};
    histogram<Warm, apm::bytes, tens>           sizes   {this, "sizes", "Integers", touched_and_keep};
    histogram<none, apm::seconds, apm::latency_buckets>
                                                wait    {this, "wait", "Times", touched};
    histogram<none, apm::score, signs>          offsets {this, "offsets", "Below zero, too", touched};
    histogram<none, apm::score, apm::base2_buckets<3, -10, 20>>
                                                base3   {this, "base3", "A base of 1.09", touched_and_keep};
    histogram<none, apm::score, apm::base2_buckets<1, -10, 20>>
                                                base1   {this, "base1", "A base of 1.41", touched};
    histogram<none, apm::score, apm::base2_buckets<0, -10, 20>>
                                                base0   {this, "base0", "A base of 2", touched};
    histogram<none, apm::score, apm::base2_buckets<0, -2, 2>>
                                                narrow  {this, "narrow", "Five bounds", touched};
};
constexpr auto& telemetry = apm::instruments<Schema>;
struct Other : apm::schema<Other> {
    static constexpr apm::scope scope{.name = "other metrics"};
    counter<> last{this, "last", "In another scope"};
};
constexpr auto& other = apm::instruments<Other>;

struct Mine : apm::schema<Mine> {
    static constexpr apm::scope scope{.name = "any"};
    counter<City>                     orders{this, "orders", "Integers"};
    counter<City, apm::money<"EUR">>  money {this, "money", "Doubles"};
    histogram<City, apm::bytes, tens> sizes {this, "sizes", "Integers"};
};
constexpr auto& mine = apm::instruments<Mine>;

const apm::resource who{{{"service.name", "a"}}};

std::string encoded(otlp::encoding how, const apm::snapshot& s, std::span<const apm::family> families, std::uint64_t points) {
    return appended([&](std::string& out) { CHECK(otlp::append_request(out, how, s, families, who) == points); });
}
std::uint64_t points_of(std::span<const apm::family> families) {
    std::uint64_t n = 0;
    for (const apm::family& f : families) n += f.series.size();
    return n;
}
// As protobuf; JSON has to say the same.
node decoded(const apm::snapshot& s, std::span<const apm::family> families) {
    const std::uint64_t points = points_of(families);
    const node found = from_protobuf(encoded(otlp::encoding::protobuf, s, families, points), metrics);
    const node same = from_json(encoded(otlp::encoding::json, s, families, points), metrics);
    CHECK(same.text() == found.text());
    CHECK(same == found);
    return found;
}
node metric_of(const apm::snapshot& s, const apm::row& r) {
    for (const apm::family& f : s.families)
        if (f.row == &r) return decoded(s, {&f, 1})["resourceMetrics"]["scopeMetrics"]["metrics"];
    FAIL("no family " << r.name);
    return {};
}
node metric_of(const apm::row& r) { return metric_of(apm::collect(), r); }

}  // namespace

TEST_CASE("where there are no points there is nothing") {
    apm::delta_reader reader;
    reader.collect();
    const apm::snapshot s = reader.collect();
    std::vector<apm::family> none_of_them;
    std::string out = "before";
    for (const auto how : {otlp::encoding::protobuf, otlp::encoding::json}) {
        CHECK(otlp::append_request(out, how, s, {}, who) == 0);
        for (const apm::family& f : s.families)
            if (f.series.empty()) CHECK(otlp::append_request(out, how, s, {&f, 1}, who) == 0);
    }
    CHECK(out == "before");
}

TEST_CASE("a whole request is the bytes it should be") {
    apm::snapshot s;
    s.origin = s.started = 1, s.time = 2;
    static constexpr std::uint64_t cells[] = {5};
    const auto* const schema = &apm::detail::description_of<Other>;
    apm::family f{.row = &telemetry.flying, .schema = schema, .series = {}, .cells = {}, .exemplars = {}};
    f.series.emplace_back(telemetry.flying, 0u, nullptr, false, cells);
    std::string seven;
    for (int i = 0; i < 7; ++i) seven += " 00";
    CHECK(hex(encoded(otlp::encoding::protobuf, s, {&f, 1}, 1)) ==
          "0a 6d 0a 15 0a 13 0a 0c 73 65 72 76 69 63 65 2e 6e 61 6d 65 12 03 0a 01 61 "     // the resource
          "12 54 0a 0f 0a 0d 6f 74 68 65 72 20 6d 65 74 72 69 63 73 "                       // the scope
          "12 41 0a 06 66 6c 79 69 6e 67 12 0b 55 70 20 61 6e 64 20 64 6f 77 6e "           // "flying", "Up and down"
          "1a 09 7b 72 65 71 75 65 73 74 7d "                                               // "{request}"
          "3a 1f 0a 1b 11 01" + seven + " 19 02" + seven + " 31 05" + seven + " 10 02");
}

TEST_CASE("the scopes, and what leaves out families without series") {
    telemetry.flying.add(1);
    other.last.add(1);
    const apm::snapshot now = apm::collect();
    const node all = decoded(now, now.families)["resourceMetrics"];
    CHECK(all["resource"] == message_of("attributes", attribute("service.name", string_value("a"))));
    std::string found;
    for (const node& s : all.all("scopeMetrics")) {
        if (s["scope"]["name"] != text("otlp metrics") && s["scope"]["name"] != text("other metrics")) continue;
        found += s["scope"].text() + (s.has("schemaUrl") ? s["schemaUrl"].text() : "");
        for (const node& m : s.all("metrics"))
            if (m["name"] == text("flying") || m["name"] == text("last") || m["name"] == text("wait")) found += m["name"].text();
        found += '\n';
    }
    CHECK(found == "{name: \"otlp metrics\" version: \"3\" }\"https://example.org/2\"\"flying\"\n"
                   "{name: \"other metrics\" }\"last\"\n");
}

TEST_CASE("names, units and kinds") {
    telemetry.level.set(1), telemetry.share.set(0.5);
    const apm::snapshot now = apm::collect();
    const auto about = [&](const apm::row& r, std::string_view data) {
        const node m = metric_of(now, r);
        const node& d = m[data];
        return m["name"].text() + m["description"].text() + (m.has("unit") ? m["unit"].text() : "") +
               (d.has("aggregationTemporality") ? d["aggregationTemporality"].text() : "") +
               (d.has("isMonotonic") ? d["isMonotonic"].text() : "");
    };
    CHECK(about(telemetry.revenue, "sum") == R"("revenue""Doubles""{USD}"2true)");
    CHECK(about(telemetry.flying, "sum") == R"("flying""Up and down""{request}"2)");
    CHECK(about(telemetry.level, "gauge") == R"("level""Integers""By")");
    CHECK(about(telemetry.share, "gauge") == R"("share""Doubles of no unit")");
    telemetry.wait.record(1ms), telemetry.base0.record(1);
    const apm::snapshot then = apm::collect();
    CHECK(metric_of(then, telemetry.wait)["histogram"]["aggregationTemporality"] == number(2));
    CHECK(metric_of(then, telemetry.base0)["exponentialHistogram"]["aggregationTemporality"] == number(2));
}

TEST_CASE("numbers are integers or doubles as their unit says") {
    const auto point = [](const apm::row& r) {
        const node m = metric_of(r);
        node p = m[m.has("sum") ? "sum" : "gauge"]["dataPoints"];
        CHECK(p["timeUnixNano"] != number(0));
        return p.has("asInt") ? p["asInt"].text() : p["asDouble"].text();
    };
    telemetry.revenue.add(1.25), telemetry.busy.add(1500ms), telemetry.ticks.add(7ns);
    CHECK(point(telemetry.revenue) == real(1.25).text());
    CHECK(point(telemetry.busy) == real(1.5).text());
    CHECK(point(telemetry.ticks) == "7");
    telemetry.huge.add(~std::uint64_t{0});
    CHECK(point(telemetry.huge) == "9223372036854775807");
    for (const std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, (std::int64_t{1} << 53) + 1}) {
        telemetry.level.set(v);
        CHECK(point(telemetry.level) == number(v).text());
    }
    for (const double v : {0.0, -0.0, 0.1, -1e300, std::numeric_limits<double>::denorm_min()}) {
        telemetry.share.set(v);
        CHECK(point(telemetry.share) == real(v).text());
    }
}

TEST_CASE("attributes have the types of the labels") {
    const Label all{.color = Color::green, .warm = true, .status = 204, .maybe = false, .city = "K\xc3\xb6ln \xff"};
    const Label few{.color = static_cast<Color>(9), .warm = false, .status = 999, .maybe = {}, .city = ""};
    telemetry.orders.add(1, all), telemetry.orders.add(2, few);
    std::vector<std::string> found;
    for (const node& p : metric_of(telemetry.orders)["sum"].all("dataPoints")) {
        std::string labels;
        for (const node& a : p.all("attributes")) labels += a["key"].text() + a["value"].text();
        found.push_back(labels);
    }
    std::sort(found.begin(), found.end());
    CHECK(found == std::vector<std::string>{
                       R"("color"{stringValue: "green" }"warm"{boolValue: true }"status"{intValue: 204 })"
                       R"("maybe"{boolValue: false }"city"{stringValue: "Köln )" "\xef\xbf\xbd\" }",
                       R"("color"{stringValue: "other" }"warm"{boolValue: false }"status"{stringValue: "other" })"});
}

TEST_CASE("the overflow series says so, and is no text") {
    for (const char* city : {"a", "b", "c", "d"}) telemetry.few.add(1, {.city = city});
    const std::vector<node> points = metric_of(telemetry.few)["sum"].all("dataPoints");
    const auto overflow = std::find_if(points.begin(), points.end(), [](const node& p) {
        return p.all("attributes") == std::vector<node>{attribute("otel.metric.overflow", bool_value(true))};
    });
    REQUIRE(overflow != points.end());
    CHECK((*overflow)["asInt"] == number(2));
}

TEST_CASE("explicit histograms") {
    for (const int size : {10, 11, 99}) telemetry.sizes.record(size, {.warm = true});
    const node p = metric_of(telemetry.sizes)["histogram"]["dataPoints"];
    CHECK(p["count"] == number(3));
    CHECK(p["sum"] == real(120));
    CHECK(p["bucketCounts"].text() == "{: 1 : 1 : 0 : 1 }");
    CHECK(p["explicitBounds"].text() == "{: " + real(10).text() + " : " + real(20).text() + " : " + real(30).text() + " }");
    CHECK(p.all("attributes") == std::vector<node>{attribute("warm", bool_value(true))});
    telemetry.offsets.record(-3.5), telemetry.offsets.record(0.5);
    const node q = metric_of(telemetry.offsets)["histogram"]["dataPoints"];
    CHECK(q["count"] == number(2));
    CHECK_FALSE(q.has("sum"));  // which may go down
    CHECK(q["bucketCounts"].text() == "{: 1 : 0 : 1 : 0 }");
}

TEST_CASE("a histogram that counted nothing has no sum, even if a record under way has added to it") {
    apm::snapshot s;
    s.origin = s.started = 1, s.time = 2;
    static constexpr std::uint64_t cells[] = {0, 0, 0, 0, 5};
    const auto* const schema = &apm::detail::description_of<Schema>;
    apm::family f{.row = &telemetry.sizes, .schema = schema, .series = {}, .cells = {}, .exemplars = {}};
    f.series.emplace_back(telemetry.sizes, 0u, nullptr, false, cells);
    const node p = decoded(s, {&f, 1})["resourceMetrics"]["scopeMetrics"]["metrics"]["histogram"]["dataPoints"];
    CHECK(p["count"] == number(0));
    CHECK(p["sum"] == real(0));
}

TEST_CASE("exponential histograms have OTLP's indices") {
    struct value {
        double v;
        int at3, at1, at0;
    };
    // The index of a value at scales 3, 1 and 0, by OpenTelemetry's data model.
    static constexpr value values[] = {{0.001, -80, -20, -10}, {0.5, -9, -3, -2}, {1, -1, -1, -1},  {1.5, 4, 1, 0}, {2, 7, 1, 0},
                                       {3, 12, 3, 1},          {4, 15, 3, 1},     {10, 26, 6, 3},   {100, 53, 13, 6},
                                       {1e6, 159, 39, 19}};
    apm::delta_reader reader;
    reader.collect();
    for (const value& x : values) {
        telemetry.base3.record(x.v), telemetry.base1.record(x.v), telemetry.base0.record(x.v);
        const apm::snapshot s = reader.collect();
        const auto check = [&](const apm::row& r, int scale, int index) {
            INFO(x.v << " at scale " << scale);
            const node p = metric_of(s, r)["exponentialHistogram"]["dataPoints"];
            CHECK(p.has("scale") == (scale != 0));
            if (scale) CHECK(p["scale"] == number(scale));
            CHECK(p["positive"].has("offset") == (index != 0));
            if (index) CHECK(p["positive"]["offset"] == number(index));
            CHECK(p["positive"]["bucketCounts"].text() == "{: 1 }");
            CHECK(p["count"] == number(1));
            CHECK_FALSE(p.has("zeroCount"));
            CHECK(p["zeroThreshold"] == real(0.0009765625));
            CHECK_FALSE(p.has("negative"));
        };
        check(telemetry.base3, 3, x.at3), check(telemetry.base1, 1, x.at1), check(telemetry.base0, 0, x.at0);
    }
}

TEST_CASE("what is beyond an exponential histogram's range") {
    telemetry.narrow.record(0.25), telemetry.narrow.record(0);
    node p = metric_of(telemetry.narrow)["exponentialHistogram"]["dataPoints"];
    CHECK(p["zeroCount"] == number(2));
    CHECK(p["zeroThreshold"] == real(0.25));
    CHECK_FALSE(p.has("positive"));
    telemetry.narrow.record(100), telemetry.narrow.record(0.375), telemetry.narrow.record(4);
    p = metric_of(telemetry.narrow)["exponentialHistogram"]["dataPoints"];
    CHECK(p["count"] == number(5));
    CHECK(p["sum"] == real(104.625));
    CHECK(p["positive"]["offset"] == number(-2));                     // (0.25, 0.5]
    CHECK(p["positive"]["bucketCounts"].text() == "{: 1 : 0 : 0 : 1 : 1 }");  // (2, 4], and above
    CHECK(p["zeroCount"] == number(2));
}

TEST_CASE("exemplars: integers as they were recorded, doubles in the row's unit") {
    const auto work = telemetry.work.scope();
    const apm::context here = apm::context::current();
    const std::int64_t large = (std::int64_t{1} << 53) + 1;  // no double holds it
    apm::delta_reader reader;
    reader.collect();
    telemetry.revenue.add(0.5), telemetry.ticks.add(std::chrono::nanoseconds(large));
    telemetry.sizes.record(15, {.warm = false}), telemetry.sizes.record(large, {.warm = false});
    telemetry.base3.record(3);
    const apm::snapshot now = reader.collect();
    const auto check = [&](const std::vector<node>& found, std::string_view as, const std::vector<node>& values) {
        REQUIRE(found.size() == values.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CHECK(found[i]["traceId"] == id(here.trace.high, here.trace.low));
            CHECK(found[i]["spanId"] == id(here.span));
            CHECK(found[i][as] == values[i]);
            CHECK(found[i].parts.size() == 4);
            const std::uint64_t time = std::stoull(found[i]["timeUnixNano"].scalar);
            CHECK(time >= now.started);
            CHECK(time <= now.time);
        }
    };
    check(metric_of(now, telemetry.revenue)["sum"]["dataPoints"].all("exemplars"), "asDouble", {real(0.5)});
    check(metric_of(now, telemetry.ticks)["sum"]["dataPoints"].all("exemplars"), "asInt", {number(large)});
    check(metric_of(now, telemetry.sizes)["histogram"]["dataPoints"].all("exemplars"), "asInt", {number(15), number(large)});
    check(metric_of(now, telemetry.base3)["exponentialHistogram"]["dataPoints"].all("exemplars"), "asDouble", {real(3)});
}

TEST_CASE("deltas: of counters and histograms, not of updowns, and each says since when") {
    telemetry.dense.add(5, {.warm = true}), telemetry.flying.add(2), telemetry.level.set(1);
    apm::delta_reader reader;
    const apm::snapshot first = reader.collect();
    telemetry.dense.add(3, {.warm = true}), telemetry.flying.add(4), telemetry.level.set(2);
    telemetry.wait.record(1s), telemetry.base1.record(1);
    const apm::snapshot second = reader.collect();
    const std::uint64_t origin = apm::collect().started;
    CHECK(second.origin == origin);
    const auto times = [&](const node& p, std::uint64_t from) {
        CHECK(p["startTimeUnixNano"] == number(from));
        CHECK(p["timeUnixNano"] == number(second.time));
    };
    const node dense = metric_of(second, telemetry.dense)["sum"];
    CHECK(dense["aggregationTemporality"] == number(1));
    CHECK(dense["dataPoints"]["asInt"] == number(3));
    times(dense["dataPoints"], first.time);
    const node flying = metric_of(second, telemetry.flying)["sum"];
    CHECK(flying["aggregationTemporality"] == number(2));
    CHECK_FALSE(flying.has("isMonotonic"));
    times(flying["dataPoints"], origin);
    const node level = metric_of(second, telemetry.level)["gauge"];
    CHECK(level["dataPoints"]["asInt"] == number(2));
    const node wait = metric_of(second, telemetry.wait)["histogram"];
    CHECK(wait["aggregationTemporality"] == number(1));
    CHECK(wait["dataPoints"]["count"] == number(1));
    times(wait["dataPoints"], first.time);
    const node base = metric_of(second, telemetry.base1)["exponentialHistogram"];
    CHECK(base["aggregationTemporality"] == number(1));
    times(base["dataPoints"], first.time);
    CHECK(metric_of(first, telemetry.dense)["sum"].all("dataPoints").back()["startTimeUnixNano"] == number(origin));
}

TEST_CASE("a series that was never touched is there from the beginning, with zero") {
    const std::vector<node> points = metric_of(telemetry.dense)["sum"].all("dataPoints");
    REQUIRE(points.size() == 2);
    CHECK(points[0]["asInt"] == number(0));
    CHECK(points[0]["startTimeUnixNano"] != number(0));
}

// --- any records ------------------------------------------------------------------------------------------------------

TEST_CASE("any records are read as they were counted, in sum and in steps") {
    struct tally {
        std::uint64_t orders = 0, count = 0;
        double money = 0;
        std::int64_t sum = 0;
        std::array<std::uint64_t, 4> buckets{};
    };
    std::map<std::string, tally> all, step;  // by city
    std::mt19937_64 random(7);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const auto check = [&](const apm::snapshot& s, const std::map<std::string, tally>& expected) {
        const auto each = [&](const apm::row& r, std::string_view data, auto&& is) {
            std::map<std::string, node> found;
            for (const apm::family& f : s.families) {
                if (f.row != &r || f.series.empty()) continue;
                const node request = decoded(s, {&f, 1});  // as a whole: what `metrics` refers to
                for (const node& p : request["resourceMetrics"]["scopeMetrics"]["metrics"][data].all("dataPoints"))
                    found[p["attributes"]["value"]["stringValue"].scalar] = p;
            }
            for (const auto& [city, t] : expected) {
                const auto p = found.find('"' + city + '"');
                REQUIRE((p != found.end()) == (t.count > 0));
                if (t.count) is(p->second, t);
            }
            REQUIRE(found.size() <= expected.size());
        };
        each(mine.orders, "sum", [](const node& p, const tally& t) { REQUIRE(p["asInt"] == number(t.orders)); });
        each(mine.money, "sum", [](const node& p, const tally& t) { REQUIRE(p["asDouble"] == real(t.money)); });
        each(mine.sizes, "histogram", [](const node& p, const tally& t) {
            REQUIRE(p["count"] == number(t.count));
            REQUIRE(p["sum"] == real(static_cast<double>(t.sum)));
            std::string counts = "{";
            for (const std::uint64_t n : t.buckets) counts += ": " + std::to_string(n) + ' ';
            REQUIRE(p["bucketCounts"].text() == counts + '}');
        });
    };
    apm::delta_reader reader;
    reader.collect();
    for (int round = 0; round < 30; ++round) {
        for (auto& [city, t] : step) t = {};
        for (auto n = below(50); n > 0; --n) {
            const std::string city = "c" + std::to_string(below(40));
            const auto orders = below(1'000'000) + 1, size = below(40);
            const double money = static_cast<double>(below(1'000) + 1) / 4;  // exact, in whatever order they are added
            const City at{.city = city};
            mine.orders.add(orders, at), mine.money.add(money, at), mine.sizes.record(size, at);
            for (tally* t : {&all[city], &step[city]}) {
                t->orders += orders, t->money += money, ++t->count, t->sum += static_cast<std::int64_t>(size);
                ++t->buckets[size <= 10 ? 0 : size <= 20 ? 1 : size <= 30 ? 2 : 3];
            }
        }
        check(reader.collect(), step);
        check(apm::collect(), all);
    }
}
