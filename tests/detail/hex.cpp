// ctest: LABELS serial
#include <apm/detail/hex.hpp>

#include <cstdint>
#include <string>

#include "catch.hpp"

using namespace apm::detail;

TEST_CASE("every byte has the value of its digit, or none") {
    for (int c = 0; c < 256; ++c) {
        CAPTURE(c);
        const std::size_t lower = std::string("0123456789abcdef").find(static_cast<char>(c));
        const std::size_t upper = std::string("0123456789ABCDEF").find(static_cast<char>(c));
        CHECK(hex_value(static_cast<char>(c), letters::lower) == (lower != std::string::npos ? lower : 16));
        CHECK(hex_value(static_cast<char>(c)) == (lower != std::string::npos ? lower : upper != std::string::npos ? upper : 16));
    }
}

TEST_CASE("hexadecimal digits are read strictly") {
    std::uint64_t n = 5;
    for (const char* bad : {"", "g", "A", "0x1", "-1", " 1", "1 ", "12345678901234567"}) {
        CAPTURE(bad);
        CHECK_FALSE(read_hex(bad, n));
        CHECK(n == 5);
    }
    CHECK((read_hex("ffffffffffffffff", n) && n == ~std::uint64_t{0}));
    CHECK((read_hex("fF", n, letters::any) && n == 255));
    CHECK((is_hex("09af") && is_hex("") && !is_hex("A") && is_hex("A", letters::any) && !is_hex("a-")));
}

TEST_CASE("hexadecimal digits are written in lower case, with zeros before them") {
    std::string text = "x";
    append_hex(text, 0x0123456789abcdef);
    append_hex(text, 0xff0e, 2);
    append_hex(text, 0, 4);
    CHECK(text == "x0123456789abcdef0e0000");
}

TEST_CASE("the last digit of a number is written in the case that is asked for") {
    for (std::uint64_t n = 0; n < 32; ++n) {
        CAPTURE(n);
        CHECK(hex_digit(n) == "0123456789abcdef"[n & 15]);
        CHECK(upper_hex_digit(n) == "0123456789ABCDEF"[n & 15]);
    }
}
