// ctest: LABELS serial
#include <apm/backend/otlp/common.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/backend/otlp/json.hpp>
#include <apm/backend/otlp/protobuf.hpp>

#include "backend/otlp/decoded.hpp"
#include "catch.hpp"

namespace otlp = apm::detail::otlp;

namespace {

struct item {
    const apm::scope* from;
    int number;
    [[nodiscard]] const apm::scope& scope() const { return *from; }
};
std::string grouped(const std::vector<item>& all, int but = -1) {
    std::string text;
    for (const auto& g : otlp::by_scope(std::span(all), [&](const item& x) { return x.number != but; })) {
        text += g.from.name;
        for (const item* x : g.items) text += ' ' + std::to_string(x->number);
        text += '\n';
    }
    return text;
}

}  // namespace

TEST_CASE("two copies of a scope are one") {
    static constexpr apm::scope mine{.name = "twice", .version = "1", .schema_url = "u"};
    const std::string name = "twice", version = "1", url = "u";
    CHECK(otlp::same_scope(mine, {name.c_str(), version.c_str(), url.c_str()}));
    CHECK_FALSE(otlp::same_scope(mine, {"thrice", "1", "u"}));
    CHECK_FALSE(otlp::same_scope(mine, {"twice", "2", "u"}));
    CHECK_FALSE(otlp::same_scope(mine, {"twice", "1", "v"}));
}

TEST_CASE("items stand together by scope, in their order") {
    static constexpr apm::scope a{.name = "a"}, b{.name = "b"}, c{.name = "c"};
    const std::string name = "a";
    const apm::scope again{.name = name.c_str()};
    const std::vector<item> all{{&a, 0}, {&b, 1}, {&a, 2}, {&again, 3}, {&c, 4}, {&b, 5}, {&a, 6}};
    CHECK(grouped(all) == "a 0 2 3 6\nb 1 5\nc 4\n");
    CHECK(grouped(all, 4) == "a 0 2 3 6\nb 1 5\n");
    CHECK(grouped({}).empty());
}

TEST_CASE("a request without anything around it") {
    const otlp::request_fields fields{{1, "resourceThings", 3}, {2, "scopeThings", 3}, {2, "things", 2}};
    static constexpr apm::scope unnamed{.name = ""};
    const std::vector<item> all{{&unnamed, 7}};
    const auto put = [&]<class To>(std::string& out) {
        To to(out);
        otlp::put_request(to, fields, {}, otlp::by_scope(std::span(all), [](const item&) { return true; }),
                          [&](const item& x) { to.uint32({5, "number"}, static_cast<std::uint32_t>(x.number)); });
    };
    std::string json, protobuf;
    put.template operator()<otlp::json_encoder>(json);
    put.template operator()<otlp::protobuf_encoder>(protobuf);
    CHECK(json == R"({"resourceThings":[{"resource":{},"scopeThings":[{"scope":{},"things":[{"number":7}]}]}]})");
    CHECK(otlp_test::hex(protobuf) == "0a 0a 0a 00 12 06 0a 00 12 02 28 07");
}
