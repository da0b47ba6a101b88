// The exposition, in both formats, byte for byte.
#include <apm/backend/prometheus/exposition.hpp>

#include <chrono>
#include <clocale>
#include <cstdint>
#include <locale>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "runtime/support.hpp"

using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
APM_FIELDS(Order, (Method, method), (std::optional<bool>, express));
APM_FIELDS(Text, (apm::named<apm::text<65536>, "shop.city">, city));
struct few { static constexpr auto bounds = apm::explicit_bounds(0.005, 0.5, 1); };
struct sizes { static constexpr auto bounds = apm::exponential_bounds<3>(1024, 1024); };
struct around_zero { static constexpr auto bounds = apm::explicit_bounds(-1.5, 0, 2); };

// --- every kind, every unit -------------------------------------------------------------------------------------------
struct Kinds : apm::schema<Kinds> {
    static constexpr apm::scope scope{.name = "page.kinds", .version = "1.2"};

    counter<Order>                                orders{this, "shop.orders", "Orders \"placed\" in C:\\shop\nand paid"};
    counter<apm::no_labels, apm::bytes>           sent  {this, "net.sent", "Bytes sent"};
    counter<apm::no_labels, apm::seconds>         busy  {this, "cpu.busy", "Time at work"};
    counter<apm::no_labels, apm::money<"USD">>    earned{this, "earned", "Money"};
    updown<>                                      open  {this, "in_flight", "Requests at work"};
    updown<apm::no_labels, apm::seconds>          balance{this, "balance", "Time left"};
    gauge<apm::no_labels, apm::ratio>             load  {this, "load", "Share in use"};
    gauge<apm::no_labels, apm::real<"Cel">>       warmth{this, "warmth", "Temperature"};
    gauge<>                                       unset {this, "unset", "Never set"};
    histogram<apm::no_labels, apm::seconds, few>  took  {this, "took", "Time to serve"};
    histogram<apm::no_labels, apm::bytes, sizes>  size  {this, "size", "Size of a reply"};
    histogram<apm::no_labels, apm::score, around_zero> drift{this, "drift", "Deviation"};
    histogram<apm::no_labels, apm::score, apm::base2_buckets<1, 0, 2>> growth{this, "growth", "Powers of the root of two"};
};
constexpr auto& kinds = apm::instruments<Kinds>;

struct Names : apm::schema<Names> {
    static constexpr apm::scope scope{.name = "page.names"};

    counter<>                             total    {this, "jobs_total", "Ends in _total"};
    counter<>                             dotted   {this, "jobs.done.total", "Ends in .total"};
    gauge<apm::no_labels, apm::milliseconds> latency{this, "api_latency_ms", "Ends in its unit's abbreviation"};
    gauge<apm::no_labels, apm::seconds>   seconds  {this, "age_seconds", "Ends in its unit"};
    counter<apm::no_labels, apm::bytes>   bytes    {this, "disk.bytes_total", "Ends in unit and _total"};
    gauge<apm::no_labels, apm::ratio>     ratio    {this, "hit_ratio", "Ends in ratio"};
    counter<apm::no_labels, apm::ratio>   share    {this, "share", "A counter is no ratio"};
    gauge<apm::no_labels, apm::percent>   percent  {this, "cpu", "In percent"};
    counter<apm::no_labels, apm::count_of<"request">> requests{this, "requests", "Annotated"};
    gauge<apm::no_labels, apm::real<"m/s">> speed  {this, "speed", "Per second"};
    gauge<apm::no_labels, apm::real<"1/min">> rate {this, "rate", "Per minute"};
    counter<apm::no_labels, apm::seconds> given    {this, "a.name", "Called otherwise", {.prometheus_name = "My__Own"}};
    counter<>                             given_total{this, "b.name", "Called otherwise", {.prometheus_name = "own_total"}};
    gauge<>                               total_gauge{this, "memory.total", "A gauge keeps it"};
    gauge<>                               double_{this, "a__b._c", "Underscores"};
    gauge<apm::no_labels, apm::unit<"KiBy", apm::number::integer, 1024>> scaled{this, "scaled", "Kept in bytes"};
};
constexpr auto& names = apm::instruments<Names>;

struct Values : apm::schema<Values> {
    static constexpr apm::scope scope{.name = "page.values"};

    counter<Text>                        text {this, "text", "Open text"};
    counter<>                            big  {this, "big", "Counts beyond double"};
    gauge<>                              whole{this, "whole", "The least integer but one"};
    gauge<Order, apm::score>             real {this, "real", "Doubles"};
    histogram<apm::no_labels, apm::seconds, few> exact{this, "exact", "Sums of nanoseconds"};
};
constexpr auto& values = apm::instruments<Values>;

// --- two schemas that say the same, and one that says otherwise --------------------------------------------------------
struct First : apm::schema<First> {
    static constexpr apm::scope scope{.name = "page.first", .version = "1"};

    counter<Order>                          both {this, "both", "The first's help"};
    gauge<>                                 level{this, "level", "A gauge"};
    updown<>                                queue{this, "queue", "A sum"};
    histogram<apm::no_labels, apm::seconds, few> took{this, "both.took", "A histogram"};
    counter<apm::no_labels, apm::score>     money{this, "money", "Doubles"};
    counter<>                               clash{this, "clash", "A counter"};
    gauge<>                                 empty{this, "empty", "Never set, and first"};
    counter<>                               unlike{this, "unlike", "In no unit"};
};
struct Second : apm::schema<Second> {
    static constexpr apm::scope scope{.name = "page.second"};

