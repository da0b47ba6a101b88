// ctest: LABELS serial
#include <apm/backend/otlp/json.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"

namespace otlp = apm::detail::otlp;

namespace {

template <class Put>
std::string written(Put&& put) {
    std::string out = "before ";
    otlp::json_encoder to(out);
    to.whole([&] { put(to); });
    return out.substr(7);
}
constexpr otlp::field f{1, "f"}, g{2, "g"};

}  // namespace

TEST_CASE("64 bits are text, fewer are numbers") {
    CHECK(written([](auto& to) { to.int64(f, INT64_MIN), to.fixed64(g, UINT64_MAX); }) ==
          R"({"f":"-9223372036854775808","g":"18446744073709551615"})");
    CHECK(written([](auto& to) { to.sfixed64(f, -5); }) == R"({"f":"-5"})");
    CHECK(written([](auto& to) { to.uint32(f, UINT32_MAX), to.sint32(g, INT32_MIN); }) == R"({"f":4294967295,"g":-2147483648})");
    CHECK(written([](auto& to) { to.fixed32(f, 257), to.enumerator(g, 2); }) == R"({"f":257,"g":2})");
}

TEST_CASE("other scalars") {
    CHECK(written([](auto& to) { to.text(f, "a\"b\xff"); }) == "{\"f\":\"a\\\"b\xef\xbf\xbd\"}");
    CHECK(written([](auto& to) { to.boolean(f, true), to.boolean(g, false); }) == R"({"f":true,"g":false})");
    CHECK(written([](auto& to) { to.real(f, 0.1), to.real(g, -HUGE_VAL); }) == R"({"f":0.1,"g":"-Infinity"})");
    CHECK(written([](auto& to) { to.id(f, std::uint64_t{1}, std::uint64_t{0xabc}), to.id(g, std::uint64_t{2}); }) ==
          R"({"f":"00000000000000010000000000000abc","g":"0000000000000002"})");
}

TEST_CASE("numbers in a row") {
    const std::vector<std::uint64_t> counts{0, UINT64_MAX};
    const std::vector<double> bounds{-1, 0.5};
    CHECK(written([&](auto& to) { to.fixed64s(f, counts), to.reals(g, bounds); }) ==
          R"({"f":["0","18446744073709551615"],"g":[-1,0.5]})");
    CHECK(written([&](auto& to) { to.uint64s(f, counts); }) == R"({"f":["0","18446744073709551615"]})");
}

TEST_CASE("messages and lists of them") {
    const auto two = [](auto& to, auto&& one) { one([&] { to.uint32(f, 1); }), one([&] { to.uint32(f, 2); }); };
    CHECK(written([&](auto& to) { to.message(f, [&] { to.uint32(g, 1); }); }) == R"({"f":{"g":1}})");
    CHECK(written([&](auto& to) { to.list(g, [&](auto&& one) { two(to, one); }); }) == R"({"g":[{"f":1},{"f":2}]})");
    CHECK(written([&](auto& to) { to.array(g, [&](auto&& one) { two(to, one); }); }) == R"({"g":[{"f":1},{"f":2}]})");
    CHECK(written([&](auto& to) { to.list(g, [](auto&&) {}), to.uint32(f, 1); }) == R"({"f":1})");
    CHECK(written([&](auto& to) { to.array(g, [](auto&&) {}), to.uint32(f, 1); }) == R"({"g":[],"f":1})");
}
