// ctest: LABELS serial
#include <apm/detail/character.hpp>

#include <string_view>

#include "catch.hpp"

using namespace apm::detail;

TEST_CASE("each class has its characters, and no others") {
    const std::string_view lower = "abcdefghijklmnopqrstuvwxyz", upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", digits = "0123456789";
    for (int i = 0; i < 256; ++i) {
        CAPTURE(i);
        const char c = static_cast<char>(i);
        const auto in = [c](std::string_view all) { return all.find(c) != all.npos; };
        CHECK(is_blank(c) == in(" \t"));
        CHECK(is_lower(c) == in(lower));
        CHECK(is_digit(c) == in(digits));
        CHECK(is_alphanumeric(c) == (in(lower) || in(upper) || in(digits)));
    }
}
