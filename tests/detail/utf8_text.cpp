// ctest: LABELS serial
#include <apm/detail/utf8_text.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

std::string escaped(std::string_view text) {
    std::string out = "<";
    apm::detail::append_utf8(out, text, [](char c) { return c == '"' || c == '\n'; }, [&out](char c) { out += c == '"' ? "Q" : "N"; });
    return out;
}

}  // namespace

TEST_CASE("text that is UTF-8 stays as it is") {
    for (const char* text : {"", "a", "gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x98\x80"}) {
        CHECK(apm::detail::utf8_repaired(text) == text);
        CHECK(escaped(text) == std::string("<") + text);
    }
    CHECK(escaped(std::string_view("\0", 1)) == std::string("<\0", 2));
}

TEST_CASE("each byte that belongs to no sequence becomes U+FFFD") {
    const std::string_view text = "a\xff\xc3z\xe2\x82";
    CHECK(apm::detail::utf8_repaired(text) == "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(escaped(text) == '<' + apm::detail::utf8_repaired(text));
}

TEST_CASE("what a format escapes is escaped, and nothing else") {
    CHECK(escaped("\"a\"\n\xc3\xbc\"") == "<QaQN\xc3\xbcQ");
    CHECK(escaped("\xc3\"") == "<\xef\xbf\xbdQ");
}
