// ctest: LABELS serial
#include <apm/propagation/headers.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

using enum apm::propagator;
using apm::detail::propagator_list;
using formats = std::initializer_list<apm::propagator>;

apm::context take(const header_vector& headers, formats list) {
    return apm::detail::read_headers(apm::detail::source_of(headers), propagator_list(list));
}
std::string read(const header_vector& headers, formats list = {tracecontext, baggage}) { return shown(take(headers, list)); }
header_vector put(header_vector headers, const apm::context& c, formats list = {tracecontext, baggage}) {
    apm::detail::write_headers(apm::detail::sink_of(headers), c, propagator_list(list));
    return headers;
}

const std::string trace = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331", ids = trace + " " + span;
const std::string traceparent = "00-" + trace + "-" + span + "-01";
const std::string other_trace = "80f198ee56343ba864fe8b2a57d3eff7", other_span = "e457b5a2e4d86bd1";
const std::string trace_decimal = "9532127138774266268", span_decimal = "13235353014750950193";

std::string members(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? ",k" : "k") + std::to_string(i) + "=" + std::to_string(i);
    return all;
}

// Headers that hold a trace in every format.
const header_vector everything{
    {"traceparent", traceparent}, {"tracestate", "a=b"}, {"baggage", "x=y"}, {"b3", other_trace + "-" + other_span + "-0"},
    {"uber-trace-id", "1:2:0:1"}, {"uberctx-z", "1"}, {"x-datadog-trace-id", "3"}, {"x-datadog-parent-id", "4"},
    {"x-datadog-sampling-priority", "1"}, {"X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"}};

}  // namespace

