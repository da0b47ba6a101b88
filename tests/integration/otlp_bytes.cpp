// Encodes spans and metrics as OTLP, each request in both encodings, and prints what it recorded, for otlp_decode.py to compare.
//
//     otlp_bytes DIRECTORY SEED       writes spans-N.protobuf, spans-N.json, metrics-N.protobuf and metrics-N.json
//
// Of spans, everything.hpp says what is printed; of a request of metrics, a line `metrics`, the resource's attributes, and a line
// for each metric: what it has to be, as JSON.
#include <bit>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <apm/apm.hpp>
#include <apm/backend/otlp/metrics.hpp>
#include <apm/backend/otlp/spans.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>
#include <apm/testing/clock.hpp>

#include "everything.hpp"

namespace {

using apm::detail::otlp::append_request;
using apm::detail::otlp::encoding;
using std::chrono::nanoseconds;

std::string directory;
const apm::resource& who = everything::who;

template <class Append>
void write_both(const std::string& name, Append&& append) {
    for (const encoding how : {encoding::protobuf, encoding::json}) {
        std::string out;
        append(out, how);
        std::ofstream file(directory + "/" + name + (how == encoding::json ? ".json" : ".protobuf"), std::ios::binary);
        file << out;
        if (!file.flush()) std::exit(1);
    }
}
void write_spans() {
    static int number = 0;
    const apm::span_batch batch = apm::drain_spans();
    write_both("spans-" + std::to_string(number++),
               [&](std::string& out, encoding how) { append_request(out, how, batch.spans, who); });
}

// --- any spans --------------------------------------------------------------------------------------------------------

class recorder {
public:
    recorder(unsigned seed, apm::testing::manual_clock& clock) : random_(seed), clock_(clock) {}

    void record(int depth) {
        switch (below(3)) {
            case 0: return record_as(everything::telemetry.served, 2, depth);
            case 1: return record_as(everything::telemetry.received, 5, depth);
            default: return record_as(everything::telemetry.step, 1, depth);
        }
    }

private:
    template <class Row>
    void record_as(const Row& row, int kind, int depth) {
        std::optional<decltype(apm::attach(apm::context()))> from;
        const bool remote = below(4) == 0;
        if (remote) from.emplace(apm::attach({{random_(), random_()}, random_() | 1, true, true}));
        const std::uint64_t parent = apm::context::current().span, start = clock_.now();
        const auto s = row.scope({.n = depth});
        if (depth > 0)
            for (auto n = below(3); n > 0; --n) record(depth - 1);
        pass();
        // Its end, and how it ended, are known before it says more: an event is said after its span.
        const std::string name = below(3) ? std::string(row.name) : word(), why = word();
        s.rename(name);
        const int outcome = static_cast<int>(below(3));
        if (outcome) s.status(static_cast<apm::span_status>(outcome), why);
        const unsigned flags = (remote ? 0x301u : 0x101u) + (s.context().random ? 2u : 0u);
        everything::say_span(s.context(), parent, flags, name, kind, start, clock_.now(), outcome,
                             outcome == 2 ? why : "", everything::scope);
        everything::say("n", std::int64_t{depth});
        for (auto n = below(6); n > 0; --n) set(s, std::to_string(n) + word());  // a name is a span's only once
        for (auto n = below(3); n > 0; --n) {
            const std::string what = word(), value = word();
            const auto x = std::bit_cast<double>(random_());
            s.event(what, {{"x", x}, {"y", std::string_view(value)}});
            everything::say_event(clock_.now(), what), everything::say("x", x), everything::say("y", std::string_view(value));
        }
        for (auto n = below(3); n > 0; --n) {
            const apm::context to{{random_(), random_()}, random_() | 1, below(2) == 0, below(2) == 0};
            s.link(to);
            everything::say_link(to.trace.high, to.trace.low, to.span, 0x100u + (to.sampled ? 1u : 0u) + (to.remote ? 0x200u : 0u));
        }
    }
    template <class Span>
    void set(const Span& s, const std::string& key) {
        const auto n = static_cast<std::int64_t>(random_() >> below(64)) * (below(2) ? 1 : -1);
        const auto x = std::bit_cast<double>(random_());
        const std::string value = word();
        switch (below(6)) {
            case 0: return s.set(key, n), everything::say(key, n);
            case 1: return s.set(key, x), everything::say(key, x);
            case 2: return s.set(key, n < 0), everything::say_bool(key, n < 0);
            case 3: return set_list(s, key, std::vector<std::int64_t>(1 + below(40), n));
            case 4: return set_list(s, key, std::vector<double>(1 + below(40), x));
            default: return s.set(key, value), everything::say(key, std::string_view(value));
        }
    }
    template <class Span, class List>
    static void set_list(const Span& s, const std::string& key, const List& list) {
        s.set(key, list), everything::say(key, list);
    }
    // Mostly short and valid. A name is cut at 255 bytes.
    std::string word() {
        std::string s(1 + (below(8) == 0 ? below(240) : below(20)), ' ');
        const bool any = below(4) == 0;
        for (char& c : s) c = static_cast<char>(any ? random_() & 0xff : 'a' + below(26));
        return s;
    }
    void pass() { clock_.advance(nanoseconds(below(1'000))); }
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    std::mt19937_64 random_;
    apm::testing::manual_clock& clock_;
};

void record_any(unsigned seed) {
    apm::testing::manual_clock clock(everything::beginning);
    recorder r(seed, clock);
    for (int i = 0; i < 60; ++i) {
        for (int n = 0; n < 4; ++n) r.record(2);
        write_spans();
    }
}

// --- metrics ----------------------------------------------------------------------------------------------------------

APM_FIELDS(Label, (everything::Color, color), (bool, warm), (apm::range<200, 204>, status), (apm::text<16>, city));
APM_FIELDS(City, (apm::text<16>, city));
struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20.5); };
struct signs { static constexpr auto bounds = apm::explicit_bounds(-1, 1); };
using none = apm::no_labels;

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "metrics", .version = "2", .schema_url = "https://example.org/schema/2"};
    counter<Label>                              orders {this, "orders", "All \"labels\""};
    counter<none, apm::seconds>                 busy   {this, "busy", "Times", {.exemplars = true}};
    counter<none, apm::bytes>                   sent   {this, "sent", "Integers", {.exemplars = true}};
    counter<City>                               few    {this, "few", "Overflows", {.limit = 1}};
    updown<none, apm::count_of<"request">>      flying {this, "flying", "Up and down"};
    gauge<none, apm::score>                     level  {this, "level", "Doubles of no unit"};
    histogram<none, apm::bytes, tens>           sizes  {this, "sizes", "Integers", {.exemplars = true}};
    histogram<none, apm::score, signs>          offsets{this, "offsets", "Below zero, too"};
    histogram<none, apm::score, apm::base2_buckets<1, -2, 4>>
                                                base   {this, "base", "Exponential", {.exemplars = true}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::string quoted(std::uint64_t n) { return '"' + std::to_string(n) + '"'; }
std::string hex16(std::uint64_t n) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016" PRIx64, n);
    return digits;
}

// What the rows above have to be, in the order of their declaration.
struct expectation {
    const apm::snapshot& now;
    const apm::context& in;  // the last record
    bool second;             // time that all was recorded

