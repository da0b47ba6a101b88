// ctest: LABELS serial
#include <apm/fields.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/hana/for_each.hpp>
#include <boost/hana/adapt_struct.hpp>

#include "catch.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)

APM_FIELDS(Order, (Method, method), (bool, express), (apm::range<200, 599>, status), (apm::text<8>, shop),
           (std::optional<Method>, before), (std::optional<apm::text<32>>, coupon));

APM_FIELDS(Named, (apm::named<Method, "http.request.method">, method), (std::optional<bool>, ok),
           (apm::named<std::optional<Method>, "db.system.name">, system));

APM_FIELDS(Commas, (std::pair<int, std::pair<int, int>>, two), (std::optional<std::pair<int, int>>, perhaps));

template <class L>
std::vector<std::string> names() {
    std::vector<std::string> all;
    boost::hana::for_each(boost::hana::accessors<L>(),
                          [&](const auto& pair) { all.emplace_back(boost::hana::first(pair).c_str()); });
    return all;
}

template <std::size_t Max>
std::string cut(std::string_view s) {
    const apm::text<Max> t(s);
    return {t.data(), t.size()};
}

}  // namespace

TEST_CASE("fields are given by name; an optional one may be left out") {
    // Here and in the rest of this file -Wall -Wextra -Werror is part of the test.
    const Order o{.method = Method::cash, .express = true, .status = 404, .shop = "north"};
    CHECK(static_cast<Method>(o.method) == Method::cash);
    CHECK(o.express);
    CHECK(static_cast<const apm::range<200, 599>&>(o.status).value == 404);
    CHECK_FALSE(o.before.has_value());
    CHECK_FALSE(o.coupon.has_value());

    const Order all{.method = Method::card, .express = false, .status = 200, .shop = std::string("south"),
                    .before = Method::paypal, .coupon = std::string_view("spring")};
    CHECK(all.before == Method::paypal);
    CHECK(std::string_view(all.coupon->data(), all.coupon->size()) == "spring");
    const Order middle{.method = Method::card, .express = false, .status = 200, .shop = "east", .coupon = "autumn"};
    CHECK_FALSE(middle.before.has_value());
}

TEST_CASE("fields are given in order, too") {
    const Order o{Method::cash, true, 404, "north"};
    CHECK(static_cast<Method>(o.method) == Method::cash);
}

TEST_CASE("a required field takes its own type only, where another would mean something else") {
    CHECK_FALSE(std::is_constructible_v<apm::detail::required<bool>, int>);
    CHECK_FALSE(std::is_constructible_v<apm::detail::required<bool>, const char*>);
    CHECK_FALSE(std::is_constructible_v<apm::detail::required<Method>, int>);
    CHECK_FALSE(std::is_default_constructible_v<apm::detail::required<bool>>);
    CHECK(std::is_constructible_v<apm::detail::required<bool>, const bool&>);
    CHECK(std::is_constructible_v<apm::detail::required<std::string>, const char*>);
}

TEST_CASE("fields are reflected by Boost.Hana, in order, by their names outside C++") {
    CHECK(names<Order>() == std::vector<std::string>{"method", "express", "status", "shop", "before", "coupon"});
    CHECK(names<Named>() == std::vector<std::string>{"http.request.method", "ok", "db.system.name"});
    CHECK(names<Commas>() == std::vector<std::string>{"two", "perhaps"});
    const Named n{.method = Method::paypal, .system = Method::cash};
    bool seen = false;
    boost::hana::for_each(boost::hana::accessors<Named>(), [&](const auto& pair) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(boost::hana::second(pair)(n))>, apm::detail::required<Method>>)
            seen = static_cast<Method>(boost::hana::second(pair)(n)) == Method::paypal;
    });
    CHECK(seen);
}

TEST_CASE("a field may be a constant, a temporary, a const reference") {
    constexpr Method constant = Method::paypal;
    const Method& reference = constant;
    CHECK(static_cast<Method>(Named{.method = constant}.method) == Method::paypal);
    CHECK(static_cast<Method>(Named{.method = reference}.method) == Method::paypal);
}

