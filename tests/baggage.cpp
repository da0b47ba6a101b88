#include <apm/baggage.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <apm/apm.hpp>
#include <apm/propagation.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "baggage test"};
    span<> outer{this, "outer", "a span"};
    span<> inner{this, "inner", "another"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::string here() { return apm::baggage::current().header(); }

}  // namespace

TEST_CASE("baggage is a value") {
    apm::baggage b;
    CHECK(b.empty());
    CHECK(b.size() == 0);
    CHECK_FALSE(b.get("tenant"));
    b.set("tenant", "acme").set("region", "eu west", "source=cookie;x");
    CHECK(b.size() == 2);
    CHECK(b.get("tenant") == "acme");
    CHECK(b.get("region") == "eu west");
    CHECK(b.metadata("region") == "source=cookie;x");
    CHECK(b.metadata("tenant").empty());
    CHECK(b.metadata("no.such.key").empty());
    CHECK_FALSE(b.get("Tenant"));
    CHECK_FALSE(b.get("ten"));
    CHECK(b.header() == "tenant=acme,region=eu%20west;source=cookie;x");

    apm::baggage copy = b;
    CHECK(copy == b);
    copy.set("tenant", "other");
    CHECK(copy.header() == "tenant=other,region=eu%20west;source=cookie;x");
    CHECK_FALSE(copy == b);
    copy.set("region", "us");  // with the value goes its metadata
    CHECK(copy.header() == "tenant=other,region=us");
    copy.remove("tenant").remove("no.such.key");
    CHECK(copy.header() == "region=us");
    copy.remove("region");
    CHECK(copy.empty());

    std::vector<std::string> all;
    b.each([&](std::string_view key, const std::string& value, std::string_view metadata) {
        all.push_back(std::string(key) + "|" + value + "|" + std::string(metadata));
    });
    CHECK(all == std::vector<std::string>{"tenant|acme|", "region|eu west|source=cookie;x"});
}

TEST_CASE("values are any text, keys are tokens") {
    apm::baggage b;
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    every.resize(128);
    b.set("every", every);
    CHECK(b.get("every") == every);
    CHECK(apm::baggage(b.header()) == b);
    b.set("name", "Am\xc3\xa9lie");
    CHECK(b.get("name") == "Am\xc3\xa9lie");
    CHECK(b.header().find("name=Am%C3%A9lie") != std::string::npos);
    b.set("empty", "");
    CHECK(b.get("empty") == "");
    const apm::baggage before = b;
    for (const char* key : {"", "two words", "a,b", "a=b", "a;b", "\xc3\xa9", "\"", "a\n"}) b.set(key, "1");
    b.set(std::string_view("a\0b", 3), "1");
    CHECK(b == before);
    b.set("meta", "1", "not a property\n");
    CHECK(b.get("meta") == "1");
    CHECK(b.metadata("meta").empty());
}

TEST_CASE("of a header") {
    const apm::baggage b(" a = 1 ; p = q , bad key=2, b=%C3%A9%41, a=3 , c=%FF%fe!,d=%4,,e");
    CHECK(b.header() == "a=3,b=%C3%A9%41,c=%FF%fe!,d=%4");  // the last of one key is meant
    CHECK(b.get("b") == "\xc3\xa9"
                        "A");
    CHECK(b.get("c") == "\xef\xbf\xbd\xef\xbf\xbd!");  // bytes that are no UTF-8
    CHECK(b.get("d") == "%4");
    CHECK(b.size() == 4);
}

TEST_CASE("of a header from outside: bounded, and soon read") {
    std::string many, same;
    for (int i = 0; i < 20'000; ++i) many += "a" + std::to_string(i) + "=,", same += "a=" + std::to_string(i) + ",";
    const apm::baggage b(many);
    CHECK(b.size() == 64);
    CHECK(b.get("a63") == "");
    CHECK(apm::baggage(same).header() == "a=63");  // what is beyond the limits is not looked at: here, the last of that key
    CHECK(apm::baggage("a=1," + std::string(8192, 'b') + "=1").header() == "a=1");
    CHECK(apm::baggage("a=" + std::string(8190, 'x')).header().size() == 8192);
    CHECK(apm::baggage("a=" + std::string(8191, 'x')).empty());
}

TEST_CASE("with_baggage(): what is traced and sent below has it") {
    apm::drain_spans();
    CHECK(here().empty());
    {
        TRACE_SCOPE(telemetry.outer);
        const apm::context outer = apm::context::current();
        {
            const auto tenant = apm::with_baggage("tenant", "acme inc");
            CHECK(apm::context::current().span == outer.span);
            CHECK(here() == "tenant=acme%20inc");
            TRACE_SCOPE(telemetry.inner);
            CHECK(apm::context::current().trace == outer.trace);
            CHECK(apm::baggage::current().get("tenant") == "acme inc");
            {
                const auto more = apm::with_baggage(apm::baggage::current().set("region", "eu").remove("tenant"));
                TRACE_SCOPE(telemetry.inner);
                CHECK(here() == "region=eu");
                std::thread(apm::wrap([] { CHECK(here() == "region=eu"); })).join();
            }
            std::map<std::string, std::string> headers;
            apm::add_trace_context(headers);
            CHECK(headers["baggage"] == "tenant=acme%20inc");
        }
        CHECK(here().empty());
        CHECK(apm::context::current() == outer);
    }
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 3);
    CHECK(all.spans[0].parent() == all.spans[1].id());
    CHECK(all.spans[1].parent() == all.spans[2].id());
}