    counter<Order>                          both {this, "both", "The second's help"};
    gauge<>                                 level{this, "level", "A gauge"};
    updown<>                                queue{this, "queue", "A sum"};
    histogram<apm::no_labels, apm::seconds, few> took{this, "both.took", "A histogram"};
    counter<apm::no_labels, apm::score>     money{this, "money", "Doubles"};
    gauge<>                                 clash{this, "clash", "A gauge"};
    gauge<>                                 empty{this, "empty", "Set"};
    counter<apm::no_labels, apm::bytes>     unlike{this, "unlike", "In bytes", {.prometheus_name = "unlike"}};
    updown<>                                level2{this, "level.too", "As a gauge in the exposition", {.prometheus_name = "level_two"}};
};
constexpr auto& first = apm::instruments<First>;
constexpr auto& second = apm::instruments<Second>;

// The samples of two families cannot be told apart though their names differ: `waits` has a `waits_count`.
struct Base : apm::schema<Base> {
    static constexpr apm::scope scope{.name = "page.base"};
    histogram<apm::no_labels, apm::score, few> waits{this, "waits", "A histogram"};
};
struct Suffix : apm::schema<Suffix> {
    static constexpr apm::scope scope{.name = "page.suffix"};
    gauge<> waits{this, "waits.count", "A gauge"};
};
constexpr auto& base = apm::instruments<Base>;
constexpr auto& suffix = apm::instruments<Suffix>;

// One name, the same labels in another order.
APM_FIELDS(There, (Method, method), (apm::range<0, 1>, zone));
APM_FIELDS(Back, (apm::range<0, 1>, zone), (Method, method));
struct Order1 : apm::schema<Order1> {
    static constexpr apm::scope scope{.name = "page.order"};
    counter<There> turns{this, "turns", "Turns", {.series = apm::exported::when_touched}};
};
struct Order2 : apm::schema<Order2> {
    static constexpr apm::scope scope{.name = "page.order"};
    counter<Back> turns{this, "turns", "Turns", {.series = apm::exported::when_touched}};
};
constexpr auto& there = apm::instruments<Order1>;
constexpr auto& back = apm::instruments<Order2>;

// One scope, declared twice: as by two modules of different versions.
struct Twin1 : apm::schema<Twin1> {
    static constexpr apm::scope scope{.name = "page.twin", .version = "1"};
    counter<Order> births{this, "births", "Births", {.series = apm::exported::when_touched}};
    gauge<>        warmth{this, "warmth", "Warmth"};
    histogram<apm::no_labels, apm::seconds, few> naps{this, "naps", "Naps"};
};
struct Twin2 : apm::schema<Twin2> {
    static constexpr apm::scope scope{.name = "page.twin", .version = "1"};
    counter<Order> births{this, "births", "Births", {.series = apm::exported::when_touched}};
    gauge<>        warmth{this, "warmth", "Warmth"};
    histogram<apm::no_labels, apm::seconds, few> naps{this, "naps", "Naps"};
    counter<>      more  {this, "more", "More"};
};
struct Twin3 : apm::schema<Twin3> {
    static constexpr apm::scope scope{.name = "page.twin", .version = "2"};
    counter<Order> births{this, "births", "Births", {.series = apm::exported::when_touched}};
};
constexpr auto& twin1 = apm::instruments<Twin1>;
constexpr auto& twin2 = apm::instruments<Twin2>;
constexpr auto& twin3 = apm::instruments<Twin3>;

// Whose family is it, where the first row records last?
struct Early : apm::schema<Early> {
    static constexpr apm::scope scope{.name = "page.early"};
    counter<>                        awake{this, "early.awake", "Registers the schema"};
    counter<Order>                   dawn {this, "dawn", "A counter", {.series = apm::exported::when_touched}};
    counter<Order>                   noon {this, "noon", "The first's help", {.series = apm::exported::when_touched}};
};
struct Late : apm::schema<Late> {
    static constexpr apm::scope scope{.name = "page.late"};
    gauge<>                          dawn {this, "dawn", "A gauge"};
    counter<Order>                   noon {this, "noon", "The second's help", {.series = apm::exported::when_touched}};
    gauge<>                          dusk {this, "dawn.too", "Of the counter's sample", {.prometheus_name = "dawn_total"}};
};
constexpr auto& early = apm::instruments<Early>;
constexpr auto& late = apm::instruments<Late>;

// Sums beyond 2^63 nanoseconds, which are 292 years.
struct Ages : apm::schema<Ages> {
    static constexpr apm::scope scope{.name = "page.ages"};
    counter<apm::no_labels, apm::seconds>        alive{this, "alive", "A counter in seconds"};
    counter<apm::no_labels, apm::nanoseconds>    fine {this, "fine", "A counter in nanoseconds"};
    counter<apm::no_labels, apm::minutes>        long_{this, "long", "A counter in minutes"};
    updown<apm::no_labels, apm::seconds>         less {this, "less", "An updown"};
    histogram<apm::no_labels, apm::seconds, few> spans{this, "spans", "A histogram"};
    histogram<apm::no_labels, apm::seconds, around_zero> shift{this, "shift", "A histogram of negative values"};
};
constexpr auto& ages = apm::instruments<Ages>;

