// ctest: LABELS serial
#include <apm/detail/ascii.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using namespace apm::detail;

TEST_CASE("tokens are of the characters of RFC 9110, and no others") {
    const std::string_view token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int c = 0; c < 256; ++c) {
        CAPTURE(c);
        CHECK(is_token(static_cast<char>(c)) == (token.find(static_cast<char>(c)) != token.npos));
    }
}

TEST_CASE("the case of ASCII letters does not count, that of others does") {
    CHECK(equal_ignoring_case("TraceParent", "traceparent"));
    CHECK_FALSE(equal_ignoring_case("trace", "traceparent"));
    CHECK_FALSE(equal_ignoring_case("\xc4", "\xe4"));
    CHECK_FALSE(equal_ignoring_case("[", "{"));
}

TEST_CASE("lists are split at their separator, and blanks around a part are taken away") {
    std::vector<std::string> parts;
    split(" a ,,\tb c", ',', [&](std::string_view part) { parts.emplace_back(part); });
    CHECK(parts == std::vector<std::string>{"a", "", "b c"});
    parts.clear();
    split("", ',', [&](std::string_view part) { parts.emplace_back(part); });
    CHECK(parts == std::vector<std::string>{""});
}
