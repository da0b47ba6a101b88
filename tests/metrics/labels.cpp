// ctest: LABELS serial
#include <apm/metrics/labels.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/hana/adapt_struct.hpp>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"

namespace {

using apm::detail::labels;

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)

enum class Code : std::int16_t { ok = 200, gone = 410, odd = -7 };
BOOST_DESCRIBE_ENUM(Code, ok, gone, odd)

enum class Wide : std::uint64_t { zero, most = UINT64_MAX };
BOOST_DESCRIBE_ENUM(Wide, zero, most)

enum class Model { gpt_4o, s2xx, other };
BOOST_DESCRIBE_ENUM(Model, gpt_4o, s2xx, other)
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"), (s2xx, "2xx"));

APM_FIELDS(All, (Method, method), (bool, express), (apm::range<1, 3>, n), (std::optional<Code>, code));
APM_FIELDS(Mixed, (apm::text<4>, shop), (Method, method), (std::optional<apm::text<>>, coupon), (std::string, city));
APM_FIELDS(OfMethod, (Method, method));
APM_FIELDS(OfCode, (Code, code));
APM_FIELDS(OfWide, (Wide, wide));
APM_FIELDS(OfModel, (Model, model));
APM_FIELDS(OfStatus, (apm::range<200, 203>, status));
APM_FIELDS(OfFlag, (std::optional<bool>, flag));

// A struct that people already have.
struct Place {
    Method method;
    std::string city;
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "labels test"};
    counter<OfMethod> method{this, "method", "by method"};
    counter<OfCode> code{this, "code", "by code"};
    counter<OfWide> wide{this, "wide", "by wide"};
    counter<OfModel> model{this, "model", "by model"};
    counter<OfStatus> status{this, "status", "by status"};
    counter<OfFlag> flag{this, "flag", "by flag"};
    counter<All> all{this, "all", "by all"};
    counter<Mixed> mixed{this, "mixed", "by mixed"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::vector<std::string> texts_of(const labels<Mixed>::key& k) {
    std::vector<std::string> all;
    for (const apm::detail::piece& p : k.texts) all.emplace_back(p.data, p.size);
    return all;
}

}  // namespace

BOOST_HANA_ADAPT_STRUCT(Place, method, city);

TEST_CASE("what is known about a label set") {
    const apm::labels_info& all = labels<All>::info;
    REQUIRE(all.count == 4);
    CHECK(all.texts == 0);
    CHECK(std::string_view(all.fields[0].name) == "method");
    CHECK(all.fields[0].radix == 4);  // three, other
    CHECK(all.fields[1].radix == 2);
    CHECK(all.fields[2].radix == 4);  // three, other
    CHECK(all.fields[3].radix == 5);  // three, other, absent
    CHECK(all.fields[3].optional);
    CHECK_FALSE(all.fields[0].optional);
    CHECK(all.product == 4 * 2 * 4 * 5);
    CHECK(all.fields[0].domain->declared == 3);
    CHECK(all.fields[1].domain->declared == 2);
    CHECK(all.fields[2].domain->first == 1);
    CHECK_FALSE(all.fields[2].domain->named);

    const apm::labels_info& mixed = labels<Mixed>::info;
    CHECK(mixed.texts == 3);
    CHECK(mixed.product == 4);
    CHECK(mixed.fields[0].open);
    CHECK_FALSE(mixed.fields[1].open);

    CHECK(labels<apm::no_labels>::info.count == 0);
    CHECK(labels<apm::no_labels>::info.product == 1);
}

TEST_CASE("every combination of closed labels has an index of its own, inside the product") {
    std::set<std::uint32_t> seen;
    for (const int method : {0, 1, 2, 99})
        for (const bool express : {false, true})
            for (const int n : {1, 2, 3, 4})
                for (const int code : {200, 410, -7, 1, 0})
                    seen.insert(labels<All>::index(
                        {.method = static_cast<Method>(method), .express = express, .n = n,
                         .code = code ? std::optional(static_cast<Code>(code)) : std::nullopt}));
    CHECK(seen.size() == labels<All>::info.product);
    CHECK(*seen.begin() == 0);
    CHECK(*seen.rbegin() == labels<All>::info.product - 1);
}

TEST_CASE("the first field varies slowest") {
    CHECK(labels<All>::index({.method = Method::card, .express = false, .n = 1, .code = Code::ok}) == 0);
    CHECK(labels<All>::index({.method = Method::card, .express = false, .n = 1, .code = Code::gone}) == 1);
    CHECK(labels<All>::index({.method = Method::paypal, .express = false, .n = 1, .code = Code::ok}) == 40);
    CHECK(labels<apm::no_labels>::index({}) == 0);
}

