// ctest: LABELS serial
#include <apm/propagation/datadog.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

using apm::detail::datadog_headers;

constexpr std::string_view none{};
const std::string ids = "0000000000000000753e35d284fa6ad4 123456789abcdef0", p = ";p:123456789abcdef0";
const std::string trace = "8448249129284037332", parent = "1311768467463790320";
const std::string blank_trace = " " + trace + "\t", blank_parent = " " + parent;

// The context, and the member of the tracestate.
std::string read(const datadog_headers& headers) {
    apm::context c;
    apm::detail::fixed_text<apm::detail::most_dd> member;
    if (!apm::detail::read_datadog(headers, c, member)) return "invalid";
    return shown(c) + (member.size() ? " " : "") + std::string(member.view());
}
std::string tags(std::string_view value) {
    const std::string all = read({trace, parent, "1", none, value});
    return all.substr(std::min(all.size(), all.find(p) + p.size()));
}
// The five values, - for one that is not sent.
std::string write(const apm::context& c, std::string_view dd = {}) {
    apm::detail::datadog_values v;
    if (!apm::detail::write_datadog(v, c, dd)) return "nothing";
    std::string result;
    for (const std::string_view one : {v.trace.view(), v.parent.view(), v.priority.view(), v.origin.view(), v.tags.view()})
        result.append(result.empty() ? "" : " ").append(one.empty() ? "-" : one);
    return result;
}

}  // namespace

TEST_CASE("x-datadog-*: what is read, and what is malformed") {
    const struct { datadog_headers headers; std::string means; } cases[] = {
        {{trace, parent, "1", none, none}, ids + " sampled remote dd=s:1" + p},
        {{trace, parent, "2", none, none}, ids + " sampled remote dd=s:2" + p},
        {{trace, parent, "0", none, none}, ids + " remote dd=s:0" + p},
        {{trace, parent, "-1", none, none}, ids + " remote dd=s:-1" + p},
        {{trace, parent, "007", none, none}, ids + " sampled remote dd=s:7" + p},
        {{trace, parent, none, none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "", none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "yes", none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "1.0", none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "2147483648", none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "-", none, none}, ids + " remote deferred dd=" + p.substr(1)},
        {{trace, parent, "1", "synthetics", none}, ids + " sampled remote dd=s:1" + p + ";o:synthetics"},
        {{trace, parent, "1", "a=b,c;d~e\xc3\xa9 ", none}, ids + " sampled remote dd=s:1" + p + ";o:a~b_c_d_e__"},
        {{trace, parent, "1", "", none}, ids + " sampled remote dd=s:1" + p},
        {{blank_trace, blank_parent, " 1 ", " rum ", none}, ids + " sampled remote dd=s:1" + p + ";o:rum"},
        {{"18446744073709551615", "18446744073709551615", "1", none, none},
         "0000000000000000ffffffffffffffff ffffffffffffffff sampled remote dd=s:1;p:ffffffffffffffff"},
        {{"0001", "01", "1", none, none}, "00000000000000000000000000000001 0000000000000001 sampled remote dd=s:1;p:0000000000000001"},
        // The high half.
        {{trace, parent, "1", none, "_dd.p.tid=640cfd8d00000000"},
         "640cfd8d00000000753e35d284fa6ad4 123456789abcdef0 sampled remote dd=s:1" + p},
        {{trace, parent, "1", none, "_dd.p.tid=640cfd8d0000000"}, ids + " sampled remote dd=s:1" + p},
        {{trace, parent, "1", none, "_dd.p.tid=640CFD8D00000000"}, ids + " sampled remote dd=s:1" + p},
        {{trace, parent, "1", none, "_dd.p.tid=640cfd8d00000000f"}, ids + " sampled remote dd=s:1" + p},
        // Only a decision.
        {{none, none, "0", none, none}, "- remote dd=s:0"},
        {{none, none, "2", none, none}, "- sampled remote dd=s:2"},
        // Malformed.
        {{none, none, none, "synthetics", none}, "invalid"},
        {{none, none, "yes", none, none}, "invalid"},
        {{trace, none, "1", none, none}, "invalid"},
        {{none, parent, "1", none, none}, "invalid"},
        {{"0", parent, "1", none, none}, "invalid"},
        {{trace, "0", "1", none, none}, "invalid"},
        {{"", parent, "1", none, none}, "invalid"},
        {{"18446744073709551616", parent, "1", none, none}, "invalid"},
        {{"99999999999999999999999999999999", parent, "1", none, none}, "invalid"},
        {{trace, "18446744073709551616", "1", none, none}, "invalid"},
        {{"-1", parent, "1", none, none}, "invalid"},
        {{"+1", parent, "1", none, none}, "invalid"},
        {{"0x1", parent, "1", none, none}, "invalid"},
        {{"1 2", parent, "1", none, none}, "invalid"},
        {{"1f", parent, "1", none, none}, "invalid"},
    };
    for (const auto& [headers, means] : cases) {
        CAPTURE(headers.trace, headers.parent, headers.priority, headers.origin, headers.tags);
        CHECK(read(headers) == means);
    }
}

