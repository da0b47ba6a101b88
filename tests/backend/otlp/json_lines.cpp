// ctest: LABELS serial
#include <apm/backend/otlp/json_lines.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <apm/apm.hpp>
#include <apm/testing/clock.hpp>

#include "catch.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Color, red, green)
APM_FIELDS(Everything, (std::int64_t, big), (std::uint64_t, bigger), (double, real), (bool, yes), (Color, color),
           (std::string_view, text), (std::vector<std::int64_t>, integers), (std::vector<double>, reals), (apm::secret, token),
           (std::optional<int>, absent));
APM_FIELDS(Few, (int, n));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "otlp", .version = "1.2", .schema_url = "https://example.org/1"};
    span<Everything>          everything{this, "everything", "All types"};
    span<Few, apm::server>    served    {this, "served", "A kind"};
    span<Few, apm::consumer>  consumed  {this, "consumed", "Another"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
struct Other : apm::schema<Other> {
    static constexpr apm::scope scope{.name = "other"};
    span<> work{this, "work", "Work"};
};
constexpr auto& other = apm::instruments<Other>;

const apm::resource anonymous;

std::string hex(std::uint64_t n) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(n));
    return digits;
}
std::string ids(const apm::span_view& s) {
    std::string text = R"("traceId":")" + hex(s.trace().high) + hex(s.trace().low) + R"(","spanId":")" + hex(s.id()) + '"';
    if (s.parent()) text += R"(,"parentSpanId":")" + hex(s.parent()) + '"';
    return text;
}
std::string line(const apm::span_batch& batch, const apm::resource& who = anonymous) {
    std::string out;
    apm::detail::append_otlp_json(out, batch, who);
    return out;
}
// What is around one span of the schema above.
std::string around(const std::string& span) {
    return R"({"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"otlp","version":"1.2"},"spans":[)" + span +
           R"(],"schemaUrl":"https://example.org/1"}]}]})" "\n";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("of an empty batch there is nothing") {
    apm::drain_spans();
    CHECK(line(apm::drain_spans(), {{{"service.name", "shop"}}}).empty());
}

TEST_CASE("a span with attributes of every type is one line") {
    const apm::testing::manual_clock clock(5'000'000'000);
    {
        const std::vector<std::int64_t> integers{1, -2};
        const std::vector<double> reals{0.5, std::numeric_limits<double>::quiet_NaN()};
        const auto s = telemetry.everything.scope({.big = std::numeric_limits<std::int64_t>::min(), .bigger = ~std::uint64_t{0},
                                                   .real = 0.1, .yes = true, .color = Color::green, .text = "a\"b\xff",
                                                   .integers = integers, .reals = reals, .token = "x", .absent = {}});
        s.set("late", 3);
    }
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 1);
    CHECK(line(batch) ==
          around("{" + ids(batch.spans[0]) + R"(,"flags":259,"name":"everything","kind":1,)"
                 R"("startTimeUnixNano":"5000000000","endTimeUnixNano":"5000000000","attributes":[)"
                 R"({"key":"big","value":{"intValue":"-9223372036854775808"}},)"
                 R"({"key":"bigger","value":{"intValue":"9223372036854775807"}},)"
                 R"({"key":"real","value":{"doubleValue":0.1}},)"
                 R"({"key":"yes","value":{"boolValue":true}},)"
                 R"({"key":"color","value":{"stringValue":"green"}},)"
                 "{\"key\":\"text\",\"value\":{\"stringValue\":\"a\\\"b\xef\xbf\xbd\"}},"
                 R"({"key":"integers","value":{"arrayValue":{"values":[{"intValue":"1"},{"intValue":"-2"}]}}},)"
                 R"({"key":"reals","value":{"arrayValue":{"values":[{"doubleValue":0.5},{"doubleValue":"NaN"}]}}},)"
                 R"({"key":"late","value":{"intValue":"3"}}]})"));
}

