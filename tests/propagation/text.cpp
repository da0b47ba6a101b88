// ctest: LABELS serial
#include <apm/propagation/text.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "../catch.hpp"

TEST_CASE("a bounded text: what does not fit is counted, and not written") {
    char memory[8] = "zzzzzzz";
    apm::detail::bounded_text text(memory, 4);
    text.put("abc");
    CHECK(text.view() == "abc");
    text.put("de");
    CHECK(text.overflows());
    CHECK(text.size() == 5);
    CHECK(text.view().empty());
    text.put('f');
    CHECK(text.size() == 6);
    CHECK(std::string_view(memory, 7) == std::string_view("abczzzz"));
    text.cut_to(3);
    text.put('d');
    CHECK(text.view() == "abcd");
}

TEST_CASE("numbers as text") {
    apm::detail::fixed_text<200> text;
    const auto shown = [&](auto&& put) {
        text.cut_to(0);
        put();
        return std::string(text.view());
    };
    CHECK(shown([&] { text.put_hex(0x0123456789abcdef, 16); }) == "0123456789abcdef");
    CHECK(shown([&] { text.put_hex(0x0123456789abcdef, 8); }) == "89abcdef");
    CHECK(shown([&] { text.put_trace({1, 2}); }) == "00000000000000010000000000000002");
    CHECK(shown([&] { text.put_decimal(0); }) == "0");
    CHECK(shown([&] { text.put_decimal(~std::uint64_t{0}); }) == "18446744073709551615");

    std::uint64_t n = 7;
    for (const char* bad : {"", "g", "A", "0x1", "-1", " 1", "12345678901234567"}) CHECK_FALSE(apm::detail::read_hex(bad, n));
    CHECK(n == 7);
    CHECK((apm::detail::read_hex("00000000000000ff", n) && n == 255));
    CHECK((apm::detail::read_hex("FF", n, apm::detail::letters::any) && n == 255));

    apm::trace_id t{5, 6};
    for (const char* bad : {"", "0", "00000000000000000000000000000000", "123456789012345678901234567890123", "-"})
        CHECK_FALSE(apm::detail::read_trace(bad, t));
    CHECK(t == apm::trace_id{5, 6});
    CHECK((apm::detail::read_trace("1", t) && t == apm::trace_id{0, 1}));
    CHECK((apm::detail::read_trace("10000000000000000", t) && t == apm::trace_id{1, 0}));
}

TEST_CASE("cut_until() tells an empty last part from none") {
    std::string_view rest = "a,,b,";
    CHECK(apm::detail::cut_until(rest, ',') == "a");
    CHECK(apm::detail::cut_until(rest, ',').empty());
    CHECK(apm::detail::cut_until(rest, ',') == "b");
    CHECK(rest.data() != nullptr);
    CHECK(apm::detail::cut_until(rest, ',').empty());
    CHECK(rest.data() == nullptr);
}
