// ctest: LABELS serial
// The table for people.
#include <apm/backend/table.hpp>

#include <chrono>
#include <clocale>
#include <limits>

#include <apm/apm.hpp>
#include <apm/schema/apm.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, cash)
APM_FIELDS(Order, (Method, method));
APM_FIELDS(Agent, (apm::text<>, agent));

struct second_buckets {
    static constexpr auto bounds = apm::explicit_bounds(0.001, 0.01, 0.1, 1);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.table"};

    counter<Order>                                         orders{this, "orders", "Orders"};
    counter<Order>                                         unused{this, "unused", "Unused"};
    counter<apm::no_labels, apm::money<"USD">>             revenue{this, "revenue", "Revenue"};
    counter<apm::no_labels, apm::bytes>                    sent{this, "sent", "Sent"};
    counter<Agent>                                         agents{this, "agents", "Agents", {.limit = 2}};
    updown<>                                               open{this, "open", "Open"};
    gauge<apm::no_labels, apm::percent>                    load{this, "load", "Load"};
    gauge<>                                                never{this, "never", "Never"};
    histogram<Order, apm::seconds, second_buckets>         time{this, "time", "Time"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

void record() {
    telemetry.orders.add<on>(120, {.method = Method::card});
    telemetry.orders.add<on>(3, {.method = Method::cash});
    telemetry.revenue.add<on>(1234.5);
    telemetry.sent.add<on>(3u << 20);
    telemetry.agents.add<on>(1, {.agent = "caf\xc3\xa9"});
    telemetry.agents.add<on>(1, {.agent = "\x1b[31mred\n\x7f"});
    telemetry.open.sub<on>(4);
    telemetry.load.set<on>(12.345);
    for (int i = 0; i < 100; ++i) telemetry.time.record<on>(5ms, {.method = Method::card});
    telemetry.time.record<on>(2s, {.method = Method::cash});
}

// Of what this file recorded, as if it had taken a minute.
std::string table(const apm::table_options& options = {}) {
    apm::snapshot s = apm::collect();
    std::erase_if(s.families, [](const apm::family& f) { return std::string_view(f.schema->name) != "test.table"; });
    s.started = 1'000'000'000, s.time = 61'000'000'000;
    return apm::to_table(s, options);
}

}  // namespace

TEST_CASE("totals with rates, present values, distributions with quantiles") {
    record();
    const std::string text = table();
    INFO(text);
    CHECK(text ==
          "counters                                  total    per s\n"
          "  orders{method=card}                       120        2\n"
          "  orders{method=cash}                         3     0.05\n"
          "  unused                                      0\n"
          "  revenue                            1234.5 USD    20.57\n"
          "  sent                                    3 MiB  52428.8\n"
          "  agents{agent=caf\xc3\xa9}                          1   0.0167\n"
          "  agents{agent=\\x1b[31mred\\x0a\\x7f}           1   0.0167\n"
          "\n"
          "now                                      value\n"
          "  open                                      -4\n"
          "  load                                 12.35 %\n"
          "  never                              never set\n"
          "\n"
          "histograms                           count   per s  mean      p50      p95      p99\n"
          "  time{method=card}                    100    1.67  5 ms  5.50 ms  9.55 ms  9.91 ms\n"
          "  time{method=cash}                      1  0.0167   2 s    > 1 s    > 1 s    > 1 s\n");
}

TEST_CASE("what overflowed or was rejected is said below") {
    telemetry.agents.add<on>(7, {.agent = "one more"});
    telemetry.revenue.add<on>(-1.0);
    const std::string text = table();
    INFO(text);
    CHECK(text.find("\n  agents{otel.metric.overflow=true}") != std::string::npos);
    CHECK(text.ends_with("\nrevenue: 1 values rejected\nagents: 1 records went to its overflow series\n"));
}

TEST_CASE("the library's own rows are shown on demand, and of nothing there is no table") {
    apm::self::telemetry.errors.add<on>(1);
    CHECK(apm::to_table(apm::collect()).find("apm.errors") == std::string::npos);
    CHECK(apm::to_table(apm::collect(), {.own = true}).find("\n  apm.errors") != std::string::npos);
    CHECK(apm::to_table({}).empty());
}

TEST_CASE("numbers are as long as a reader can use, whatever the locale") {
    const char* before = std::setlocale(LC_ALL, nullptr);
    const std::string keep = before ? before : "C";
    std::setlocale(LC_ALL, "de_DE.UTF-8");  // a decimal comma, where it is installed
    using apm::detail::readable;
    CHECK(readable(0) == "0");
    CHECK(readable(7) == "7");
    CHECK(readable(-7) == "-7");
    CHECK(readable(123456789) == "123456789");
    CHECK(readable(1234.56) == "1234.6");
    CHECK(readable(99.999) == "100.00");
    CHECK(readable(1.5) == "1.50");
    CHECK(readable(0.00123456) == "0.00123");
    CHECK(readable(1.5e20) == "1.5e+20");
    CHECK(readable(std::numeric_limits<double>::infinity()) == "inf");
    std::setlocale(LC_ALL, keep.c_str());
}

TEST_CASE("times and sizes are in the unit that suits them") {
    using apm::detail::with_unit;
    CHECK(with_unit(0.0000005, apm::seconds::info) == "500 ns");
    CHECK(with_unit(0.0015, apm::seconds::info) == "1.50 ms");
    CHECK(with_unit(90, apm::seconds::info) == "90 s");
    CHECK(with_unit(1500, apm::milliseconds::info) == "1.50 s");
    CHECK(with_unit(0, apm::milliseconds::info) == "0 ns");
    CHECK(with_unit(-0.25, apm::seconds::info) == "-250 ms");
    CHECK(with_unit(1023, apm::bytes::info) == "1023 B");
    CHECK(with_unit(1536, apm::bytes::info) == "1.50 KiB");
    CHECK(with_unit(0.5, apm::ratio::info) == "0.5");
    CHECK(with_unit(3, apm::count_of<"request">::info) == "3 request");
    CHECK(with_unit(85, apm::score::info) == "85");
}

TEST_CASE("where APM is compiled out, nothing is printed") {
    std::FILE* to = std::tmpfile();
    REQUIRE(to);
    apm::print_table<apm::mode::off>(to);
    CHECK(std::ftell(to) == 0);
    apm::print_table<on>(to);
    CHECK(std::ftell(to) > 0);
    std::fclose(to);
}

TEST_CASE("no command reaches a terminal, in UTF-8 neither") {
    std::string out;
    apm::detail::put_safely(out, "\xc2\x9b" "31m \xc2\xa9 \xc3\x9b");
    CHECK(out == "\xc2\\x9b" "31m \xc2\xa9 \xc3\x9b");
}