// Rows that keep exemplars, two of them in one family.
struct Traced : apm::schema<Traced> {
    static constexpr apm::scope scope{.name = "page.traced"};
    counter<Order> orders{this, "traced.orders", "Orders", {.series = apm::exported::when_touched, .exemplars = true}};
    counter<apm::no_labels, apm::seconds>        busy {this, "traced.busy", "Time at work", {.exemplars = true}};
    histogram<Order, apm::seconds, few>          took {this, "traced.took", "Time", {.series = apm::exported::when_touched, .exemplars = true}};
    histogram<apm::no_labels, apm::score, around_zero> drift{this, "traced.drift", "Deviation", {.exemplars = true}};
    counter<>                                    plain{this, "traced.plain", "Keeps none"};
};
struct TracedToo : apm::schema<TracedToo> {
    static constexpr apm::scope scope{.name = "page.traced.too"};
    histogram<Order, apm::seconds, few> took{this, "traced.took", "Time", {.series = apm::exported::when_touched, .exemplars = true}};
};
constexpr auto& traced = apm::instruments<Traced>;
constexpr auto& traced_too = apm::instruments<TracedToo>;

constexpr auto text = apm::exposition_format::text, openmetrics = apm::exposition_format::openmetrics;

// The exposition of some schemas only.
std::string exposition_of(apm::detail::prometheus_exposition& p, std::vector<std::string_view> schemas, apm::exposition_format format, const apm::resource& who = {}) {
    apm::snapshot all = apm::collect(), some;
    for (const std::string_view schema : schemas)
        for (apm::family& f : all.families)
            if (f.schema->name == schema) some.families.push_back(std::move(f));
    return p.write(some, who, format);
}
std::string exposition_of(std::vector<std::string_view> schemas, apm::exposition_format format, const apm::resource& who = {}) {
    apm::detail::prometheus_exposition p;
    return exposition_of(p, schemas, format, who);
}

// With `T` for each time of an exemplar, none of which is out of its bounds.
std::string without_times(std::string written, std::uint64_t from, std::uint64_t to) {
    for (std::size_t at = 0; (at = written.find("\"} ", written.find(" # {", at))) != written.npos;) {
        const std::size_t begin = written.find(' ', at + 3) + 1, end = written.find('\n', begin);
        const double time = std::stod(written.substr(begin, end - begin));
        CHECK(time >= static_cast<double>(from) / 1e9 - 1e-6);
        CHECK(time <= static_cast<double>(to) / 1e9 + 1e-6);
        written.replace(begin, end - begin, "T");
        at = begin;
    }
    return written;
}
bool has(const std::string& written, const std::string& line) { return ("\n" + written).find("\n" + line + "\n") != std::string::npos; }

void record_kinds() {
    static bool done = false;
    if (std::exchange(done, true)) return;
    kinds.orders.add(3, {.method = Method::card});
    kinds.orders.add(2, {.method = Method::paypal, .express = true});
    kinds.sent.add(5'000'000'000u);
    kinds.busy.add(1500ms);
    kinds.earned.add(0.1), kinds.earned.add(0.2);
    kinds.open.add(2), kinds.open.sub(5);
    kinds.balance.sub(1500ms);
    kinds.load.set(0.75);
    kinds.warmth.set(-1e300);
    kinds.took.record(5ms), kinds.took.record(300ms), kinds.took.record(2s);
    kinds.size.record(1), kinds.size.record(1024), kinds.size.record(1 << 21);
    kinds.drift.record(-2.25), kinds.drift.record(0), kinds.drift.record(9);
    kinds.growth.record(0.5), kinds.growth.record(1.4), kinds.growth.record(1.5), kinds.growth.record(100);
}

}  // namespace

