// ctest: LABELS serial
#include <apm/backend/prometheus/text.hpp>

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <locale>
#include <stdexcept>
#include <string>

#include "catch.hpp"

namespace text = apm::detail::prometheus_text;

namespace {

template <class F>
std::string put(F&& f) {
    std::string out;
    f(out);
    return out;
}
template <class Integer>
std::string integer(Integer n) { return put([&](std::string& s) { text::put_integer(s, n); }); }
std::string real(double v) { return put([&](std::string& s) { text::put_double(s, v); }); }
std::string scaled(std::int64_t n, double scale) { return put([&](std::string& s) { text::put_scaled(s, n, scale); }); }
std::string unsigned_scaled(std::uint64_t n, double scale) { return put([&](std::string& s) { text::put_scaled(s, n, scale); }); }
std::string bound(double v) { return put([&](std::string& s) { text::put_bound(s, v); }); }
std::string escaped(std::string_view v, bool quotes) { return put([&](std::string& s) { text::put_escaped(s, v, quotes); }); }
std::string label(std::string_view name, std::string_view value) {
    return put([&](std::string& s) { text::put_label(s, name, value); });
}

constexpr auto least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("integers are written to the last digit") {
    CHECK(integer(std::uint64_t{0}) == "0");
    CHECK(integer(std::uint64_t{1} << 63) == "9223372036854775808");
    CHECK(integer((std::uint64_t{1} << 53) + 1) == "9007199254740993");
    CHECK(integer(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(integer(least) == "-9223372036854775808");
}

TEST_CASE("doubles read back as they were") {
    CHECK(real(0) == "0");
    CHECK(real(-0.0) == "-0");
    CHECK(real(0.1) == "0.1");
    CHECK(real(1e300) == "1e+300");
    CHECK(real(0.1 + 0.2) == "0.30000000000000004");
    CHECK(real(std::nan("")) == "NaN");
    CHECK(real(-std::nan("")) == "NaN");
    CHECK(real(HUGE_VAL) == "+Inf");
    CHECK(real(-HUGE_VAL) == "-Inf");
    for (const double v : {5e-324, 2.2250738585072011e-308, 1e22, 1.7976931348623157e308, -1.0 / 3, 123456789.125, 9007199254740993.0}) {
        CAPTURE(v);
        CHECK(std::strtod(real(v).c_str(), nullptr) == v);
    }
}

TEST_CASE("times are exact decimals of the nanoseconds kept") {
    CHECK(scaled(0, 1e9) == "0");
    CHECK(scaled(1, 1e9) == "0.000000001");
    CHECK(scaled(-1, 1e9) == "-0.000000001");
    CHECK(scaled(250'000'000, 1e9) == "0.25");
    CHECK(scaled(3'000'000'000, 1e9) == "3");
    CHECK(scaled(-1'500'000'000, 1e9) == "-1.5");
    CHECK(scaled(-3'000'000'000, 1e9) == "-3");
    CHECK(scaled(most, 1e9) == "9223372036.854775807");
    CHECK(scaled(least, 1e9) == "-9223372036.854775808");
    CHECK(unsigned_scaled(std::uint64_t{1} << 63, 1e9) == "9223372036.854775808");
    CHECK(unsigned_scaled(std::numeric_limits<std::uint64_t>::max(), 1e9) == "18446744073.709551615");
    CHECK(unsigned_scaled(std::numeric_limits<std::uint64_t>::max(), 1) == "18446744073709551615");
    CHECK(unsigned_scaled(std::uint64_t{1} << 63, 60e9) == "153722867.28091294");
    CHECK(scaled(1'234'567, 1e6) == "1.234567");
    CHECK(scaled(1'001, 1e3) == "1.001");
    CHECK(scaled(-17, 1) == "-17");
    CHECK(scaled(least, 1) == "-9223372036854775808");
    CHECK(scaled(90'000'000'000, 60e9) == "1.5");       // minutes are no power of ten
    CHECK(scaled(-60'000'000'000, 60e9) == "-1");
}

TEST_CASE("bounds are written as OpenMetrics and Prometheus 3 write them") {
    // The canonical numbers of OpenMetrics 1.0.
    const char* const powers[] = {"1e-10", "1e-09", "1e-08", "1e-07", "1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1.0",
                                  "10.0", "100.0", "1000.0", "10000.0", "100000.0", "1e+06", "1e+07", "1e+08", "1e+09", "1e+10"};
    for (const char* power : powers) CHECK(bound(std::stod(power)) == power);
    CHECK(bound(0) == "0.0");
    CHECK(bound(-0.0) == "0.0");
    CHECK(bound(0.005) == "0.005");
    CHECK(bound(7.5) == "7.5");
    CHECK(bound(-2.5) == "-2.5");
    CHECK(bound(-40) == "-40.0");
    CHECK(bound(65536) == "65536.0");
    CHECK(bound(1048576) == "1.048576e+06");
    CHECK(bound(999999.9999999999) == "999999.9999999999");     // its logarithm rounds to 6
    CHECK(bound(0.00009999999999999999) == "9.999999999999999e-05");
    CHECK(bound(0.0009765625) == "0.0009765625");
    CHECK(bound(1e300) == "1e+300");
    CHECK(bound(5e-324) == "5e-324");
    CHECK(bound(1.7976931348623157e308) == "1.7976931348623157e+308");
}

TEST_CASE("escapes: backslash and line feed always, quotes where asked") {
    CHECK(escaped("", true).empty());
    CHECK(escaped("plain", true) == "plain");
    CHECK(escaped("a\"b\\c\nd", true) == "a\\\"b\\\\c\\nd");
    CHECK(escaped("a\"b\\c\nd", false) == "a\"b\\\\c\\nd");
    CHECK(escaped("end\\", true) == "end\\\\");
    CHECK(escaped("\n", false) == "\\n");
    CHECK(escaped("\"", true) == "\\\"");
    CHECK(escaped(std::string_view("\0x\r\t", 4), true) == std::string("\0x\r\t", 4));  // nothing else has an escape
    CHECK(escaped(std::string(65536, '\\'), true) == std::string(131072, '\\'));
}

TEST_CASE("bytes that are not UTF-8 are replaced, since they would cost the whole exposition") {
    CHECK(label("a", "caf\xc3\xa9") == "a=\"caf\xc3\xa9\"");
    CHECK(label("a", "x\xffy") == "a=\"x\xef\xbf\xbdy\"");
    CHECK(label("a", "\xc3") == "a=\"\xef\xbf\xbd\"");
    CHECK(label("a", "\xff\"\n\\") == "a=\"\xef\xbf\xbd\\\"\\n\\\\\"");
    CHECK(escaped("help \xed\xa0\x80", false) == "help \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a label's name never begins with __, which Prometheus keeps for itself and rejects the exposition for") {
    CHECK(label("__name__", "x") == R"(key__name__="x")");
    CHECK(label("-.a", "x") == R"(key__a="x")");
    CHECK(label("__", "x") == R"(key__="x")");
    CHECK(label("_a", "x") == R"(_a="x")");
    CHECK(label("1_", "x") == R"(_1_="x")");
    CHECK(label("a__", "x") == R"(a__="x")");
}

TEST_CASE("labels are joined by commas, and have names that Prometheus allows") {
    std::string out;
    text::put_label(out, "http.request.method", "GET");
    text::put_label(out, "1st", "");
    text::put_label(out, "a-b", "q\"");
    text::put_label(out, "", "x");
    CHECK(out == R"(http_request_method="GET",_1st="",a_b="q\"",_="x")");
}

TEST_CASE("a label's value may be 64 KiB long") {
    const std::string long_value(65536, 'v');
    CHECK(label("l", long_value) == "l=\"" + long_value + "\"");
}

TEST_CASE("the program's locale does not matter") {
    const std::string c_before = setlocale(LC_ALL, nullptr);
    const std::locale before;
    try {
        std::locale::global(std::locale("de_DE.UTF-8"));
    } catch (const std::runtime_error&) {
        WARN("skipped: this system has no locale de_DE.UTF-8");
        return;
    }
    setlocale(LC_ALL, "de_DE.UTF-8");
    CHECK(std::string(localeconv()->decimal_point) == ",");
    CHECK(real(1234567.5) == "1234567.5");
    CHECK(scaled(1'234'500'000'000, 1e9) == "1234.5");
    CHECK(scaled(90'000'000'000, 60e9) == "1.5");
    CHECK(bound(2.5) == "2.5");
    CHECK(bound(1048576) == "1.048576e+06");
    CHECK(integer(1234567) == "1234567");
    std::locale::global(before);
    setlocale(LC_ALL, c_before.c_str());
}