TEST_CASE("x-datadog-tags: what goes into the tracestate") {
    CHECK(tags("_dd.p.dm=-1") == ";t.dm:-1");
    CHECK(tags("_dd.p.dm=-1,_dd.p.ts=02,other=1,_dd.p.tid=640cfd8d00000000") == ";t.dm:-1;t.ts:02");
    CHECK(tags("_dd.p.a=b=c==") == ";t.a:b~c~~");
    CHECK(tags("_dd.p.a=x;y~z\x7f") == ";t.a:x_y_z_");
    CHECK(tags("_dd.p.a b;c:d=1") == ";t.a_b_c_d:1");
    CHECK(tags("_dd.p.a=1   ,_dd.p.b=2") == ";t.a:1;t.b:2");
    CHECK(tags("_dd.p.empty=,_dd.p.b=2") == ";t.empty:;t.b:2");
    CHECK(tags("_dd.p.=1").empty());
    CHECK(tags("_dd.p.a").empty());
    CHECK(tags(",,=,_dd.p=1,").empty());
    CHECK(tags("_dd.p.a=" + std::string(504, 'x')).empty());        // 512 bytes, and too much for a tracestate
    CHECK(tags("_dd.p.a=" + std::string(505, 'x') + ",_dd.p.b=1").empty());  // more than this header may have
    // Whole parts are left out where the member would be too long, and those behind have their chance.
    const std::string fits(256 - 3 - 19 - 5, 'x');
    CHECK(tags("_dd.p.a=" + fits) == ";t.a:" + fits);
    CHECK(tags("_dd.p.a=" + fits + "x,_dd.p.b=2") == ";t.b:2");
}

TEST_CASE("x-datadog-*: what is written, with what the tracestate knows") {
    apm::context c{.trace = {0, 8448249129284037332u}, .span = 1311768467463790320, .sampled = true};
    const std::string start = trace + " " + parent;
    CHECK(write(c) == start + " 1 - -");
    CHECK(write(c, "s:2") == start + " 2 - -");
    CHECK(write(c, "s:0") == start + " 1 - -");   // another decision was made since
    CHECK(write(c, "s:-1") == start + " 1 - -");
    CHECK(write(c, "s:x;o:y") == start + " 1 y -");
    CHECK(write(c, "s:1;o:a~b;t.dm:-4;t.x:1~2;p:00f0000000000000;unknown;z:1") == start + " 1 a=b _dd.p.dm=-4,_dd.p.x=1=2");
    CHECK(write(c, "s:0;t.dm:-4;t.x:1") == start + " 1 - _dd.p.x=1");  // who decided is not who is named
    CHECK(write(c, ";;:;t.;t.:1;o") == start + " 1 - -");
    c.sampled = false;
    CHECK(write(c) == start + " 0 - -");
    CHECK(write(c, "s:-1") == start + " -1 - -");
    CHECK(write(c, "s:1") == start + " 0 - -");
    c.deferred = true;
    CHECK(write(c, "s:1;o:x") == start + " - x -");
    c.deferred = false, c.trace.high = 0x640cfd8d00000000;
    CHECK(write(c) == start + " 0 - _dd.p.tid=640cfd8d00000000");
    CHECK(write(c, "s:0;t.tid:0000000000000001;t.dm:-1") == start + " 0 - _dd.p.tid=640cfd8d00000000,_dd.p.dm=-1");
    c.trace.low = 0;
    CHECK(write(c) == "nothing");  // which Datadog takes for no trace
    CHECK(write({}) == "nothing");
    CHECK(apm::detail::dd_of("a=b,dd=s:1;o:x,c=d") == "s:1;o:x");
    CHECK(apm::detail::dd_of("add=1,ddd=2").data() == nullptr);
    // The longest that comes in a tracestate fits.
    std::string many;
    while (many.size() + 5 <= 256) many += ";t.a:";
    apm::context all{.trace = {1, 1}, .span = 1};
    CHECK(std::count(many.begin(), many.end(), ';') == 51);
    const std::string sent = write(all, many);
    CHECK(std::count(sent.begin(), sent.end(), ',') == 51);
}

TEST_CASE("x-datadog-*: what was written is read as the same") {
    for (apm::context any : random_contexts(1000)) {
        any.random = false;
        any.deferred = !any.sampled && any.span & 1;
        const auto v = std::make_unique<apm::detail::datadog_values>();
        REQUIRE(apm::detail::write_datadog(*v, any, "o:x;t.dm:-1"));
        apm::context back;
        apm::detail::fixed_text<apm::detail::most_dd> member;
        const std::string_view priority = v->priority.size() ? v->priority.view() : none;
        REQUIRE(apm::detail::read_datadog({v->trace.view(), v->parent.view(), priority, v->origin.view(), v->tags.view()}, back, member));
        CHECK(shown(back) == shown(any));
        CHECK(member.view().find(";o:x") != none.npos);
    }
}
