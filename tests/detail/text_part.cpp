// ctest: LABELS serial
#include <apm/detail/text_part.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "catch.hpp"

using namespace apm::detail;

namespace {

text_part of(const char* s) { return {s, static_cast<std::uint32_t>(std::string_view(s).size())}; }
std::string text(text_part x) { return {x.at, x.size}; }

}  // namespace

TEST_CASE("parts are cut at the separator, the last one too") {
    text_part rest = of("a,,bc");
    CHECK(text(cut_part(rest, ',')) == "a");
    CHECK(text(cut_part(rest, ',')).empty());
    CHECK(rest.size == 2);
    CHECK(text(cut_part(rest, ',')) == "bc");
    CHECK(rest.size == 0);
    CHECK(text(cut_part(rest, ',')).empty());
    rest = of(",");
    CHECK(text(cut_part(rest, ',')).empty());
    CHECK(rest.size == 0);
}

TEST_CASE("blanks around a part are taken away, and no others") {
    CHECK(text(trimmed(of(" \ta b\t "))) == "a b");
    CHECK(text(trimmed(of(" \t "))).empty());
    CHECK(text(trimmed(of(""))).empty());
    CHECK(text(trimmed(of("\na\v"))) == "\na\v");
}
