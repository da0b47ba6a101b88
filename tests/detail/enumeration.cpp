// ctest: LABELS serial
#include <apm/detail/enumeration.hpp>

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <apm/fields.hpp>

#include "catch.hpp"

namespace {

using apm::detail::enumeration;

BOOST_DEFINE_ENUM_CLASS(Plain, a, b, c)

enum class Sparse { ok = 200, created = 201, teapot = 418, gone = 410 };
BOOST_DESCRIBE_ENUM(Sparse, ok, created, teapot, gone)

enum class Negative : std::int8_t { low = -128, minus = -1, zero, high = 127 };
BOOST_DESCRIBE_ENUM(Negative, low, minus, zero, high)

enum class FromMinus : std::int8_t { two = -2, one, zero, plus };  // contiguous, across zero
BOOST_DESCRIBE_ENUM(FromMinus, two, one, zero, plus)

enum class Byte : unsigned char { first = 254, last };
BOOST_DESCRIBE_ENUM(Byte, first, last)

enum class Wrapping : std::uint8_t { last = 255, first = 0, second };  // contiguous modulo 256
BOOST_DESCRIBE_ENUM(Wrapping, last, first, second)

enum class Wide : std::int64_t { least = INT64_MIN, zero = 0, most = INT64_MAX };
BOOST_DESCRIBE_ENUM(Wide, least, zero, most)

enum class Unsigned : std::uint64_t { zero = 0, most = UINT64_MAX };
BOOST_DESCRIBE_ENUM(Unsigned, zero, most)

enum class Alias { card, paypal, usual = card, cash };  // cash is 1, too: an alias of paypal
BOOST_DESCRIBE_ENUM(Alias, card, paypal, usual, cash)

enum class WithOther { ok, other, failed };
BOOST_DESCRIBE_ENUM(WithOther, ok, other, failed)

enum Unscoped : int { red = 1, green = 2, blue = 4 };
BOOST_DESCRIBE_ENUM(Unscoped, red, green, blue)

enum class Flag : bool { no, yes };
BOOST_DESCRIBE_ENUM(Flag, no, yes)

enum class Model { gpt_4o, sonnet, unknown };
BOOST_DESCRIBE_ENUM(Model, gpt_4o, sonnet, unknown)
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"), (unknown, "other"));

enum class Status { c2xx, c4xx };
BOOST_DESCRIBE_ENUM(Status, c2xx, c4xx)
APM_WIRE_NAMES(Status, (c2xx, "2xx"), (c4xx, "4xx"));

template <class E>
std::vector<std::string> names() {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i < enumeration<E>::size; ++i) all.emplace_back(enumeration<E>::table.names[i]);
    return all;
}

// The values to cast: all of a small type; of a large one the neighbourhood of every enumerator, of zero and of the ends.
template <class E>
auto castable() {
    using U = std::underlying_type_t<E>;
    std::deque<U> all;  // not a vector, which is none for bool
    if constexpr (sizeof(U) <= 2) {
        for (int v = std::numeric_limits<U>::min(); v <= std::numeric_limits<U>::max(); ++v) all.push_back(static_cast<U>(v));
    } else {
        std::vector<std::uint64_t> centres{0, static_cast<std::uint64_t>(std::numeric_limits<U>::min()),
                                           static_cast<std::uint64_t>(std::numeric_limits<U>::max()), 1u << 16, 1u << 31};
        for (std::uint32_t i = 0; i < enumeration<E>::table.size; ++i)
            centres.push_back(static_cast<std::uint64_t>(enumeration<E>::table.values[i]));
        for (const std::uint64_t c : centres)
            for (std::uint64_t d = 0; d < 2000; ++d) all.push_back(static_cast<U>(c + d - 1000));
    }
    return all;
}

template <class E>
std::size_t wrong_casts() {
    std::size_t wrong = 0;
    for (const auto value : castable<E>()) {
        const auto e = static_cast<E>(value);
        std::uint32_t expected = enumeration<E>::table.catch_all;
        for (std::uint32_t i = 0; i < enumeration<E>::table.size; ++i)
            if (enumeration<E>::table.values[i] == e) expected = i;
        wrong += enumeration<E>::ordinal(e) != expected || expected >= enumeration<E>::size;
    }
    return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("whatever is cast to the enum has an ordinal inside the table", "", Plain, Sparse, Negative, FromMinus, Byte,
                   Wrapping, Wide, Unsigned, Alias, WithOther, Unscoped, Flag, Model, Status) {
    CHECK(wrong_casts<TestType>() == 0);
    CHECK(std::string_view(enumeration<TestType>::table.names[enumeration<TestType>::table.catch_all]) == "other");
}

TEST_CASE("enumerators are numbered in the order of their declaration, 'other' behind them") {
    CHECK(names<Plain>() == std::vector<std::string>{"a", "b", "c", "other"});
    CHECK(names<Sparse>() == std::vector<std::string>{"ok", "created", "teapot", "gone", "other"});
    CHECK(enumeration<Sparse>::ordinal(Sparse::gone) == 3);
    CHECK(enumeration<Sparse>::ordinal(static_cast<Sparse>(404)) == 4);
    CHECK(enumeration<Negative>::ordinal(Negative::low) == 0);
}

TEST_CASE("an enumerator called 'other' takes what is outside the enum") {
    CHECK(names<WithOther>() == std::vector<std::string>{"ok", "other", "failed"});
    CHECK(enumeration<WithOther>::ordinal(static_cast<WithOther>(17)) == 1);
    CHECK(enumeration<WithOther>::ordinal(WithOther::other) == 1);
    CHECK(names<Model>() == std::vector<std::string>{"gpt-4o", "sonnet", "other"});  // by its wire name, too
    CHECK(enumeration<Model>::ordinal(static_cast<Model>(-1)) == 2);
}

TEST_CASE("an alias is the enumerator it aliases") {
    CHECK(names<Alias>() == std::vector<std::string>{"card", "paypal", "other"});
    CHECK(enumeration<Alias>::ordinal(Alias::usual) == 0);
    CHECK(enumeration<Alias>::ordinal(Alias::cash) == 1);
}

TEST_CASE("wire names replace identifiers, one by one") {
    CHECK(names<Status>() == std::vector<std::string>{"2xx", "4xx", "other"});
    CHECK(enumeration<Status>::ordinal(Status::c4xx) == 1);
}

TEST_CASE("one subtraction and one comparison where values are contiguous, even across zero or the type's end") {
    CHECK(enumeration<Plain>::contiguous);
    CHECK(enumeration<FromMinus>::contiguous);
    CHECK(enumeration<Wrapping>::contiguous);
    CHECK_FALSE(enumeration<Sparse>::contiguous);
    CHECK_FALSE(enumeration<Wide>::contiguous);
    CHECK_FALSE(enumeration<Unscoped>::contiguous);
}