TEST_CASE("text 0.0.4, byte for byte") {
    record_kinds();
    CHECK(exposition_of({"page.kinds"}, text, {{{"service.name", "shop \"one\""}, {"host.id", "a\nb"}}}) ==
R"(# HELP shop_orders_total Orders "placed" in C:\\shop\nand paid
# TYPE shop_orders_total counter
shop_orders_total{method="card",express="false"} 0
shop_orders_total{method="card",express="true"} 0
shop_orders_total{method="card"} 3
shop_orders_total{method="paypal",express="false"} 0
shop_orders_total{method="paypal",express="true"} 2
# HELP net_sent_bytes_total Bytes sent
# TYPE net_sent_bytes_total counter
net_sent_bytes_total 5000000000
# HELP cpu_busy_seconds_total Time at work
# TYPE cpu_busy_seconds_total counter
cpu_busy_seconds_total 1.5
# HELP earned_total Money
# TYPE earned_total counter
earned_total 0.30000000000000004
# HELP in_flight Requests at work
# TYPE in_flight gauge
in_flight -3
# HELP balance_seconds Time left
# TYPE balance_seconds gauge
balance_seconds -1.5
# HELP load_ratio Share in use
# TYPE load_ratio gauge
load_ratio 0.75
# HELP warmth_celsius Temperature
# TYPE warmth_celsius gauge
warmth_celsius -1e+300
# HELP took_seconds Time to serve
# TYPE took_seconds histogram
took_seconds_bucket{le="0.005"} 1
took_seconds_bucket{le="0.5"} 2
took_seconds_bucket{le="1.0"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_count 3
took_seconds_sum 2.305
# HELP size_bytes Size of a reply
# TYPE size_bytes histogram
size_bytes_bucket{le="1024.0"} 2
size_bytes_bucket{le="1.048576e+06"} 2
size_bytes_bucket{le="1.073741824e+09"} 3
size_bytes_bucket{le="+Inf"} 3
size_bytes_count 3
size_bytes_sum 2098177
# HELP drift Deviation
# TYPE drift histogram
drift_bucket{le="-1.5"} 1
drift_bucket{le="0.0"} 2
drift_bucket{le="2.0"} 2
drift_bucket{le="+Inf"} 3
drift_count 3
drift_sum 6.75
# HELP growth Powers of the root of two
# TYPE growth histogram
growth_bucket{le="1.0"} 1
growth_bucket{le="1.414213562373095"} 2
growth_bucket{le="2.0"} 3
growth_bucket{le="2.82842712474619"} 3
growth_bucket{le="4.0"} 3
growth_bucket{le="+Inf"} 4
growth_count 4
growth_sum 103.4
# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_name="shop \"one\"",host_id="a\nb"} 1
)");
}

TEST_CASE("OpenMetrics, byte for byte") {
    record_kinds();
    CHECK(exposition_of({"page.kinds"}, openmetrics, {{{"service.name", "shop \"one\""}, {"host.id", "a\nb"}}}) ==
R"(# TYPE shop_orders counter
# HELP shop_orders Orders \"placed\" in C:\\shop\nand paid
shop_orders_total{method="card",express="false"} 0
shop_orders_total{method="card",express="true"} 0
shop_orders_total{method="card"} 3
shop_orders_total{method="paypal",express="false"} 0
shop_orders_total{method="paypal",express="true"} 2
# TYPE net_sent_bytes counter
# UNIT net_sent_bytes bytes
# HELP net_sent_bytes Bytes sent
net_sent_bytes_total 5000000000
# TYPE cpu_busy_seconds counter
# UNIT cpu_busy_seconds seconds
# HELP cpu_busy_seconds Time at work
cpu_busy_seconds_total 1.5
# TYPE earned counter
# HELP earned Money
earned_total 0.30000000000000004
# TYPE in_flight gauge
# HELP in_flight Requests at work
in_flight -3
# TYPE balance_seconds gauge
# UNIT balance_seconds seconds
# HELP balance_seconds Time left
balance_seconds -1.5
# TYPE load_ratio gauge
# UNIT load_ratio ratio
# HELP load_ratio Share in use
load_ratio 0.75
# TYPE warmth_celsius gauge
# UNIT warmth_celsius celsius
# HELP warmth_celsius Temperature
warmth_celsius -1e+300
# TYPE took_seconds histogram
# UNIT took_seconds seconds
# HELP took_seconds Time to serve
took_seconds_bucket{le="0.005"} 1
took_seconds_bucket{le="0.5"} 2
took_seconds_bucket{le="1.0"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_count 3
took_seconds_sum 2.305
# TYPE size_bytes histogram
# UNIT size_bytes bytes
# HELP size_bytes Size of a reply
size_bytes_bucket{le="1024.0"} 2
size_bytes_bucket{le="1.048576e+06"} 2
size_bytes_bucket{le="1.073741824e+09"} 3
size_bytes_bucket{le="+Inf"} 3
size_bytes_count 3
size_bytes_sum 2098177
# TYPE drift histogram
# HELP drift Deviation
drift_bucket{le="-1.5"} 1
drift_bucket{le="0.0"} 2
drift_bucket{le="2.0"} 2
drift_bucket{le="+Inf"} 3
# TYPE growth histogram
# HELP growth Powers of the root of two
growth_bucket{le="1.0"} 1
growth_bucket{le="1.414213562373095"} 2
growth_bucket{le="2.0"} 3
growth_bucket{le="2.82842712474619"} 3
growth_bucket{le="4.0"} 3
growth_bucket{le="+Inf"} 4
growth_count 4
growth_sum 103.4
# TYPE target info
# HELP target Target metadata
target_info{service_name="shop \"one\"",host_id="a\nb"} 1
# EOF
)");
}

TEST_CASE("an empty exposition is empty, or its end") {
    CHECK(exposition_of({}, text).empty());
    CHECK(exposition_of({}, openmetrics) == "# EOF\n");
    CHECK(apm::content_type(text) == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(apm::content_type(openmetrics) == "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST_CASE("names: units, _total, and a name given for Prometheus") {
    names.latency.set(1500us);
    names.seconds.set(2s);
    names.ratio.set(1), names.share.add(1), names.percent.set(99.5), names.speed.set(2), names.rate.set(3), names.given.add(7s);
    names.total_gauge.set(1), names.double_.set(1), names.scaled.set(1536);
    const std::string written = exposition_of({"page.names"}, openmetrics), plain = exposition_of({"page.names"}, text);
    CAPTURE(written);
    for (const char* line : {"jobs_total 0", "jobs_done_total 0", "api_latency_ms 1.5", "age_seconds 2", "disk_bytes_total 0",
                             "hit_ratio 1", "share_total 1", "cpu_percent 99.5", "requests_total 0", "speed_meters_per_second 2",
                             "rate_per_minute 3", "My__Own_total 7", "own_total 0", "memory_total 1", "a_b_c 1",
                             "scaled_kibibytes 1.5"}) {
        CAPTURE(line);
        CHECK(has(written, line));
        CHECK(has(plain, line));
    }
    CHECK(has(written, "# TYPE jobs counter"));
    CHECK(has(plain, "# TYPE jobs_total counter"));
    CHECK(has(written, "# UNIT disk_bytes bytes"));
    CHECK(has(written, "# UNIT speed_meters_per_second meters_per_second"));
    CHECK(written.find("# UNIT api_latency_ms") == written.npos);  // the name must end in the unit's word
    CHECK(written.find("# UNIT My__Own") == written.npos);
    CHECK(plain.find("# UNIT") == plain.npos);
}

TEST_CASE("label values: escapes, invalid UTF-8, none at all, and 64 KiB") {
    const std::string long_value(65536, 'v');
    for (const std::string_view v : {"say \"hi\"", "two\nlines", "C:\\", "caf\xc3\xa9", "bad\xff\xc3", "a,b=\"{}"})
        values.text.add(1, {.city = v});
    values.text.add(1, {.city = long_value});
    values.text.add(1, {.city = ""});
    for (const auto format : {text, openmetrics}) {
        const std::string written = exposition_of({"page.values"}, format);
        for (const std::string line : {R"(text_total{shop_city="say \"hi\""} 1)", R"(text_total{shop_city="two\nlines"} 1)",
                                       R"(text_total{shop_city="C:\\"} 1)", "text_total{shop_city=\"caf\xc3\xa9\"} 1",
                                       "text_total{shop_city=\"bad\xef\xbf\xbd\xef\xbf\xbd\"} 1", R"(text_total{shop_city="a,b=\"{}"} 1)",
                                       "text_total 1"})
            CHECK(has(written, line));
        CHECK(has(written, "text_total{shop_city=\"" + long_value + "\"} 1"));
        CHECK(written.find('\xff') == written.npos);
    }
    CHECK(has(exposition_of({}, text, {{{"service.name", "\xff"}}}), "target_info{service_name=\"\xef\xbf\xbd\"} 1"));
}