// The cases of W3C's own validation suite, github.com/w3c/trace-context/test: what a service that gets these headers sends on.
TEST_CASE("W3C's conformance cases") {
    const std::string tp = traceparent, start = "-" + trace + "-" + span, good = ids + " sampled remote";
    const struct { const char* name; header_vector headers; std::string means; } cases[] = {
        {"both valid", {{"traceparent", tp}, {"tracestate", "foo=1,bar=2"}}, good + " state foo=1,bar=2"},
        {"traceparent included, tracestate missing", {{"traceparent", tp}}, good},
        {"traceparent missing, tracestate included", {{"tracestate", "foo=1"}}, "-"},
        {"traceparent duplicated", {{"traceparent", tp}, {"traceparent", "00-" + other_trace + "-" + span + "-01"}}, "-"},
        {"the same traceparent twice", {{"traceparent", tp}, {"traceparent", tp}, {"tracestate", "foo=1"}}, "-"},
        {"traceparent and one that is malformed", {{"traceparent", tp}, {"traceparent", ""}}, "-"},
        {"header name with a hyphen", {{"trace-parent", tp}}, "-"},
        {"header name with a dot", {{"trace.parent", tp}}, "-"},
        {"header name in camel case", {{"TraceParent", tp}}, good},
        {"header name in upper case", {{"TRACEPARENT", tp}}, good},
        {"version 00", {{"traceparent", tp + "."}}, "-"},
        {"version 00 and more", {{"traceparent", tp + "-what-the-future-will-be-like"}}, "-"},
        {"version cc", {{"traceparent", "cc" + start + "-01"}}, good},
        {"version cc and more", {{"traceparent", "cc" + start + "-01-what-the-future-will-be-like"}}, good},
        {"version cc and a dot", {{"traceparent", "cc" + start + "-01.what-the-future-will-be-like"}}, "-"},
        {"version ff", {{"traceparent", "ff" + start + "-01"}}, "-"},
        {"version with illegal characters", {{"traceparent", ".0" + start + "-01"}}, "-"},
        {"version too long", {{"traceparent", "000" + start + "-01"}}, "-"},
        {"version too short", {{"traceparent", "0" + start + "-01"}}, "-"},
        {"trace id all zero", {{"traceparent", "00-00000000000000000000000000000000-" + span + "-01"}}, "-"},
        {"trace id with illegal characters", {{"traceparent", "00-." + trace.substr(1) + "-" + span + "-01"}}, "-"},
        {"trace id too long", {{"traceparent", "00-" + trace + "0-" + span + "-01"}}, "-"},
        {"trace id too short", {{"traceparent", "00-" + trace.substr(1) + "-" + span + "-01"}}, "-"},
        {"parent id all zero", {{"traceparent", "00-" + trace + "-0000000000000000-01"}}, "-"},
        {"parent id too long", {{"traceparent", "00-" + trace + "-" + span + "0-01"}}, "-"},
        {"parent id too short", {{"traceparent", "00-" + trace + "-" + span.substr(1) + "-01"}}, "-"},
        {"flags with illegal characters", {{"traceparent", "00" + start + "-.0"}}, "-"},
        {"flags too long", {{"traceparent", "00" + start + "-001"}}, "-"},
        {"flags too short", {{"traceparent", "00" + start + "-1"}}, "-"},
        {"flags: random", {{"traceparent", "00" + start + "-02"}}, ids + " remote random"},
        {"blanks around", {{"traceparent", " \t" + tp + "\t "}}, good},
        {"tracestate name in camel case", {{"traceparent", tp}, {"TraceState", "foo=1"}}, good + " state foo=1"},
        {"tracestate name in upper case", {{"traceparent", tp}, {"TRACESTATE", "foo=1"}}, good + " state foo=1"},
        {"tracestate name with a hyphen", {{"traceparent", tp}, {"trace-state", "foo=1"}}, good},
        {"tracestate empty", {{"traceparent", tp}, {"tracestate", ""}}, good},
        {"tracestate empty beside one", {{"traceparent", tp}, {"tracestate", "foo=1"}, {"tracestate", ""}}, good + " state foo=1"},
        {"tracestate empty before one", {{"traceparent", tp}, {"tracestate", ""}, {"tracestate", "foo=1"}}, good + " state foo=1"},
        {"tracestate in five headers",
         {{"traceparent", tp}, {"tracestate", "foo=1,"}, {"tracestate", ""}, {"tracestate", "bar=2"}, {"tracestate", "rojo=3"},
          {"tracestate", "congo=4,baz=5"}},
         good + " state foo=1,bar=2,rojo=3,congo=4,baz=5"},
        {"tracestate with duplicate keys", {{"traceparent", tp}, {"tracestate", "foo=1,foo=2"}}, good + " state foo=1,foo=2"},
        {"tracestate with blanks", {{"traceparent", tp}, {"tracestate", "foo=1 \t , \t bar=2"}}, good + " state foo=1,bar=2"},
        {"tracestate with 32 members", {{"traceparent", tp}, {"tracestate", members(32)}}, good + " state " + members(32)},
        {"tracestate with 33 members", {{"traceparent", tp}, {"tracestate", members(33)}}, good},
        {"tracestate with 33 in two headers", {{"traceparent", tp}, {"tracestate", members(32)}, {"tracestate", "z=1"}}, good},
        {"tracestate key illegal", {{"traceparent", tp}, {"tracestate", "foo =1"}}, good},
        {"tracestate value illegal", {{"traceparent", tp}, {"tracestate", "foo=bar=baz"}}, good},
        {"tracestate value empty", {{"traceparent", tp}, {"tracestate", "foo=,bar=3"}}, good},
    };
    for (const auto& [name, headers, means] : cases) {
        CAPTURE(name);
        CHECK(read(headers) == means);
        // And the next process gets the same.
        const apm::context c = take(headers, {tracecontext});
        CHECK(shown(take(put({}, c), {tracecontext})) == (means == "-" ? "-" : means));
    }
}

TEST_CASE("extraction: each format finds its own, and only what is on is read") {
    CHECK(read(everything, {none}) == "-");
    CHECK(read(everything, {tracecontext}) == ids + " sampled remote state a=b");
    CHECK(read(everything, {baggage}) == "- baggage x=y");
    CHECK(read(everything, {b3}) == other_trace + " " + other_span + " remote");
    CHECK(read(everything, {b3multi}) == other_trace + " " + other_span + " remote");
    CHECK(read(everything, {jaeger}) == "00000000000000000000000000000001 0000000000000002 sampled remote baggage z=1");
    CHECK(read(everything, {datadog}) == "00000000000000000000000000000003 0000000000000004 sampled remote state dd=s:1;p:0000000000000004");
    CHECK(read(everything, {xray}) == "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 remote");
    CHECK(read({}, {tracecontext, baggage, b3, b3multi, jaeger, datadog, xray}) == "-");
}

