// ctest: LABELS serial
#include <apm/detail/number.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

template <class T>
std::optional<T> read(std::string_view text, T low = std::numeric_limits<T>::min(), T high = std::numeric_limits<T>::max()) {
    T n = 42;
    if (apm::detail::read_integer(text, n, low, high)) return n;
    CHECK(n == 42);
    return {};
}

}  // namespace

TEST_CASE("the whole text is the number") {
    for (const char* bad : {"", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "1a", "--1", "1-", "\xd9\xa1"}) {
        CAPTURE(bad);
        CHECK_FALSE(read<std::uint64_t>(bad));
        CHECK_FALSE(read<int>(bad));
    }
    CHECK(read<std::uint64_t>("000000000000000000000000012") == 12u);
    CHECK(read<int>("0") == 0);
    CHECK(read<int>("-0") == 0);
    CHECK_FALSE(read<std::uint64_t>("-0"));
    CHECK_FALSE(read<std::uint64_t>(std::string_view("1\0", 2)));
}

TEMPLATE_TEST_CASE("a number is read up to the limits of its type, and no further", "", signed char, unsigned char, short,
                   unsigned short, int, unsigned, std::int64_t, std::uint64_t) {
    using limits = std::numeric_limits<TestType>;
    const std::string low = std::to_string(limits::min()), high = std::to_string(limits::max());
    CHECK(read<TestType>(low) == limits::min());
    CHECK(read<TestType>(high) == limits::max());
    std::string beyond = high;
    ++beyond.back();  // none ends with a 9
    CHECK_FALSE(read<TestType>(beyond));
    CHECK_FALSE(read<TestType>(high + '0'));
    if (limits::is_signed) CHECK_FALSE(read<TestType>('-' + beyond.substr(0, beyond.size() - 1) + '9'));
}

TEST_CASE("a number out of the range that is asked for is none") {
    CHECK(read<int>("1", 1, 3) == 1);
    CHECK(read<int>("3", 1, 3) == 3);
    CHECK_FALSE(read<int>("0", 1, 3));
    CHECK_FALSE(read<int>("4", 1, 3));
    CHECK(read<std::int64_t>("-5", -5, -1) == -5);
}

static_assert([] {
    unsigned n = 0;
    return apm::detail::read_integer("17", n) && n == 17;
}());
