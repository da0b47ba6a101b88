// ctest: LABELS serial
// Trees of spans as people read them.
#include <apm/backend/console/span_text.hpp>

#include "catch.hpp"

using namespace std::string_literals;

namespace {

apm::span_data make(std::string name, std::uint64_t id, std::uint64_t parent, std::uint64_t start, std::uint64_t duration) {
    apm::span_data s{std::move(name)};
    s.trace = {1, 1};
    s.id = id, s.parent = parent, s.start = start, s.duration = duration;
    return s;
}
std::string text(const std::vector<apm::span_data>& spans, const apm::span_text_options& options = {}) {
    return apm::to_text(apm::span_tree(spans), options);
}
std::string value(const apm::attribute_value& v, std::size_t most = apm::detail::all_of_it) {
    std::string out;
    apm::detail::put_shown(out, v, most);
    return out;
}

}  // namespace

TEST_CASE("a tree") {
    auto checkout = make("checkout", 1, 0, 1'000'000, 12'345'678), reserve = make("reserve", 2, 1, 1'100'000, 1'200'000),
         pay = make("pay", 3, 1, 2'400'000, 10'050'000), bank = make("bank", 4, 3, 2'500'000, 999),
         log = make("log", 5, 2, 1'200'000, 1'000);
    checkout.attributes = {{"order_id", std::int64_t{7}}, {"coupon", "X"s}};
    checkout.events = {{"retry", 2'200'000, {{"attempt", std::int64_t{2}}}}};
    pay.status = apm::span_status::error, pay.message = "the card was declined";
    pay.links = {{apm::context{{1, 2}, 0xabc, true, false}, {{"how", "before"s}}}};
    bank.status = apm::span_status::error;
    bank.events = {{"sent", 2'500'000}};
    bank.dropped = {1, 0, 2};
    CHECK(text({bank, pay, log, reserve, checkout}) ==
          "12.3 ms  checkout order_id=7 coupon=\"X\"\n"
          "         │  +1.20ms retry attempt=2\n"
          "1.20 ms  ├─ reserve\n"
          "1.00 us  │  └─ log\n"
          "10.1 ms  └─ pay  ERROR: the card was declined\n"
          "            │  link to 0000000000000abc of trace 00000000000000010000000000000002 how=\"before\"\n"
          " 999 ns     └─ bank  ERROR\n"
          "                  +0ns sent\n"
          "                  left out: 1 attributes, 0 events, 2 links\n");
    CHECK(text({checkout}, {.attributes = false}) == "12.3 ms  checkout\n"
                                                     "            +1.20ms retry\n");
}

TEST_CASE("who is not there, and who is elsewhere") {
    auto server = make("serve", 3, 0x00f067aa0ba902b7, 30, 5);
    server.parent_is_remote = true;
    CHECK(text({make("lost", 2, 0xbad, 10, 1'500), make("too", 5, 0xbad, 11, 2), server, make("", 4, 3, 31, 0)}) ==
          "         (parent 0000000000000bad is not here)\n"
          "1.50 us  ├─ lost\n"
          "   2 ns  └─ too\n"
          "   5 ns  serve  (parent 00f067aa0ba902b7 in another process)\n"
          "   0 ns  └─ (no name)\n");
}

TEST_CASE("times have three significant digits") {
    const auto times = std::vector<std::pair<std::uint64_t, std::string>>{
        {0, "0 ns"}, {999, "999 ns"}, {1'000, "1.00 us"}, {1'004, "1.00 us"}, {1'005, "1.01 us"}, {9'994, "9.99 us"},
        {9'995, "10.0 us"}, {99'949, "99.9 us"}, {99'950, "100 us"}, {999'499, "999 us"}, {999'500, "1.00 ms"},
        {1'234'567, "1.23 ms"}, {12'345'678, "12.3 ms"}, {123'456'789, "123 ms"}, {999'500'000, "1.00 s"},
        {59'949'999'999, "59.9 s"}, {999'499'999'999, "999 s"}, {999'500'000'000, "1000 s"}, {86'400'000'000'000, "86400 s"},
        {~std::uint64_t{0}, "18446744074 s"}};
    for (const auto& [ns, expected] : times) CHECK(apm::detail::short_time(ns) == expected);
}

TEST_CASE("values") {
    CHECK(value(std::int64_t{-7}) == "-7");
    CHECK(value(0.1) == "0.1");
    CHECK(value(3.0) == "3");
    CHECK(value(1e300) == "1e+300");
    CHECK(value(true) == "true");
    CHECK(value(false) == "false");
    CHECK(value(""s) == "\"\"");
    CHECK(value("say \"yes\" \\ now"s) == "\"say \\\"yes\\\" \\\\ now\"");
    CHECK(value("\033[31m\nred"s) == "\"\\x1b[31m\\x0ared\"");
    CHECK(value(std::vector<std::int64_t>{1, -2, 3}) == "[1,-2,3]");
    CHECK(value(std::vector<double>{0.5}) == "[0.5]");
    CHECK(value(std::vector<double>{}) == "[]");
    CHECK(value("123456"s, 6) == "\"123456\"");
    CHECK(value("1234567"s, 6) == "\"123456…\"");
    CHECK(value("1234ä"s, 5) == "\"1234…\"");
    CHECK(value(std::vector<std::int64_t>{100, 200, 300, 400}, 7) == "[100,200,…]");
}

TEST_CASE("what strangers send is shown, not obeyed") {
    auto s = make("a\033[2J\r", 1, 0, 0, 1);
    s.status = apm::span_status::error, s.message = "m\a";
    s.attributes = {{"k\n", "v"s}};
    s.events = {{"e\b", 0}};
    CHECK(text({s}) == "   1 ns  a\\x1b[2J\\x0d k\\x0a=\"v\"  ERROR: m\\x07\n"
                       "            +0ns e\\x08\n");
}

TEST_CASE("long values are cut") {
    auto s = make("a", 1, 0, 0, 1);
    s.attributes = {{"k", std::string(4096, 'x')}};
    CHECK(text({s}) == "   1 ns  a k=\"" + std::string(200, 'x') + "…\"\n");
}

TEST_CASE("colours are escape sequences, and nothing else") {
    auto s = make("a", 1, 0, 0, 1);
    s.attributes = {{"k", true}};
    s.events = {{"e", 0}};
    auto failed = make("b", 2, 1, 0, 1);
    failed.status = apm::span_status::error;
    const std::vector<apm::span_data> spans{s, failed, make("c", 3, 9, 0, 1)};
    std::string coloured = text(spans, {.colours = true});
    CHECK(coloured.find("\033[31mb\033[0m") != std::string::npos);
    std::size_t count = 0;
    for (std::size_t at; (at = coloured.find('\033')) != std::string::npos; ++count)
        coloured.erase(at, coloured.find('m', at) + 1 - at);
    CHECK(count >= 10);
    CHECK(coloured == text(spans));
}

TEST_CASE("deep trees have short lines, and are linear") {
    std::vector<apm::span_data> spans;
    for (std::uint64_t i = 0; i < 10'000; ++i) spans.push_back(make("s", i + 1, i, i, 1));
    spans.push_back(make("second", 20'000, 32, 40'000, 1));  // at level 32, beside the deep one
    spans.push_back(make("w", 20'001, 33, 50'000, 1));   // at level 33, behind it
    const std::string all = text(spans);
    std::size_t longest = 0, lines = 0;
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1, ++lines)
        longest = std::max(longest, apm::detail::text_table::width(std::string_view(all).substr(at, end - at)));
    CHECK(lines == 10'002);
    CHECK(longest == 9 + 3 * 32 + std::string_view("[9999] s").size());
    const std::string margin(3 * 31, ' ');
    CHECK(all.find("   1 ns  " + margin + "├─ s\n   1 ns  " + margin + "│  [33] s\n") != std::string::npos);
    CHECK(all.ends_with("   1 ns  " + margin + "│  [9999] s\n   1 ns  " + margin + "│  [33] w\n   1 ns  " + margin +
                        "└─ second\n"));
}