    [[nodiscard]] std::string times(bool always_cumulative = false) const {
        return R"("startTimeUnixNano":)" + quoted(always_cumulative ? apm::collect().started : now.started) +
               R"(,"timeUnixNano":)" + quoted(now.time);
    }
    [[nodiscard]] std::string temporality() const {
        return std::string(R"("aggregationTemporality":)") + (now.delta ? "1" : "2");
    }
    // Of its time, what the snapshot says.
    [[nodiscard]] std::string exemplar(const apm::row& of, std::size_t i, const std::string& value) const {
        for (const apm::family& f : now.families)
            if (f.row == &of)
                return R"({"timeUnixNano":)" + quoted(f.exemplars.at(i).time) + R"(,"spanId":")" + hex16(in.span) +
                       R"(","traceId":")" + hex16(in.trace.high) + hex16(in.trace.low) + R"(",)" + value + '}';
        return {};
    }
    static void say(const std::string& name, const std::string& help, const std::string& unit, const std::string& data) {
        std::printf(R"(metric	{"name":"%s","description":"%s",%s%s})" "\n", name.c_str(), help.c_str(),
                    unit.empty() ? "" : (R"("unit":")" + unit + R"(",)").c_str(), data.c_str());
    }
    void say_sum(const std::string& name, const std::string& help, const std::string& unit, const std::string& points) const {
        say(name, help, unit, R"("sum":{"dataPoints":[)" + points + "]," + temporality() + R"(,"isMonotonic":true})");
    }
    void say_all() const {
        const std::string since = times();
        const bool both = second && !now.delta;  // what was recorded first and then
        const auto attribute = [](const std::string& key, const std::string& value) {
            return R"({"key":")" + key + R"(","value":{)" + value + "}}";
        };
        say_sum("orders", R"(All \"labels\")", "1",
                '{' + since + R"(,"asInt":")" + (both ? "8" : second ? "3" : "5") + R"(","attributes":[)" +
                    attribute("color", R"("stringValue":"green")") + ',' + attribute("warm", R"("boolValue":true)") + ',' +
                    attribute("status", R"("intValue":"202")") + ',' +
                    attribute("city", "\"stringValue\":\"\xc3\xa4 \\\"\"") + "]}");
        say_sum("busy", "Times", "s", '{' + since + (both ? R"(,"asDouble":3,)" : R"(,"asDouble":1.5,)") + R"("exemplars":[)" +
                                          exemplar(telemetry.busy, 0, R"("asDouble":1.5)") + "]}");
        say_sum("sent", "Integers", "By", '{' + since + R"(,"asInt":")" + (both ? "18014398509481986" : "9007199254740993") +
                                              R"(","exemplars":[)" +
                                              exemplar(telemetry.sent, 0, R"("asInt":"9007199254740993")") + "]}");
        say_sum("few", "Overflows", "1",
                '{' + since + R"(,"asInt":")" + (both ? "4" : "2") + R"(","attributes":[)" +
                    attribute("otel.metric.overflow", R"("boolValue":true)") + "]},{" + since + R"(,"asInt":")" +
                    (both ? "2" : "1") + R"(","attributes":[)" + attribute("city", R"("stringValue":"a")") + "]}");
        say("flying", "Up and down", "{request}",
            R"("sum":{"dataPoints":[{)" + times(true) + R"(,"asInt":")" + (second ? "-6" : "-3") +
                R"("}],"aggregationTemporality":2})");
        say("level", "Doubles of no unit", "", R"("gauge":{"dataPoints":[{)" + since + R"(,"asDouble":-0.25}]})");
        say("sizes", "Integers", "By",
            R"("histogram":{"dataPoints":[{)" + since +
                (both ? R"(,"count":"6","sum":82,"bucketCounts":["2","2","2"],)"
                      : R"(,"count":"3","sum":41,"bucketCounts":["1","1","1"],)") +
                R"("explicitBounds":[10,20.5],"exemplars":[)" + exemplar(telemetry.sizes, 0, R"("asInt":"0")") + ',' +
                exemplar(telemetry.sizes, 1, R"("asInt":"20")") + ',' + exemplar(telemetry.sizes, 2, R"("asInt":"21")") + "]}]," +
                temporality() + '}');
        say("offsets", "Below zero, too", "",
            R"("histogram":{"dataPoints":[{)" + since +
                (both ? R"(,"count":"2","bucketCounts":["2","0","0"],)" : R"(,"count":"1","bucketCounts":["1","0","0"],)") +
                R"("explicitBounds":[-1,1]}],)" + temporality() + '}');
        say("base", "Exponential", "",
            R"("exponentialHistogram":{"dataPoints":[{)" + since +
                (both ? R"(,"count":"6","sum":206.5,"scale":1,"zeroCount":"2",)"
                      : R"(,"count":"3","sum":103.25,"scale":1,"zeroCount":"1",)") +
                R"("positive":{"offset":3,"bucketCounts":[)" +
                (both ? R"("2","0","0","0","0","2")" : R"("1","0","0","0","0","1")") + R"(]},"exemplars":[)" +
                exemplar(telemetry.base, 0, R"("asDouble":0.25)") + ',' + exemplar(telemetry.base, 1, R"("asDouble":3)") + ',' +
                exemplar(telemetry.base, 2, R"("asDouble":100)") + R"(],"zeroThreshold":0.25}],)" + temporality() + '}');
    }
};

