// ctest: LABELS serial
#include <apm/metrics/series_view.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

#include "catch.hpp"
#include "reading.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(All, (Side, side), (bool, warm), (apm::range<-1, 2>, n), (std::optional<bool>, maybe), (apm::text<8>, city));
APM_FIELDS(City, (apm::text<8>, city));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "series_view test"};
    counter<All>  all {this, "all", "Every kind of label"};
    counter<City> few {this, "few", "Overflows", {.limit = 1}};
    counter<>     none{this, "none", "No labels"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// `side=text left`, or a bool or an integer.
std::string typed(const apm::series_view& s) {
    std::string all;
    s.typed_labels([&](std::string_view name, const auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        static_assert(std::same_as<Value, bool> || std::same_as<Value, std::int64_t> || std::same_as<Value, std::string_view>);
        all += (all.empty() ? "" : ",") + std::string(name) + '=';
        if constexpr (std::same_as<Value, bool>) all += value ? "bool true" : "bool false";
        else if constexpr (std::same_as<Value, std::int64_t>) all += "integer " + std::to_string(value);
        else all += "text " + std::string(value);
    });
    return all;
}
std::string typed(const apm::row& r, std::string_view labels) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    return s ? typed(*s) : "no such series";
}

}  // namespace

TEST_CASE("labels are text, or what they are") {
    telemetry.all.add(1, {.side = Side::right, .warm = true, .n = -1, .maybe = false, .city = "Rome"});
    CHECK(typed(telemetry.all, "side=right,warm=true,n=-1,maybe=false,city=Rome") ==
          "side=text right,warm=bool true,n=integer -1,maybe=bool false,city=text Rome");
    telemetry.all.add(1, {.side = Side::left, .warm = false, .n = 2, .maybe = true, .city = "true"});
    CHECK(typed(telemetry.all, "side=left,warm=false,n=2,maybe=true,city=true") ==
          "side=text left,warm=bool false,n=integer 2,maybe=bool true,city=text true");
}

TEST_CASE("what was not declared is text, and what is absent is not there") {
    telemetry.all.add(1, {.side = static_cast<Side>(7), .warm = false, .n = 99, .maybe = {}, .city = ""});
    CHECK(typed(telemetry.all, "side=other,warm=false,n=other") == "side=text other,warm=bool false,n=text other");
    telemetry.none.add(1);
    CHECK(typed(telemetry.none, "").empty());
}

TEST_CASE("the overflow series is so") {
    for (const char* city : {"a", "b"}) telemetry.few.add(1, {.city = city});
    CHECK(typed(telemetry.few, overflow_series) == "otel.metric.overflow=bool true");
}