TEST_CASE("values: counts beyond 2^53, exact sums, the ends of double; whatever the locale") {
    values.big.add((std::uint64_t{1} << 63) + 1);
    values.whole.set(INT64_MIN + 1);
    values.real.set(5e-324, {.method = Method::card});
    values.real.set(1.7976931348623157e308, {.method = Method::paypal});
    values.real.set(-__builtin_inf(), {.method = Method::card, .express = true});
    values.real.set(__builtin_nan(""), {.method = Method::paypal, .express = true});
    values.exact.record(1ns), values.exact.record(3'000'000s), values.exact.record(100ms), values.exact.record(200ms);
    const std::locale before;
    const std::string c_before = setlocale(LC_ALL, nullptr);
    bool german = true;
    try {
        std::locale::global(std::locale("de_DE.UTF-8"));
        setlocale(LC_ALL, "de_DE.UTF-8");
    } catch (const std::runtime_error&) {
        german = false;
        WARN("this system has no locale de_DE.UTF-8; tested in \"C\" only");
    }
    CHECK(*localeconv()->decimal_point == (german ? ',' : '.'));
    const std::string written = exposition_of({"page.values"}, openmetrics);
    std::locale::global(before);
    setlocale(LC_ALL, c_before.c_str());
    CHECK(has(written, "big_total 9223372036854775809"));
    CHECK(has(written, "whole -9223372036854775807"));
    CHECK(has(written, "real{method=\"card\"} 5e-324"));
    CHECK(has(written, "real{method=\"paypal\"} 1.7976931348623157e+308"));
    CHECK(has(written, "real{method=\"card\",express=\"true\"} -Inf"));
    CHECK(has(written, "real{method=\"paypal\",express=\"true\"} NaN"));
    CHECK(has(written, "exact_seconds_sum 3000000.300000001"));  // a double has 3000000.3000000012
    CHECK(has(written, "exact_seconds_bucket{le=\"0.5\"} 3"));
}

TEST_CASE("two schemas with one family: sums, and the first one's gauges; a family that differs is left out, said once, counted") {
    first.both.add(1, {.method = Method::card}), second.both.add(2, {.method = Method::card});
    second.both.add(5, {.method = Method::paypal, .express = true});
    first.level.set(10), second.level.set(20);
    first.queue.add(4), second.queue.sub(5);
    first.took.record(1ms), second.took.record(300ms), second.took.record(2s);
    first.money.add(0.5), second.money.add(0.25);
    first.clash.add(1), second.clash.set(2);
    second.empty.set(7);
    first.unlike.add(1), second.unlike.add(1);

    const reported said;
    const auto conflicts = [] { return apm::detail::process_root().conflicts.load(); };
    const std::uint64_t before = conflicts();
    apm::detail::prometheus_exposition p;
    for (int twice = 0; twice < 2; ++twice)
        CHECK(exposition_of(p, {"page.first", "page.second"}, text) ==
R"(# HELP both_total The first's help
# TYPE both_total counter
both_total{method="card",express="false"} 0
both_total{method="card",express="true"} 0
both_total{method="card"} 3
both_total{method="paypal",express="false"} 0
both_total{method="paypal",express="true"} 5
# HELP level A gauge
# TYPE level gauge
level 10
# HELP queue A sum
# TYPE queue gauge
queue -1
# HELP both_took_seconds A histogram
# TYPE both_took_seconds histogram
both_took_seconds_bucket{le="0.005"} 1
both_took_seconds_bucket{le="0.5"} 2
both_took_seconds_bucket{le="1.0"} 2
both_took_seconds_bucket{le="+Inf"} 3
both_took_seconds_count 3
both_took_seconds_sum 2.301
# HELP money_total Doubles
# TYPE money_total counter
money_total 0.75
# HELP clash_total A counter
# TYPE clash_total counter
clash_total 1
# HELP empty Never set, and first
# TYPE empty gauge
empty 7
# HELP unlike_total In no unit
# TYPE unlike_total counter
unlike_total 1
# HELP level_two As a gauge in the exposition
# TYPE level_two gauge
level_two 0
)");
    const lines was = said.take();
    REQUIRE(was.size() == 2);
    CHECK(was[0] == "\"clash\" of page.second is left out of the exposition: \"clash\" of page.first is called clash too, and differs in kind, "
                    "unit or bounds; give one of them a prometheus_name");
    CHECK(was[1].find("\"unlike\" of page.second") == 0);
    CHECK(conflicts() == before + 2);
}