TEST_CASE("extraction: the last format that finds a trace is taken") {
    CHECK(read(everything, {tracecontext, b3}) == other_trace + " " + other_span + " remote");
    CHECK(read(everything, {b3, tracecontext}) == ids + " sampled remote state a=b");
    CHECK(read(everything, {baggage, datadog, xray, b3, tracecontext}) == ids + " sampled remote state a=b baggage x=y");
    // One that finds nothing changes nothing; nor does a malformed one.
    CHECK(read({{"traceparent", traceparent}}, {tracecontext, b3, jaeger, datadog, xray}) == ids + " sampled remote");
    CHECK(read({{"traceparent", traceparent}, {"b3", "what"}, {"uber-trace-id", "0:0:0:0"}}, {tracecontext, b3, jaeger}) ==
          ids + " sampled remote");
    // A decision alone does not take away a trace, in any order.
    CHECK(read({{"traceparent", traceparent}, {"b3", "0"}}, {tracecontext, b3}) == ids + " sampled remote");
    CHECK(read({{"traceparent", traceparent}, {"b3", "0"}}, {b3, tracecontext}) == ids + " sampled remote");
    CHECK(read({{"b3", "0"}}, {tracecontext, b3}) == "- remote");
    CHECK(read({{"b3", "0"}, {"baggage", "a=1"}}, {baggage, b3}) == "- remote baggage a=1");
    // b3 in one header goes before several; several where the one is malformed.
    const header_vector both{{"b3", trace + "-" + span + "-0"}, {"X-B3-TraceId", other_trace}, {"X-B3-SpanId", other_span}, {"X-B3-Sampled", "1"}};
    CHECK(read(both, {b3}) == ids + " remote");
    CHECK(read({{"b3", "what"}, both[1], both[2], both[3]}, {b3}) == other_trace + " " + other_span + " sampled remote");
    CHECK(read({{"x-b3-traceid", other_trace}, {"x-b3-spanid", other_span}, {"x-b3-flags", "1"}}, {b3multi}) ==
          other_trace + " " + other_span + " sampled remote debug");
    CHECK(read({{"x-b3-traceid", other_trace + "0"}, {"x-b3-spanid", other_span}}, {b3multi}) == "-");
    CHECK(read({{"x-b3-sampled", "0"}}, {b3multi}) == "- remote");
}

TEST_CASE("extraction: formats that speak of the same trace complete each other") {
    // Not decided there, but here; and the flags and the tracestate that only one of them has.
    const header_vector same{{"traceparent", "00-" + trace + "-" + other_span + "-03"}, {"tracestate", "a=b"}, {"b3", trace + "-" + span}};
    CHECK(read(same, {tracecontext, b3}) == ids + " sampled remote random state a=b");
    CHECK(read(same, {b3, tracecontext}) == trace + " " + other_span + " sampled remote random state a=b");
    // Datadog's headers replace what the tracestate says of them; where they are of another trace, that is left alone.
    const header_vector datadogs{{"traceparent", traceparent},
                                 {"tracestate", "a=b,dd=s:0;o:old,c=d"},
                                 {"x-datadog-trace-id", trace_decimal},
                                 {"x-datadog-parent-id", span_decimal},
                                 {"x-datadog-sampling-priority", "2"},
                                 {"x-datadog-tags", "_dd.p.tid=" + trace.substr(0, 16)}};
    const std::string merged = ids + " sampled remote state dd=s:2;p:" + span + ",a=b,c=d";
    CHECK(read(datadogs, {tracecontext, datadog}) == merged);
    CHECK(read(datadogs, {datadog, tracecontext}) == merged);
    header_vector another = datadogs;
    another[2].second = "7";
    CHECK(read(another, {datadog, tracecontext}) == ids + " sampled remote state a=b,dd=s:0;o:old,c=d");
    CHECK(read(another, {tracecontext, datadog}) ==
          trace.substr(0, 16) + "0000000000000007 " + span + " sampled remote state dd=s:2;p:" + span);
    // Of 32 members, the last makes room.
    header_vector full = datadogs;
    full[1].second = members(32);
    CHECK(read(full, {tracecontext, datadog}) == ids + " sampled remote state dd=s:2;p:" + span + "," + members(31));
}

