// ctest: LABELS serial
// What a program exports of a span can be limited further than what it records; what is left out is counted in the span.
#include <apm/span_limits.hpp>

#include <string>
#include <vector>

#include <apm/apm.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"

namespace {

APM_FIELDS(Step, (int, n), (std::string_view, text));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.span_limits"};
    span<Step> step{this, "step", "One step"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

// Two attributes, three more by name, two events with two attributes each, two links with one each.
apm::span_data recorded(const apm::span_limits& limits, std::string_view text = "text") {
    apm::drain_spans();
    apm::detail::limit_spans(limits);
    {
        auto s = telemetry.step.scope<on>({.n = 1, .text = text});
        s.set("a", 1), s.set("b", text), s.set("c", true);
        s.event("first", {{"x", 1}, {"y", text}});
        s.event("second", {{"x", 1}, {"y", text}});
        s.link({{1, 2}, 3, true, true}, {{"how", text}});
        s.link({{1, 2}, 4, true, true}, {{"how", text}});
    }
    const apm::span_batch batch = apm::drain_spans();
    apm::detail::limit_spans({});
    REQUIRE(batch.spans.size() == 1);
    return apm::span_data::of(batch.spans[0]);  // by the limits of when it was drained
}

std::string names(const std::vector<apm::attribute_data>& all) {
    std::string s;
    for (const auto& a : all) s += a.name + ' ';
    return s;
}

}  // namespace

TEST_CASE("without limits of its own a program exports what it records") {
    const auto s = recorded({});
    CHECK(names(s.attributes) == "n text a b c ");
    CHECK(s.events.size() == 2);
    CHECK(s.links.size() == 2);
    CHECK(s.dropped.attributes + s.dropped.events + s.dropped.links == 0);
}

TEST_CASE("the first attributes, events and links are exported, the others counted") {
    const auto s = recorded({.attributes = 3, .events = 1, .links = 1, .event_attributes = 1, .link_attributes = 0});
    CHECK(names(s.attributes) == "n text a ");
    CHECK(s.dropped.attributes == 2);
    REQUIRE(s.events.size() == 1);
    CHECK(s.events[0].name == "first");
    CHECK(names(s.events[0].attributes) == "x ");
    CHECK(s.events[0].dropped_attributes == 1);
    CHECK(s.dropped.events == 1);
    REQUIRE(s.links.size() == 1);
    CHECK(s.links[0].context.span == 3);
    CHECK(s.links[0].attributes.empty());
    CHECK(s.links[0].dropped_attributes == 1);
    CHECK(s.dropped.links == 1);
}

TEST_CASE("none at all") {
    const auto s = recorded({.attributes = 0, .events = 0, .links = 0});
    CHECK(s.attributes.empty());
    CHECK(s.events.empty());
    CHECK(s.links.empty());
    CHECK(s.dropped.attributes == 5);
    CHECK(s.dropped.events == 2);
    CHECK(s.dropped.links == 2);
}

TEST_CASE("a text is cut to characters, not to bytes, and no other value is") {
    const auto cut = [](std::string_view text, std::uint32_t most) {
        const auto s = recorded({.text = most}, text);
        CHECK(s.events[1].attributes[1].as<std::string_view>() == s.attributes[1].as<std::string_view>());
        CHECK(s.links[0].attributes[0].as<std::string_view>() == s.attributes[1].as<std::string_view>());
        CHECK(s.attribute<int>("n") == 1);
        CHECK(s.dropped.attributes == 0);
        return std::string(s.attribute<std::string_view>("text").value());
    };
    CHECK(cut("abc", 3) == "abc");
    CHECK(cut("abcd", 3) == "abc");
    CHECK(cut("abc", 0).empty());
    CHECK(cut("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", 3) == "a\xc3\xa4\xe2\x82\xac");
    CHECK(cut("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", 4) == "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(cut("\xff\xff\xff", 2) == "\xef\xbf\xbd\xef\xbf\xbd");  // each byte that is no UTF-8 is one
}