TEST_CASE("text takes anything of the shape of a string") {
    const std::string s = "string";
    CHECK(cut<255>(s) == "string");
    CHECK(apm::text<>(std::string_view("view")).size() == 4);
    CHECK(apm::text<>("literal").size() == 7);
    CHECK(apm::text<>(std::vector<char>{'a', 'b'}).size() == 2);
    CHECK(apm::text<>(static_cast<const char*>(nullptr)).size() == 0);
    CHECK(apm::text<>().size() == 0);
    CHECK(cut<255>(std::string_view("a\0b", 3)) == std::string_view("a\0b", 3));  // a zero is a byte like any other
}

TEST_CASE("text is cut at its bound, on a character's boundary") {
    CHECK(cut<4>("") == "");
    CHECK(cut<4>("abcd") == "abcd");
    CHECK(cut<4>("abcde") == "abcd");
    CHECK(cut<4>("abc\xc3\xa9") == "abc");           // 2 bytes: the first would be the fourth
    CHECK(cut<5>("abc\xc3\xa9" "x") == "abc\xc3\xa9");
    CHECK(cut<4>("ab\xe2\x82\xac") == "ab");         // 3 bytes
    CHECK(cut<4>("a\xe2\x82\xac" "x") == "a\xe2\x82\xac");
    for (const std::size_t before : {0u, 1u, 2u, 3u, 4u, 5u}) {  // 4 bytes, cut after 1, 2 or 3 of them, or not at all
        const std::string s = std::string(before, 'a') + "\xf0\x9f\x98\x80" + "tail";
        CHECK(cut<5>(s) == (before <= 1 ? s.substr(0, before + 4) + std::string(before == 0 ? "t" : "")
                                        : std::string(std::min<std::size_t>(before, 5), 'a')));
    }
    CHECK(cut<255>(std::string(300, 'x')) == std::string(255, 'x'));
    CHECK(cut<0>("x") == "");
}

TEST_CASE("text that is no UTF-8 is cut at its bound, not away") {
    CHECK(cut<8>(std::string(20, '\x80')) == std::string(8, '\x80'));
    CHECK(cut<8>("abcdefg" + std::string(20, '\xbf')) == "abcdefg\xbf");
    CHECK(cut<2>("\x80\x80\x80") == "\x80\x80");
}

TEST_CASE("a range holds what lies inside it; everything else is its one 'other'") {
    using status = apm::range<200, 599>;
    CHECK(status(200).offset() == 0);
    CHECK(status(599).offset() == 399);
    for (const long long outside : {199LL, 600LL, 0LL, -1LL, 1LL << 40, INT64_MIN + 0LL, INT64_MAX + 0LL})
        CHECK(status(outside).offset() == status::width);
    CHECK(status(UINT64_MAX).offset() == status::width);
    CHECK(status(std::uint8_t{201}).offset() == 1);
    CHECK(status(201u).offset() == 1);

    using around_zero = apm::range<-2, 2>;
    CHECK(around_zero::width == 5);
    CHECK(around_zero(-2).offset() == 0);
    CHECK(around_zero(std::int8_t{-1}).offset() == 1);
    CHECK(around_zero(3).offset() == 5);
    CHECK(around_zero(-3).offset() == 5);
    CHECK(around_zero(UINT64_MAX).offset() == 5);  // not -1
    CHECK(around_zero(UINT32_MAX).offset() == 5);

    using at_the_end = apm::range<INT64_MIN, INT64_MIN + 1>;
    CHECK(at_the_end(INT64_MIN).offset() == 0);
    CHECK(at_the_end(INT64_MAX).offset() == 2);
    CHECK_FALSE(std::is_constructible_v<status, bool>);
    CHECK_FALSE(std::is_constructible_v<status, double>);
    CHECK_FALSE(std::is_constructible_v<status, Method>);
}
