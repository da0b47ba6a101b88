// ctest: LABELS serial
#include <apm/detail/json_writer.hpp>

#include <clocale>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

template <class F>
std::string written(F&& f) {
    std::string out;
    apm::detail::json_writer json(out);
    f(json);
    return out;
}
std::string text(std::string_view s) {
    return written([&](apm::detail::json_writer& json) { json.text(s); });
}
std::string real(double v) {
    return written([&](apm::detail::json_writer& json) { json.real(v); });
}
std::string thousandths(std::int64_t n) {
    return written([&](apm::detail::json_writer& json) { json.thousandths(n); });
}

}  // namespace

TEST_CASE("commas stand between values, wherever they are") {
    const std::string out = written([](apm::detail::json_writer& json) {
        json.begin_object();
        json.key("a"), json.integer(1);
        json.key("b"), json.begin_array();
        json.begin_array(), json.end_array();
        json.text("x"), json.boolean(true), json.boolean(false), json.real(0.5);
        json.begin_object(), json.end_object(), json.begin_object(), json.end_object();
        json.end_array();
        json.key("c"), json.begin_object(), json.end_object();
        json.key("d"), json.text("{");
        json.key("e"), json.text(":");
        json.end_object();
    });
    CHECK(out == R"({"a":1,"b":[[],"x",true,false,0.5,{},{}],"c":{},"d":"{","e":":"})");
}

TEST_CASE("what is in the string already is left alone") {
    std::string out = "[";
    out += '1';
    apm::detail::json_writer json(out);
    json.integer(2), json.integer(3);
    CHECK(out == "[12,3");
}

TEST_CASE("text is escaped") {
    CHECK(text("") == R"("")");
    CHECK(text("a \"b\" \\ / c") == R"("a \"b\" \\ / c")");
    CHECK(text("\n\r\t") == R"("\n\r\t")");
    CHECK(text({"\0\x01\x1f\x7f", 4}) == "\"\\u0000\\u0001\\u001f\x7f\"");
    CHECK(text("h\xc3\xa4uschen \xf0\x9f\x90\x88") == "\"h\xc3\xa4uschen \xf0\x9f\x90\x88\"");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD, each of them") {
    CHECK(text("\xff") == "\"\xef\xbf\xbd\"");
    CHECK(text("a\xc3") == "\"a\xef\xbf\xbd\"");                                  // cut in the middle of a character
    CHECK(text("\xc3\"") == "\"\xef\xbf\xbd\\\"\"");                              // and then a quote: not swallowed
    CHECK(text("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");    // half of a surrogate pair
    CHECK(text("\xc0\xaf!") == "\"\xef\xbf\xbd\xef\xbf\xbd!\"");                  // overlong
}

TEST_CASE("integers are all there") {
    CHECK(written([](apm::detail::json_writer& json) { json.integer(std::numeric_limits<std::int64_t>::min()); }) ==
          "-9223372036854775808");
    CHECK(written([](apm::detail::json_writer& json) { json.integer(~std::uint64_t{0}); }) == "18446744073709551615");
    CHECK(written([](apm::detail::json_writer& json) { json.quoted(std::int64_t{-1}), json.quoted(2u); }) == R"("-1","2")");
    CHECK(written([](apm::detail::json_writer& json) { json.hex(std::uint64_t{0xf}, ~std::uint64_t{1}); }) ==
          R"("000000000000000ffffffffffffffffe")");
}

TEST_CASE("doubles read back as they were, and what JSON has no number for is text") {
    CHECK(real(0.1) == "0.1");
    CHECK(real(-0.0) == "-0");
    CHECK(real(1e300) == "1e+300");
    CHECK(real(std::numeric_limits<double>::denorm_min()) == "5e-324");
    CHECK(real(std::numeric_limits<double>::quiet_NaN()) == R"("NaN")");
    CHECK(real(std::numeric_limits<double>::infinity()) == R"("Infinity")");
    CHECK(real(-std::numeric_limits<double>::infinity()) == R"("-Infinity")");
    for (const char* decimal_comma : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"}) {
        if (!std::setlocale(LC_ALL, decimal_comma)) continue;
        CHECK(real(1.5) == "1.5");
        CHECK(thousandths(1500) == "1.500");
        std::setlocale(LC_ALL, "C");
    }
}

TEST_CASE("thousandths are exact") {
    CHECK(thousandths(0) == "0");
    CHECK(thousandths(1) == "0.001");
    CHECK(thousandths(-1) == "-0.001");
    CHECK(thousandths(12'030) == "12.030");
    CHECK(thousandths(5'000) == "5");
    CHECK(thousandths(std::numeric_limits<std::int64_t>::max()) == "9223372036854775.807");
    CHECK(thousandths(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775.808");
}