TEST_CASE("extraction: baggage comes with a trace or without") {
    CHECK(read({{"baggage", "a=1"}, {"Baggage", "b=2"}}) == "- baggage a=1,b=2");
    CHECK(read({{"traceparent", traceparent}, {"baggage", "a=1"}}) == ids + " sampled remote baggage a=1");
    CHECK(read({{"traceparent", "what"}, {"tracestate", "a=b"}, {"baggage", "a=1"}}) == "- baggage a=1");
    CHECK(read({{"uberctx-a", "x%20y"}, {"UberCtx-b", "2"}, {"uberctx-", "3"}, {"baggage", "a=1"}}, {baggage, jaeger}) == "- baggage a=1,b=2");
}

TEST_CASE("injection: byte for byte") {
    apm::context c{.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c}, .span = 0xb7ad6b7169203331, .sampled = true};
    CHECK(put({}, c) == header_vector{{"traceparent", traceparent}});
    CHECK(put({}, c, {b3}) == header_vector{{"b3", trace + "-" + span + "-1"}});
    CHECK(put({}, c, {b3multi}) == header_vector{{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-Sampled", "1"}});
    CHECK(put({}, c, {jaeger}) == header_vector{{"uber-trace-id", trace + ":" + span + ":0:01"}});
    CHECK(put({}, c, {datadog}) == header_vector{{"x-datadog-trace-id", trace_decimal},
                                                 {"x-datadog-parent-id", span_decimal},
                                                 {"x-datadog-sampling-priority", "1"},
                                                 {"x-datadog-tags", "_dd.p.tid=0af7651916cd43dd"}});
    CHECK(put({}, c, {xray}) ==
          header_vector{{"X-Amzn-Trace-Id", "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"}});
    CHECK(put({}, c, {none}).empty());
    c.debug = true;
    CHECK(put({}, c, {b3, b3multi}) ==
          header_vector{{"b3", trace + "-" + span + "-d"}, {"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-Flags", "1"}});
    c.debug = c.sampled = false;
    CHECK(put({}, c, {b3multi}).at(2) == std::pair<std::string, std::string>{"X-B3-Sampled", "0"});
    c.deferred = true;
    CHECK(put({}, c, {b3multi}).size() == 2);
    CHECK(put({}, c, {datadog}).size() == 3);

    c.deferred = false;
    c.shared = apm::detail::share_texts({}, "dd=s:-1;o:rum;t.dm:-4,a=b", "x=1+2;p,y=%20");
    CHECK(put({}, c) == header_vector{{"traceparent", "00-" + trace + "-" + span + "-00"},
                                      {"tracestate", "dd=s:-1;o:rum;t.dm:-4,a=b"}, {"baggage", "x=1+2;p,y=%20"}});
    CHECK(put({}, c, {datadog}) == header_vector{{"x-datadog-trace-id", trace_decimal},
                                                 {"x-datadog-parent-id", span_decimal},
                                                 {"x-datadog-sampling-priority", "-1"},
                                                 {"x-datadog-origin", "rum"},
                                                 {"x-datadog-tags", "_dd.p.tid=0af7651916cd43dd,_dd.p.dm=-4"}});
    CHECK(put({}, c, {jaeger}) ==
          header_vector{{"uber-trace-id", trace + ":" + span + ":0:00"}, {"uberctx-x", "1%2B2"}, {"uberctx-y", "%20"}});
}

TEST_CASE("injection: what is there stays, what is ours is replaced, and what would contradict it goes") {
    const apm::context c{.trace = {1, 2}, .span = 3, .sampled = true};
    const std::string text = "00-00000000000000010000000000000002-0000000000000003-01";
    CHECK(put({{"host", "a"}, {"TraceParent", "old"}, {"accept", "b"}, {"traceparent", "older"}}, c) ==
          header_vector{{"host", "a"}, {"TraceParent", text}, {"accept", "b"}});
    // A proxy that copied a request's headers: the tracestate of that trace does not belong to this one.
    CHECK(put({{"tracestate", "a=b"}, {"host", "a"}}, c) == header_vector{{"host", "a"}, {"traceparent", text}});
    CHECK(put({{"x-b3-flags", "1"}, {"x-b3-parentspanid", "1"}, {"x", "y"}}, c, {b3multi}) ==
          header_vector{{"x", "y"}, {"X-B3-TraceId", "00000000000000010000000000000002"}, {"X-B3-SpanId", "0000000000000003"}, {"X-B3-Sampled", "1"}});
    const header_vector sent = put({{"X-Datadog-Origin", "rum"}, {"X-Datadog-Sampling-Priority", "-1"}}, c, {datadog});
    CHECK(sent == header_vector{{"X-Datadog-Sampling-Priority", "1"}, {"x-datadog-trace-id", "2"}, {"x-datadog-parent-id", "3"},
                                {"x-datadog-tags", "_dd.p.tid=0000000000000001"}});
    // Baggage that was written there by hand stays, as long as there is none of ours.
    CHECK(put({{"baggage", "mine=1"}}, c).at(0).second == "mine=1");
    // Where there is nothing to say, nothing is touched.
    const header_vector all = everything;
    for (const formats list : {formats{tracecontext, baggage, b3, b3multi, jaeger, datadog, xray}, formats{none}}) {
        CHECK(put(all, {}, list) == all);
        CHECK(put(all, {.trace = {1, 2}, .sampled = true}, list) == all);
        CHECK(put(all, {.span = 1}, list) == all);
    }
    CHECK(put(all, c, {none}) == all);
}

TEST_CASE("injection: a decision without a trace goes on in b3, which can say it") {
    const apm::context no = take({{"b3", "0"}}, {b3}), yes = take({{"x-b3-flags", "1"}}, {b3});
    CHECK(put({}, no, {b3}) == header_vector{{"b3", "0"}});
    CHECK(put({}, yes, {b3}) == header_vector{{"b3", "d"}});
    CHECK(put({}, no, {tracecontext, b3multi, jaeger, datadog, xray}).empty());
}

TEST_CASE("what is injected in any format is extracted as the same") {
    const struct { formats list; bool random, debug, deferred, state; } cases[] = {
        {{tracecontext, baggage}, true, false, false, true}, {{baggage, b3}, false, true, true, false},
        {{baggage, b3multi}, false, true, true, false},      {{baggage, jaeger}, false, true, false, false},
        {{baggage, datadog}, false, false, true, false},     {{baggage, xray}, false, false, true, false},
        {{tracecontext, baggage, b3, b3multi, jaeger, xray}, true, false, false, true},
    };
    for (const auto& [list, random, debug, deferred, state] : cases) {
        for (apm::context c : random_contexts(300)) {
            c.random = c.random && random;
            c.debug = debug && c.sampled && c.span & 1;
            c.deferred = deferred && !c.sampled && c.span & 1;
            const std::string number = std::to_string(c.span);
            c.shared = apm::detail::share_texts({}, state ? "a=" + number + ",b=2" : "", c.span & 2 ? "x=" + number + ";p=1,y=%20" : "");
            apm::context back = take(put({}, c, list), list);
            if (list.begin()[1] == datadog)
                back.shared = apm::detail::share_texts({}, {}, apm::detail::baggage_of(back));
            CHECK(shown(back) == shown(c));
            CHECK(back == c);
        }
    }
}

TEST_CASE("texts of 8,192 bytes go through; what is longer is cut at a member") {
    const std::string value = "a=" + std::string(8190, 'v');
    const apm::context c = take({{"traceparent", traceparent}, {"baggage", value}}, {tracecontext, baggage});
    CHECK(put({}, c).at(1) == std::pair<std::string, std::string>{"baggage", value});
    const apm::context cut = take({{"baggage", "b=1," + value}, {"baggage", "c=1"}}, {baggage});
    CHECK(apm::detail::baggage_of(cut) == "b=1");
    std::string state;
    for (int i = 0; i < 31; ++i) state += (i ? ",k" : "k") + std::to_string(i) + "=" + std::string(256, 's');
    const apm::context both = take({{"traceparent", traceparent}, {"tracestate", state}, {"baggage", value}}, {tracecontext, baggage});
    CHECK(apm::detail::state_of(both) == state);
    CHECK(apm::detail::baggage_of(both) == value);
    CHECK(take(put({}, both), {tracecontext, baggage}) == both);
}
