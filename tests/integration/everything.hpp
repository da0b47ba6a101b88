#pragma once
// Spans that say everything that a span can say, at times that are known exactly, and what was recorded: printed, for scripts
// to compare. Printed are lines of words between tabs; names and texts in hexadecimal. What an attribute, event or link belongs
// to is the line before it that it can belong to.
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <apm/apm.hpp>
#include <apm/backend.hpp>
#include <apm/testing/clock.hpp>

namespace everything {

using std::chrono::nanoseconds;

BOOST_DEFINE_ENUM_CLASS(Color, red, green)
APM_FIELDS(Everything, (apm::named<std::int64_t, "a.integer">, integer), (double, real), (bool, yes), (Color, color),
           (std::string_view, text), (std::vector<std::int64_t>, integers), (std::vector<double>, reals));
APM_FIELDS(Step, (int, n));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "traces", .version = "1.0 \"x\"", .schema_url = "https://example.org/schema/1"};
    span<Everything>         everything{this, "everything", "All types"};
    span<Step, apm::server>  served    {this, "served", "Kinds"};
    span<Step, apm::client>  called    {this, "called", "Kinds"};
    span<Step, apm::producer> sent     {this, "sent", "Kinds"};
    span<Step, apm::consumer> received {this, "received", "Kinds"};
    span<Step>               step      {this, "step", "Work"};
    span<Step>               overlap   {this, "overlap", "Begins within another and ends after it"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;
struct Plain : apm::schema<Plain> {
    static constexpr apm::scope scope{.name = "plain"};
    span<> work{this, "work", "Nothing said"};
};
inline constexpr auto& plain = apm::instruments<Plain>;

inline const apm::resource who{{{"service.name", "traces"}, {"host.name", "a \"host\" \\ \xc3\xa4\n"}}};

inline std::string hex(std::string_view s) {
    std::string out;
    char two[3];
    for (const char c : s) {
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += two;
    }
    return out.empty() ? "-" : out;
}

inline void say_span(const apm::context& of, std::uint64_t parent, unsigned flags, std::string_view name, int kind,
                     std::uint64_t start, std::uint64_t end, int status, std::string_view message, std::string_view scope,
                     const char* dropped = "0\t0\t0") {
    std::printf("span\t%016" PRIx64 "%016" PRIx64 "\t%016" PRIx64 "\t%016" PRIx64 "\t%u\t%s\t%d\t%" PRIu64 "\t%" PRIu64
                "\t%d\t%s\t%s\t%s\n",
                of.trace.high, of.trace.low, of.span, parent, flags, hex(name).c_str(), kind, start, end, status,
                hex(message).c_str(), hex(scope).c_str(), dropped);
}
inline void say_event(std::uint64_t time, std::string_view name) {
    std::printf("event\t%" PRIu64 "\t%s\n", time, hex(name).c_str());
}
inline void say_link(std::uint64_t high, std::uint64_t low, std::uint64_t span, unsigned flags) {
    std::printf("link\t%016" PRIx64 "%016" PRIx64 "\t%016" PRIx64 "\t%u\n", high, low, span, flags);
}
inline void say(std::string_view name, std::int64_t v) { std::printf("attribute\t%s\tint\t%" PRId64 "\n", hex(name).c_str(), v); }
inline void say(std::string_view name, double v) { std::printf("attribute\t%s\tdouble\t%a\n", hex(name).c_str(), v); }
inline void say_bool(std::string_view name, bool v) { std::printf("attribute\t%s\tbool\t%d\n", hex(name).c_str(), v); }
inline void say(std::string_view name, std::string_view v) {
    std::printf("attribute\t%s\ttext\t%s\n", hex(name).c_str(), hex(v).c_str());
}
inline void say(std::string_view name, const std::vector<std::int64_t>& v) {
    std::printf("attribute\t%s\tints", hex(name).c_str());
    for (const auto n : v) std::printf("\t%" PRId64, n);
    std::printf("\n");
}
inline void say(std::string_view name, const std::vector<double>& v) {
    std::printf("attribute\t%s\tdoubles", hex(name).c_str());
    for (const auto n : v) std::printf("\t%a", n);
    std::printf("\n");
}

inline constexpr std::uint64_t beginning = 1'754'870'400'123'456'789;  // no double holds it
inline constexpr std::string_view scope = "traces|1.0 \"x\"|https://example.org/schema/1";

// Three times, finish() is to take what was recorded.
template <class Finish>
void say_everything(Finish&& finish) {
    apm::testing::manual_clock clock(beginning);
    using double_limits = std::numeric_limits<double>;
    const std::vector<std::int64_t> integers{0, -1, std::numeric_limits<std::int64_t>::max(),
                                             std::numeric_limits<std::int64_t>::min(), (std::int64_t{1} << 53) + 1};
    const std::vector<double> reals{0.1, -0.0, 1e300, double_limits::denorm_min(), double_limits::quiet_NaN(),
                                    double_limits::infinity(), -double_limits::infinity()};
    const std::string text = "quote \" backslash \\ newline \n tab \t nul \x01 del \x7f \xe2\x82\xac \xf0\x9f\x90\x88 \xff end";
    {
        const auto s = telemetry.everything.scope({.integer = integers[3], .real = 0.1, .yes = false, .color = Color::green,
                                                   .text = text, .integers = integers, .reals = reals});
        say_span(s.context(), 0, 0x103, "everything", 1, beginning, beginning, 0, "", scope);
        say("a.integer", integers[3]), say("real", 0.1), say_bool("yes", false), say("color", std::string_view("green"));
        say("text", text), say("integers", integers), say("reals", reals);
        s.set("late \"name\"", true), say_bool("late \"name\"", true);
        s.set("empty", ""), say("empty", std::string_view());
        s.set("none", std::vector<double>()), say("none", std::vector<double>());
    }
    finish();
    {  // A tree, of all kinds; from another process.
        const apm::context elsewhere{{0x0102030405060708, 0x090a0b0c0d0e0f10}, 0xf1f2f3f4f5f6f7f8, true, true};
        const auto from = apm::attach(elsewhere);
        const auto served = telemetry.served.scope({.n = 1});
        clock.advance(nanoseconds(1));
        const auto called = telemetry.called.scope({.n = 2});
        clock.advance(nanoseconds(999));
        {
            const auto sent = telemetry.sent.scope({.n = 3});
            sent.status(apm::span_status::ok);
            say_span(sent.context(), called.context().span, 0x101, "sent", 4, beginning + 1000, beginning + 1000, 1, "", scope);
            say("n", std::int64_t{3});
        }
        {
            const auto received = telemetry.received.scope({.n = 4});
            received.rename("received \"anew\"");
            received.status(apm::span_status::error, "broken \xff pipe");
            say_span(received.context(), called.context().span, 0x101, "received \"anew\"", 5, beginning + 1000, beginning + 1002,
                     2, "broken \xff pipe", scope);
            say("n", std::int64_t{4});
            received.event("first"), say_event(beginning + 1000, "first");
            clock.advance(nanoseconds(2));
            received.event("second", {{"x", 1.5}, {"y", "z"}});
            say_event(beginning + 1002, "second"), say("x", 1.5), say("y", std::string_view("z"));
            received.link(elsewhere), say_link(elsewhere.trace.high, elsewhere.trace.low, elsewhere.span, 0x301);
            received.link({{0, 1}, 2, false, false}, {{"why", 1}});
            say_link(0, 1, 2, 0x100), say("why", std::int64_t{1});
        }
        say_span(called.context(), served.context().span, 0x101, "called", 3, beginning + 1, beginning + 1002, 0, "", scope);
        say("n", std::int64_t{2});
        say_span(served.context(), elsewhere.span, 0x301, "served", 2, beginning, beginning + 1002, 0, "", scope);
        say("n", std::int64_t{1});
    }
    {  // Whose scopes are others.
        const auto work = plain.work.scope();
        say_span(work.context(), 0, 0x103, "work", 1, beginning + 1002, beginning + 1002, 0, "", "plain||");
        TRACE_SCOPE("quick look");
        say_span(apm::context::current(), work.context().span, 0x103, "quick look", 1, beginning + 1002, beginning + 1002, 0, "",
                 "||");
    }
    finish();
    {  // More than a span may say.
        const auto s = telemetry.step.scope({.n = 0});
        say_span(s.context(), 0, 0x103, "step", 1, beginning + 1002, beginning + 1002, 0, "", scope, "3\t2\t1");
        say("n", std::int64_t{0});
        for (int i = 0; i < 130; ++i) {
            const std::string name = "a" + std::to_string(i);
            s.set(name, i);
            if (i < 127) say(name, std::int64_t{i});
        }
        for (int i = 0; i < 130; ++i) {
            s.event("e");
            if (i < 128) say_event(beginning + 1002, "e");
        }
        for (int i = 0; i < 129; ++i) {
            s.link({{1, 1}, 1, true, false});
            if (i < 128) say_link(1, 1, 1, 0x101);
        }
    }
    finish();
}

}  // namespace everything