TEST_CASE("open fields make a key: texts in order, cut, empty where left out") {
    const std::string city = "Nantes";  // kept: a plain string's text is a view of it
    const Mixed m{.shop = "north", .method = Method::cash, .city = city};
    CHECK(texts_of(labels<Mixed>::key_of(m)) == std::vector<std::string>{"nort", "", "Nantes"});
    CHECK(labels<Mixed>::key_of(m).closed == 2);
    const Mixed long_city{.shop = "", .method = Method::card, .coupon = "c", .city = std::string(300, 'x')};
    CHECK(texts_of(labels<Mixed>::key_of(long_city)) == std::vector<std::string>{"", "c", std::string(255, 'x')});
}

TEST_CASE("structs adapted with BOOST_HANA_ADAPT_STRUCT are label sets, too") {
    CHECK(labels<Place>::info.count == 2);
    CHECK(labels<Place>::info.product == 4);
    const Place p{Method::paypal, "Nantes"};
    const auto key = labels<Place>::key_of(p);
    CHECK(key.closed == 1);
    CHECK(std::string_view(key.texts[0].data, key.texts[0].size) == "Nantes");
}

TEST_CASE("whatever is cast to a label's enum is counted inside its row: as itself, or as other") {
    constexpr std::uint64_t all = 65536;
    for (std::uint64_t i = 0; i < all; ++i) {
        telemetry.code.add(1, {.code = static_cast<Code>(i)});
        telemetry.method.add(1, {.method = static_cast<Method>(i - all / 2)});
        telemetry.wide.add(1, {.wide = static_cast<Wide>(i - all / 2)});
        telemetry.model.add(1, {.model = static_cast<Model>(i - all / 2)});
        telemetry.status.add(1, {.status = static_cast<long long>(i) - 32768});
    }
    telemetry.status.add(1, {.status = UINT64_MAX});
    CHECK(total_of(telemetry.code, "code=ok") == 1);
    CHECK(total_of(telemetry.code, "code=gone") == 1);
    CHECK(total_of(telemetry.code, "code=odd") == 1);
    CHECK(total_of(telemetry.code, "code=other") == all - 3);
    CHECK(total_of(telemetry.method, "method=paypal") == 1);
    CHECK(total_of(telemetry.method, "method=other") == all - 3);
    CHECK(total_of(telemetry.wide, "wide=zero") == 1);
    CHECK(total_of(telemetry.wide, "wide=most") == 1);
    CHECK(total_of(telemetry.wide, "wide=other") == all - 2);
    CHECK(total_of(telemetry.model, "model=gpt-4o") == 1);
    CHECK(total_of(telemetry.model, "model=2xx") == 1);
    CHECK(total_of(telemetry.model, "model=other") == all - 2);  // its own enumerator of that name included
    CHECK(total_of(telemetry.status, "status=200") == 1);
    CHECK(total_of(telemetry.status, "status=203") == 1);
    CHECK(total_of(telemetry.status, "status=other") == all - 4 + 1);
}

TEST_CASE("a label that was left out is not there; an empty text is none") {
    telemetry.flag.add(1, {});
    telemetry.flag.add(2, {.flag = false});
    telemetry.flag.add(3, {.flag = true});
    CHECK(total_of(telemetry.flag, "") == 1);
    CHECK(total_of(telemetry.flag, "flag=false") == 2);
    CHECK(total_of(telemetry.flag, "flag=true") == 3);

    telemetry.mixed.add(1, {.shop = "n", .method = Method::card, .city = "Bari"});
    telemetry.mixed.add(2, {.shop = "n", .method = Method::card, .coupon = "", .city = "Bari"});
    telemetry.mixed.add(4, {.shop = "n", .method = Method::card, .coupon = "c", .city = ""});
    CHECK(total_of(telemetry.mixed, "shop=n,method=card,city=Bari") == 3);
    CHECK(total_of(telemetry.mixed, "shop=n,method=card,coupon=c") == 4);
}

TEST_CASE("labels are read back in the order of their declaration") {
    telemetry.all.add(1, {.method = Method::cash, .express = true, .n = 3, .code = Code::odd});
    telemetry.all.add(2, {.method = static_cast<Method>(9), .express = false, .n = 7});
    CHECK(total_of(telemetry.all, "method=cash,express=true,n=3,code=odd") == 1);
    CHECK(total_of(telemetry.all, "method=other,express=false,n=other") == 2);
}