TEST_CASE("with scope labels, series of two schemas are told apart instead") {
    apm::detail::prometheus_exposition p(true);
    const std::string written = exposition_of(p, {"page.first", "page.second"}, text);
    CHECK(has(written, R"(queue{otel_scope_name="page.first",otel_scope_version="1"} 4)"));
    CHECK(has(written, R"(queue{otel_scope_name="page.second"} -5)"));
    CHECK(has(written, R"(both_total{method="paypal",express="true",otel_scope_name="page.second"} 5)"));
    CHECK(has(written, R"(both_took_seconds_bucket{otel_scope_name="page.second",le="0.5"} 1)"));
    CHECK(written.find("# TYPE both_total") == written.rfind("# TYPE both_total"));
}

TEST_CASE("series of equal labels become one, whatever the order of the labels") {
    there.turns.add(1, {.method = Method::card, .zone = 1});
    back.turns.add(2, {.zone = 1, .method = Method::card});
    back.turns.add(4, {.zone = 0, .method = Method::card});
    CHECK(exposition_of({"page.order"}, text) ==
R"(# HELP turns_total Turns
# TYPE turns_total counter
turns_total{method="card",zone="1"} 3
turns_total{zone="0",method="card"} 4
)");
}

TEST_CASE("rows of one scope that was declared twice are one, with scope labels, too") {
    twin1.births.add(1, {.method = Method::card}), twin2.births.add(2, {.method = Method::card});
    twin2.births.add(4, {.method = Method::paypal}), twin3.births.add(8, {.method = Method::card});
    twin1.warmth.set(1), twin2.warmth.set(2);
    twin1.naps.record(1ms), twin2.naps.record(1s);
    apm::detail::prometheus_exposition p(true);
    CHECK(exposition_of(p, {"page.twin"}, text) ==
R"(# HELP births_total Births
# TYPE births_total counter
births_total{method="card",otel_scope_name="page.twin",otel_scope_version="1"} 3
births_total{method="paypal",otel_scope_name="page.twin",otel_scope_version="1"} 4
births_total{method="card",otel_scope_name="page.twin",otel_scope_version="2"} 8
# HELP warmth Warmth
# TYPE warmth gauge
warmth{otel_scope_name="page.twin",otel_scope_version="1"} 1
# HELP naps_seconds Naps
# TYPE naps_seconds histogram
naps_seconds_bucket{otel_scope_name="page.twin",otel_scope_version="1",le="0.005"} 1
naps_seconds_bucket{otel_scope_name="page.twin",otel_scope_version="1",le="0.5"} 1
naps_seconds_bucket{otel_scope_name="page.twin",otel_scope_version="1",le="1.0"} 2
naps_seconds_bucket{otel_scope_name="page.twin",otel_scope_version="1",le="+Inf"} 2
naps_seconds_count{otel_scope_name="page.twin",otel_scope_version="1"} 2
naps_seconds_sum{otel_scope_name="page.twin",otel_scope_version="1"} 1.001
# HELP more_total More
# TYPE more_total counter
more_total{otel_scope_name="page.twin",otel_scope_version="1"} 0
)");
}

TEST_CASE("a row has its name from the start, not from its first record: no family leaves the exposition because another comes") {
    early.awake.add(1);
    late.dawn.set(1), late.dusk.set(2);
    late.noon.add(1, {.method = Method::card});
    const reported said;
    const auto conflicts = [] { return apm::detail::process_root().conflicts.load(); };
    const std::uint64_t before = conflicts();
    apm::detail::prometheus_exposition p;
    const std::vector<apm::other_family> others{{"dawn", "Another's", apm::other_family::kind::gauge, {{.value = 1.0}}}};
    const auto write = [&] {
        apm::snapshot all = apm::collect(), some;
        for (apm::family& f : all.families)
            if (f.schema->name == std::string_view("page.early") || f.schema->name == std::string_view("page.late"))
                some.families.push_back(std::move(f));
        return p.write(some, {}, text, others);
    };
    const std::string awake = "# HELP early_awake_total Registers the schema\n# TYPE early_awake_total counter\nearly_awake_total 1\n";
    CHECK(write() == awake + R"(# HELP noon_total The first's help
# TYPE noon_total counter
noon_total{method="card"} 1
)");
    CHECK(said.take() == lines{"\"dawn\" of page.late is left out of the exposition: \"dawn\" of page.early is called dawn too, and differs "
                               "in kind, unit or bounds; give one of them a prometheus_name",
                               "\"dawn.too\" of page.late is left out of the exposition: \"dawn\" of page.early has samples of the same "
                               "names; give one of them a prometheus_name",
                               "the family dawn is left out of the exposition: there is a dawn already"});
    CHECK(conflicts() == before + 3);

    early.dawn.add(1, {.method = Method::card}), early.noon.add(1, {.method = Method::card});
    for (int twice = 0; twice < 2; ++twice)
        CHECK(write() == awake + R"(# HELP dawn_total A counter
# TYPE dawn_total counter
dawn_total{method="card"} 1
# HELP noon_total The first's help
# TYPE noon_total counter
noon_total{method="card"} 2
)");
    CHECK(said.take().empty());
    CHECK(conflicts() == before + 3);
}

TEST_CASE("a row that has nothing to show says nothing of a conflict") {
    const reported said;
    apm::snapshot all = apm::collect(), some;
    for (const std::string_view help : {"A gauge", "A counter"})
        for (const apm::family& f : all.families)
            if (f.row->name == std::string_view("dawn") && f.row->help == help)
                some.families.push_back({.row = f.row, .schema = f.schema, .series = {}, .cells = {}});
    REQUIRE(some.families.size() == 2);
    apm::detail::prometheus_exposition p;
    CHECK(p.write(some, {}, text) == "");
    CHECK(said.take().empty());
}