void write_metrics(const apm::snapshot& now, const apm::context& in, bool second) {
    static int number = 0;
    std::size_t first = 0, count = 0;
    for (std::size_t i = 0; i < now.families.size(); ++i)
        if (now.families[i].scope().name == std::string_view("metrics") && count++ == 0) first = i;
    const std::span<const apm::family> families{&now.families[first], count};
    std::uint64_t points = 0;
    write_both("metrics-" + std::to_string(number++),
               [&](std::string& out, encoding how) { points = append_request(out, how, now, families, who); });
    std::printf("metrics\t%" PRIu64 "\n", points);
    expectation{now, in, second}.say_all();
}
apm::context count_something(std::uint64_t orders) {
    const auto s = everything::telemetry.step.scope({.n = 0});
    telemetry.orders.add(orders, {.color = everything::Color::green, .warm = true, .status = 202, .city = "\xc3\xa4 \""});
    telemetry.busy.add(std::chrono::milliseconds(1500));
    telemetry.sent.add((std::uint64_t{1} << 53) + 1);
    for (const char* city : {"a", "b", "c"}) telemetry.few.add(1, {.city = city});
    telemetry.flying.sub(3);
    telemetry.level.set(-0.25);
    for (const int size : {0, 20, 21}) telemetry.sizes.record(size);
    telemetry.offsets.record(-3.5);
    for (const double v : {0.25, 3.0, 100.0}) telemetry.base.record(v);
    return s.context();
}
void record_metrics() {
    apm::delta_reader reader;
    const apm::context first = count_something(5);
    write_metrics(reader.collect(), first, false);
    const apm::context second = count_something(3);
    write_metrics(reader.collect(), second, true);
    const apm::snapshot again = apm::collect();  // whose exemplars are those of the last record
    write_metrics(again, second, true);
    apm::drain_spans();
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: otlp_bytes DIRECTORY SEED\n"), 2;
    directory = arguments[1];
    everything::say_everything(write_spans);
    record_any(static_cast<unsigned>(std::strtoul(arguments[2], nullptr, 10)));
    record_metrics();
    return 0;
}