TEST_CASE("baggage without a span: a trace that begins below has it") {
    apm::drain_spans();
    {
        const auto tenant = apm::with_baggage("tenant", "acme");
        CHECK_FALSE(apm::context::current().valid());
        std::map<std::string, std::string> headers;
        apm::add_trace_context(headers);
        CHECK(headers == std::map<std::string, std::string>{{"baggage", "tenant=acme"}});
        TRACE_SCOPE(telemetry.outer);
        CHECK(here() == "tenant=acme");
        CHECK(apm::context::current().valid());
    }
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    CHECK(all.spans[0].parent() == 0);
}

TEST_CASE("with a remote parent: its tracestate stays, its decision too") {
    for (const char* flags : {"00", "01"}) {
        const std::map<std::string, std::string> request{
            {"traceparent", std::string("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-") + flags},
            {"tracestate", "a=b"}, {"baggage", "x=1"}};
        apm::drain_spans();
        {
            const auto caller = apm::attach(apm::extract(request));
            const auto tenant = apm::with_baggage("tenant", "acme");
            CHECK(apm::context::current().remote);
            TRACE_SCOPE(telemetry.outer);
            std::map<std::string, std::string> headers;
            apm::add_trace_context(headers);
            CHECK(headers["tracestate"] == "a=b");
            CHECK(headers["baggage"] == "x=1,tenant=acme");
        }
        const apm::span_batch all = apm::drain_spans();
        REQUIRE(all.spans.size() == (flags[1] == '1' ? 1 : 0));
        if (!all.spans.empty()) CHECK(all.spans[0].parent_is_remote());
    }
}

TEST_CASE("where tail sampling decides, that holds for what is below baggage, too") {
    static constexpr apm::sampling_rules nothing = apm::parent_based(apm::always_off), usual = apm::parent_based(apm::always_on);
    static constexpr apm::tail_rules errors{.errors = true}, never{};
    apm::sample_with(nothing);
    apm::tail_sample(errors);
    for (const bool fails : {true, false}) {
        apm::drain_spans();
        apm::context kept_alive;
        {
            auto outer = telemetry.outer.scope();
            const auto first = apm::with_baggage("tenant", "acme");
            { TRACE_SCOPE(telemetry.inner); }
            const auto second = apm::with_baggage("region", "eu");
            {
                TRACE_SCOPE(telemetry.inner);
                CHECK(here() == "tenant=acme,region=eu");
                kept_alive = apm::context::current();
            }
            const auto none = apm::with_baggage(apm::baggage());  // nothing left to share, but the decision
            {
                TRACE_SCOPE(telemetry.inner);
                CHECK(here().empty());
            }
            if (fails) outer.status(apm::span_status::error);
        }
        const apm::span_batch all = apm::drain_spans();
        CHECK(all.spans.size() == (fails ? 4 : 0));
        // It is over; who still has a context of it is heard all the same.
        const auto attached = apm::attach(kept_alive);
        { TRACE_SCOPE(telemetry.inner); }
        CHECK(apm::drain_spans().spans.size() == (fails ? 1 : 0));
    }
    apm::tail_sample(never);
    apm::sample_with(usual);
}

TEST_CASE("baggage beyond the limits: the last members are dropped when it is attached, and that is said once") {
    static std::vector<std::string> lines;
    apm::detail::baggage_was_cut.store(0);
    apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char* line) { lines.emplace_back(line); }));
    apm::baggage b;
    for (int i = 0; i < 70; ++i) b.set("k" + std::to_string(i), "1");
    CHECK(b.size() == 70);
    for (int i = 0; i < 2; ++i) {
        const auto attached = apm::with_baggage(b);
        CHECK(apm::baggage::current().size() == 64);
        CHECK(apm::baggage::current().get("k63") == "1");
        CHECK_FALSE(apm::baggage::current().get("k64"));
    }
    const auto large = apm::with_baggage(apm::baggage().set("a", "1").set("large", std::string(8192, 'x')).set("b", "2"));
    CHECK(here() == "a=1");
    const auto most = apm::with_baggage(apm::baggage().set("a", std::string(8190, 'x')));
    CHECK(here().size() == 8192);
    apm::detail::process_root().handler.store(0);
    CHECK(lines == std::vector<std::string>{"baggage of more than 64 members or 8192 bytes: what is beyond is dropped (said once)"});
}

TEST_CASE("switched off, baggage is a value and nothing else") {
    const auto nothing = apm::with_baggage<apm::mode::off>("tenant", "acme");
    CHECK(here().empty());
    const auto tenant = apm::with_baggage("tenant", "acme");
    CHECK(apm::baggage::current<apm::mode::off>().empty());
    CHECK(here() == "tenant=acme");
}