TEST_CASE("counters and sums of time stay positive beyond 292 years") {
    for (int twice = 0; twice < 2; ++twice) {
        constexpr auto years = 200 * 365 * 24h;
        ages.alive.add(years), ages.fine.add(years), ages.long_.add(years), ages.less.sub(years / 2), ages.spans.record(years);
        ages.shift.record(-years / 2);
    }
    const std::string written = exposition_of({"page.ages"}, text);
    CAPTURE(written);
    CHECK(has(written, "alive_seconds_total 12614400000"));
    CHECK(has(written, "fine_nanoseconds_total 12614400000000000000"));
    CHECK(has(written, "long_minutes_total 210240000"));
    CHECK(has(written, "less_seconds -6307200000"));
    CHECK(has(written, "spans_seconds_sum 12614400000"));
    CHECK(has(written, "shift_seconds_sum -6307200000"));
}

TEST_CASE("a family whose samples are called like another's is left out too") {
    base.waits.record(1);
    suffix.waits.set(1);
    const reported said;
    const std::string written = exposition_of({"page.base", "page.suffix"}, openmetrics);
    CHECK(has(written, "waits_count 1"));
    CHECK(written.find("# TYPE waits_count") == written.npos);
    REQUIRE(said.take().size() == 1);
    const std::string other = exposition_of({"page.suffix", "page.base"}, openmetrics);
    CHECK(has(other, "# TYPE waits_count gauge"));
    CHECK(other.find("# TYPE waits histogram") == other.npos);
    CHECK(said.take().size() == 1);
}

TEST_CASE("resource attributes that Prometheus calls the same are joined; a row that has target_info keeps it") {
    CHECK(exposition_of({}, openmetrics, {{{"b", "1"}, {"a_b", "y"}, {"a.b", "x"}, {"2", "z"}}}) ==
          "# TYPE target info\n# HELP target Target metadata\ntarget_info{b=\"1\",a_b=\"x;y\",_2=\"z\"} 1\n# EOF\n");
    // `__` is Prometheus' own: a label such as __name__ would cost the whole exposition.
    CHECK(has(exposition_of({}, text, {{{"__name__", "evil"}, {"key__name__", "good"}}}), "target_info{key__name__=\"evil;good\"} 1"));
}

TEST_CASE("families of others: every kind, in both formats") {
    using other = apm::other_family;
    const std::vector<other> others{
        {"their_total", "Their \"own\"\nhelp\\", other::kind::counter, {{.labels = {{"k", "v\"\n"}}, .value = std::uint64_t{1} << 63}}},
        {"odd_counter", "No _total", other::kind::counter, {{.value = 1.5}}},
        {"level-now", "A gauge", other::kind::gauge, {{.value = -1.0, .timestamp_ms = 1'700'000'000'250}}},
        {"lasted", "A histogram", other::kind::histogram,
         {{"_bucket", {{"k", "v"}}, "1.0", std::uint64_t{1}}, {"_bucket", {{"k", "v"}}, "+Inf", std::uint64_t{2}},
          {"_count", {{"k", "v"}}, {}, std::uint64_t{2}}, {"_sum", {{"k", "v"}}, {}, 3.5}}},
        {"below", "Negative bounds", other::kind::histogram,
         {{"_bucket", {}, "-1.0", std::uint64_t{1}}, {"_bucket", {}, "+Inf", std::uint64_t{1}}, {"_count", {}, {}, std::uint64_t{1}},
          {"_sum", {}, {}, -2.0}}, true},
        {"waited", "A summary", other::kind::summary, {{"", {}, "0.5", 0.25}, {"_count", {}, {}, std::uint64_t{4}}, {"_sum", {}, {}, 1.0}}},
        {"whatever", "", other::kind::untyped, {{.value = 7.0}}},
        {"build_info", "Which", other::kind::info, {{.labels = {{"version", "1"}}, .value = 1.0}}},
        {"without", "No samples", other::kind::gauge, {}},
    };
    apm::detail::prometheus_exposition p;
    CHECK(p.write({}, {}, text, others) ==
R"(# HELP their_total Their "own"\nhelp\\
# TYPE their_total counter
their_total{k="v\"\n"} 9223372036854775808
# HELP odd_counter No _total
# TYPE odd_counter counter
odd_counter 1.5
# HELP level_now A gauge
# TYPE level_now gauge
level_now -1 1700000000250
# HELP lasted A histogram
# TYPE lasted histogram
lasted_bucket{k="v",le="1.0"} 1
lasted_bucket{k="v",le="+Inf"} 2
lasted_count{k="v"} 2
lasted_sum{k="v"} 3.5
# HELP below Negative bounds
# TYPE below histogram
below_bucket{le="-1.0"} 1
below_bucket{le="+Inf"} 1
below_count 1
below_sum -2
# HELP waited A summary
# TYPE waited summary
waited{quantile="0.5"} 0.25
waited_count 4
waited_sum 1
# HELP whatever 
# TYPE whatever untyped
whatever 7
# HELP build_info Which
# TYPE build_info gauge
build_info{version="1"} 1
)");
    CHECK(p.write({}, {}, openmetrics, others) ==
R"(# TYPE their counter
# HELP their Their \"own\"\nhelp\\
their_total{k="v\"\n"} 9223372036854775808
# TYPE odd_counter unknown
# HELP odd_counter No _total
odd_counter 1.5
# TYPE level_now gauge
# HELP level_now A gauge
level_now -1 1700000000.25
# TYPE lasted histogram
# HELP lasted A histogram
lasted_bucket{k="v",le="1.0"} 1
lasted_bucket{k="v",le="+Inf"} 2
lasted_count{k="v"} 2
lasted_sum{k="v"} 3.5
# TYPE below histogram
# HELP below Negative bounds
below_bucket{le="-1.0"} 1
below_bucket{le="+Inf"} 1
# TYPE waited summary
# HELP waited A summary
waited{quantile="0.5"} 0.25
waited_count 4
waited_sum 1
# TYPE whatever unknown
# HELP whatever 
whatever 7
# TYPE build info
# HELP build Which
build_info{version="1"} 1
# EOF
)");
}