TEST_CASE("parents, kinds, status, events and links") {
    apm::testing::manual_clock clock(1'000'000'000);
    const apm::context elsewhere{{1, 2}, 3, true, true};
    {
        const apm::attached_context from(apm::attach(elsewhere));
        const auto outer = telemetry.served.scope({.n = 1});
        outer.status(apm::span_status::error, "it \\ broke");
        outer.link({{4, 5}, 6, false, false}, {{"why", "retry"}});
        clock.advance(std::chrono::nanoseconds(7));
        {
            const auto inner = telemetry.consumed.scope({.n = 2});
            inner.status(apm::span_status::ok, "not kept");
            clock.advance(std::chrono::nanoseconds(1));
            inner.event("tick", {{"x", 1.5}});
            inner.event("bare");
            inner.rename("another");
        }
    }
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 2);
    const std::string n = R"("attributes":[{"key":"n","value":{"intValue":")";
    CHECK(line(batch) ==
          around("{" + ids(batch.spans[0]) + R"(,"flags":257,"name":"another","kind":5,)"
                 R"("startTimeUnixNano":"1000000007","endTimeUnixNano":"1000000008",)" + n + R"(2"}}],)"
                 R"("events":[{"timeUnixNano":"1000000008","name":"tick",)"
                 R"("attributes":[{"key":"x","value":{"doubleValue":1.5}}]},{"timeUnixNano":"1000000008","name":"bare"}],)"
                 R"("status":{"code":1}},{)" + ids(batch.spans[1]) + R"(,"flags":769,"name":"served","kind":2,)"
                 R"("startTimeUnixNano":"1000000000","endTimeUnixNano":"1000000008",)" + n + R"(1"}}],)"
                 R"("links":[{"traceId":"00000000000000040000000000000005","spanId":"0000000000000006",)"
                 R"("attributes":[{"key":"why","value":{"stringValue":"retry"}}],"flags":256}],)"
                 R"("status":{"message":"it \\ broke","code":2}})"));
    CHECK(batch.spans[1].parent() == 3);
}

TEST_CASE("what had no room is counted, and only then") {
    {
        const auto s = telemetry.served.scope({.n = 1});
        for (int i = 0; i < 200; ++i) s.set("a" + std::to_string(i), i);
        for (int i = 0; i < 130; ++i) s.event("e"), s.link({{4, 5}, 6, true, true});
    }
    const std::string out = line(apm::drain_spans());
    CHECK(contains(out, R"("droppedAttributesCount":73)"));
    CHECK(contains(out, R"("droppedEventsCount":2)"));
    CHECK(contains(out, R"("droppedLinksCount":2)"));
    CHECK(contains(out, R"("flags":769})"));  // of a link
    { const auto s = telemetry.served.scope({.n = 1}); }
    CHECK_FALSE(contains(line(apm::drain_spans()), "dropped"));
}

TEST_CASE("spans stand together by scope, and those without a row in one without a name") {
    {
        const auto a = telemetry.served.scope({.n = 1});
        { const auto b = other.work.scope(); }
        { TRACE_SCOPE("quick \"look\""); }
        { const auto c = telemetry.consumed.scope({.n = 2}); }
        { const auto d = other.work.scope(); }
    }
    std::string out = line(apm::drain_spans(), {{{"service.name", "sh\xffop"}, {"host", ""}}});
    // Without the spans themselves, save their names.
    std::string names;
    for (std::size_t at = 0; at < out.size();) {
        const std::size_t span = out.find(R"({"traceId")", at);
        names += out.substr(at, span - at);
        if (span == std::string::npos) break;
        const std::size_t name = out.find(R"("name":)", span) + 7, end = out.find(R"(,"kind")", name);
        names += out.substr(name, end - name);
        int depth = 0;
        for (at = span;; ++at) {
            depth += out[at] == '{' ? 1 : out[at] == '}' ? -1 : 0;
            if (depth == 0) break;
        }
        ++at;
    }
    CHECK(names == R"({"resourceSpans":[{"resource":{"attributes":[)"
                   "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"sh\xef\xbf\xbdop\"}},"
                   R"({"key":"host","value":{"stringValue":""}}]},)"
                   R"("scopeSpans":[{"scope":{"name":"other"},"spans":["work","work"]},)"
                   R"({"scope":{},"spans":["quick \"look\""]},)"
                   R"({"scope":{"name":"otlp","version":"1.2"},"spans":["consumed","served"],)"
                   R"("schemaUrl":"https://example.org/1"}]}]})" "\n");
}