TEST_CASE("of families of others, one whose name is ours, or another's, is left out, said once") {
    using other = apm::other_family;
    const reported said;
    apm::snapshot ours;
    for (apm::family& f : apm::collect().families)
        if (f.row->hash == kinds.took.hash || f.row->hash == kinds.orders.hash) ours.families.push_back(std::move(f));
    const std::vector<other> others{
        {"shop_orders_total", "Ours", other::kind::counter, {{.value = 1.0}}},
        {"took_seconds_sum", "A sample of ours", other::kind::gauge, {{.value = 1.0}}},
        {"target_info", "Ours", other::kind::info, {{.value = 1.0}}},
        {"free", "Free", other::kind::gauge, {{.value = 1.0}}},
        {"free", "Twice", other::kind::gauge, {{.value = 2.0}}},
    };
    apm::detail::prometheus_exposition p;
    std::string written;
    for (int twice = 0; twice < 2; ++twice) written = p.write(ours, {{{"a", "b"}}}, text, others);
    CHECK(has(written, "free 1"));
    CHECK(written.find("free 2") == written.npos);
    CHECK(written.find("HELP took_seconds_sum") == written.npos);
    CHECK(written.find("# HELP shop_orders_total Ours") == written.npos);
    CHECK(said.take() == lines{"the family shop_orders_total is left out of the exposition: there is a shop_orders already",
                               "the family took_seconds_sum is left out of the exposition: there is a took_seconds_sum already",
                               "the family target_info is left out of the exposition: there is a target already",
                               "the family free is left out of the exposition: there is a free already"});
}

namespace {
struct SetsIt : apm::schema<SetsIt> {
    static constexpr apm::scope scope{.name = "page.sets_it"};
    gauge<> level{this, "page.level", "Set"};
};
struct SumsIt : apm::schema<SumsIt> {
    static constexpr apm::scope scope{.name = "page.sums_it"};
    updown<> level{this, "page.level", "Summed up"};
};
}  // namespace

TEST_CASE("a gauge and an updown of one name are not added up, though both are gauges in the exposition") {
    const reported said;
    apm::instruments<SetsIt>.level.set(40);
    apm::instruments<SumsIt>.level.add(2);
    apm::detail::prometheus_exposition writer;
    const std::string written = writer.write(apm::collect(), {}, apm::exposition_format::text);
    CHECK(written.find("\npage_level 40\n") != written.npos);
    CHECK(written.find("page_level 42") == written.npos);
}

TEST_CASE("exemplars are in OpenMetrics, on counters and buckets") {
    const std::uint64_t from = apm::detail::realtime_ns();
    {
        const auto at = apm::attach({.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c}, .span = 0xb7ad6b7169203331, .sampled = true});
        traced.orders.add(3, {.method = Method::card});
        traced.busy.add(1500ms);
        traced.took.record(3ms, {.method = Method::card});
        traced.took.record(2s, {.method = Method::card});
        traced.drift.record(-2.25);
        traced.plain.add(1);
    }
    traced.orders.add(2, {.method = Method::paypal});
    traced.took.record(600ms, {.method = Method::card});
    const auto low = apm::attach({.trace = {1, 0xf}, .span = 2, .sampled = true});
    traced_too.took.record(700ms, {.method = Method::card});
    traced_too.took.record(4s, {.method = Method::card});

    const std::string written = exposition_of({"page.traced", "page.traced.too"}, openmetrics);
    CHECK(without_times(written, from, apm::detail::realtime_ns()) ==
R"(# TYPE traced_orders counter
# HELP traced_orders Orders
traced_orders_total{method="card"} 3 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 3 T
traced_orders_total{method="paypal"} 2
# TYPE traced_busy_seconds counter
# UNIT traced_busy_seconds seconds
# HELP traced_busy_seconds Time at work
traced_busy_seconds_total 1.5 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 1.5 T
# TYPE traced_took_seconds histogram
# UNIT traced_took_seconds seconds
# HELP traced_took_seconds Time
traced_took_seconds_bucket{method="card",le="0.005"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.003 T
traced_took_seconds_bucket{method="card",le="0.5"} 1
traced_took_seconds_bucket{method="card",le="1.0"} 3 # {trace_id="0000000000000001000000000000000f",span_id="0000000000000002"} 0.7 T
traced_took_seconds_bucket{method="card",le="+Inf"} 5 # {trace_id="0000000000000001000000000000000f",span_id="0000000000000002"} 4 T
traced_took_seconds_count{method="card"} 5
traced_took_seconds_sum{method="card"} 7.303
# TYPE traced_drift histogram
# HELP traced_drift Deviation
traced_drift_bucket{le="-1.5"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} -2.25 T
traced_drift_bucket{le="0.0"} 1
traced_drift_bucket{le="2.0"} 1
traced_drift_bucket{le="+Inf"} 1
# TYPE traced_plain counter
# HELP traced_plain Keeps none
traced_plain_total 1
# EOF
)");
    CHECK(exposition_of({"page.traced", "page.traced.too"}, text).find(" # ") == std::string::npos);
    CHECK(has(exposition_of({"page.traced"}, text), "traced_busy_seconds_total 1.5"));
}
