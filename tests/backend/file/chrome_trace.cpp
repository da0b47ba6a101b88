// ctest: LABELS serial
#include <apm/backend/file/chrome_trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/testing/clock.hpp>

#include "catch.hpp"

namespace {

using std::chrono::nanoseconds;

APM_FIELDS(Step, (int, n));
struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "chrome"};
    span<Step> step{this, "step", "One step"};
    span<>     task{this, "task", "Without attributes"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
using apm::testing::manual_clock;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
    return text;
}
std::string hex(std::uint64_t n) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(n));
    return digits;
}
// The events, without what a test cannot know: ids and names of threads.
std::vector<std::string> events_of(const std::string& text) {
    std::vector<std::string> events;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty()) continue;
        if (line[0] == ',') line.erase(0, 1);
        line = replaced(line, "\"pid\":" + std::to_string(getpid()), "P");
        line = replaced(line, "\"tid\":" + std::to_string(gettid()), "T");
        events.push_back(line);
    }
    return events;
}
std::vector<std::string> with(const std::vector<std::string>& events, std::string_view part) {
    std::vector<std::string> chosen;
    std::copy_if(events.begin(), events.end(), std::back_inserter(chosen),
                 [&](const std::string& e) { return e.find(part) != std::string::npos; });
    return chosen;
}
// The text of "key": in an event.
std::string value(const std::string& event, const std::string& key) {
    const std::size_t at = event.find('"' + key + "\":");
    if (at == std::string::npos) return "";
    const std::size_t from = at + key.size() + 3;
    return event.substr(from, event.find_first_of(",}", from) - from);
}

// One file, and what is drained into it.
struct trace {
    apm::detail::chrome_trace writer;
    std::string text;
    trace() { apm::drain_spans(), writer.begin(text, {{{"service.name", "shop \"1\""}}}); }
    std::vector<std::string> add() {
        std::string part;
        writer.append(part, apm::drain_spans());
        text += part;
        return events_of(part);
    }
};

}  // namespace

TEST_CASE("a file begins with an array and the process; nothing needs to follow but a bracket") {
    trace t;
    CHECK(events_of(t.text) ==
          std::vector<std::string>{"[", R"({"ph":"M",P,T,"name":"process_name","args":{"name":"shop \"1\""}})"});
    CHECK(t.add().empty());
    CHECK(apm::detail::chrome_trace::ending == "\n]\n");
    std::string unnamed;
    apm::detail::chrome_trace().begin(unnamed, {});
    std::ifstream comm("/proc/self/comm");
    std::string name;
    std::getline(comm, name);
    CHECK(unnamed.find("\"args\":{\"name\":\"" + name + "\"}") != std::string::npos);
}

TEST_CASE("a span is a slice with its attributes, what encloses comes first") {
    manual_clock clock(1'000);
    trace t;
    {
        const auto outer = telemetry.step.scope({.n = 7});
        clock.advance(nanoseconds(1'500));
        {
            const auto inner = telemetry.task.scope();
            inner.status(apm::span_status::error, "broke");
            inner.set("trace_id", "mine");
            inner.set("far", std::int64_t{1} << 54), inner.set("list", std::vector<double>{1.5, 2});
            clock.advance(nanoseconds(2'000));
            inner.event("tick", {{"k", true}});
        }
    }
    const apm::span_batch batch = apm::drain_spans();
    std::string text;
    t.writer.append(text, batch);
    const std::vector<std::string> events = events_of(text);
    REQUIRE(events.size() == 5);
    const std::string trace = "\"trace_id\":\"" + hex(batch.spans[0].trace().high) + hex(batch.spans[0].trace().low) + '"';
    const std::string inner = hex(batch.spans[0].id()), outer = hex(batch.spans[1].id());
    CHECK(events[0] == R"({"ph":"M",P,T,"name":"time_zero","args":{"unix_seconds":0}})");
    CHECK(value(events[1], "name") == R"("thread_name")");
    CHECK(events[2] == R"({"ph":"X",P,T,"ts":1,"dur":3.500,"cat":"chrome","name":"step","args":{"n":7,)" + trace +
                           R"(,"span_id":")" + outer + R"("}})");
    CHECK(events[3] == R"({"ph":"X",P,T,"ts":2.500,"dur":2,"cat":"chrome","name":"task","args":{"attribute.trace_id":"mine",)"
                       R"("far":"18014398509481984","list":[1.5,2],)" + trace + R"(,"span_id":")" + inner +
                           R"(","parent_span_id":")" + outer + R"(","status":"error","status_message":"broke"}})");
    CHECK(events[4] == R"({"ph":"i",P,T,"ts":4.500,"s":"t","cat":"chrome","name":"tick","args":{"k":true}})");
}

TEST_CASE("of those that begin at once, what encloses comes first") {
    manual_clock clock(0);
    trace t;
    {
        const auto outermost = telemetry.step.scope({.n = 1});
        {
            const auto as_long = telemetry.step.scope({.n = 2});
            {
                const auto within = telemetry.step.scope({.n = 3});
                clock.advance(nanoseconds(10));
            }
            clock.advance(nanoseconds(10));
        }
    }
    std::string order;
    for (const std::string& e : with(t.add(), R"("ph":"X")")) order += value(e, "n");
    CHECK(order == "123");
}

TEST_CASE("times count from a midnight, lest a viewer lose the nanoseconds") {
    const std::uint64_t today = 20'000ull * 86'400'000'000'000ull;
    manual_clock clock(today + 1'001);
    trace t;
    { TRACE_SCOPE("a"); }
    const auto first = t.add();
    CHECK(with(first, "unix_seconds")[0].find("\"unix_seconds\":" + std::to_string(19'999ull * 86'400)) != std::string::npos);
    CHECK(value(with(first, R"("ph":"X")")[0], "ts") == "86400000001.001");
    // The next file of this process has the same zero.
    clock.advance(std::chrono::hours(100));
    t.writer.begin(t.text, {});
    { TRACE_SCOPE("b"); }
    const auto second = t.add();
    CHECK(with(second, "unix_seconds") == with(first, "unix_seconds"));
    CHECK(value(with(second, R"("ph":"X")")[0], "ts") == std::to_string((24 + 100) * 3'600'000'000ull + 1) + ".001");
}

TEST_CASE("threads are named once in each file, and again where that was lost") {
    trace t;
    { TRACE_SCOPE("a"); }
    CHECK(with(t.add(), "thread_name").size() == 1);
    { TRACE_SCOPE("b"); }
    CHECK(with(t.add(), "thread_name").empty());
    t.writer.forget();
    { TRACE_SCOPE("c"); }
    CHECK(with(t.add(), "thread_name").size() == 1);
    t.writer.begin(t.text, {});
    { TRACE_SCOPE("d"); }
    const auto events = t.add();
    CHECK(with(events, "thread_name").size() == 1);
    CHECK(with(events, "time_zero").size() == 1);
    // One that is gone has no name any more.
    std::thread([] { TRACE_SCOPE("e"); }).join();
    const auto gone = t.add();
    CHECK(with(gone, "thread_name").empty());
    CHECK(with(gone, R"("ph":"X")").size() == 1);
}

TEST_CASE("of two that overlap on a thread, the one that ended later is asynchronous") {
    manual_clock clock(0);
    trace t;
    auto first = telemetry.step.start({.n = 1});
    clock.advance(nanoseconds(10'000));
    auto second = telemetry.step.start({.n = 2});
    clock.advance(nanoseconds(10'000));
    second.event("half");
    first.end();
    const bool at_once = GENERATE(true, false);  // or in two batches
    std::vector<std::string> events;
    if (!at_once) events = t.add();
    clock.advance(nanoseconds(10'000));
    second.end();
    for (std::string& e : t.add()) events.push_back(e);
    CHECK(with(events, R"("ph":"X")").size() == 1);
    const auto begun = with(events, R"("ph":"b")"), instant = with(events, R"("ph":"n")"), ended = with(events, R"("ph":"e")");
    REQUIRE(begun.size() == 1);
    REQUIRE(instant.size() == 1);
    REQUIRE(ended.size() == 1);
    CHECK(value(begun[0], "ts") == "10");
    CHECK(value(begun[0], "n") == "2");
    CHECK(value(instant[0], "ts") == "20");
    CHECK(value(ended[0], "ts") == "30");
    CHECK(value(begun[0], "id").size() == 18);
    CHECK(value(begun[0], "id") == value(ended[0], "id"));
    CHECK(value(begun[0], "id") == value(instant[0], "id"));
    CHECK(value(ended[0], "name") == R"("step")");
    CHECK(value(ended[0], "cat") == R"("chrome")");
}

TEST_CASE("many children, and a parent that comes batches later, are slices all") {
    manual_clock clock(0);
    trace t;
    std::size_t slices = 0;
    {
        const auto all = telemetry.task.scope();
        for (int i = 0; i < 20; ++i) {
            const auto part = telemetry.task.scope();
            for (int j = 0; j < 100; ++j) {
                const auto leaf = telemetry.step.scope({.n = j});
                clock.advance(nanoseconds(10));
            }
            clock.advance(nanoseconds(i % 2));
            slices += with(t.add(), R"("ph":"X")").size();
        }
    }
    slices += with(t.add(), R"("ph":"X")").size();
    CHECK(slices == 20 * 101 + 1);
}

TEST_CASE("an arrow leads from a parent to a child that ended on another thread, whichever comes first") {
    manual_clock clock(0);
    trace t;
    const bool parent_first = GENERATE(true, false), at_once = GENERATE(true, false);
    std::uint32_t there = 0;
    std::vector<std::string> events;
    const auto take = [&] {
        for (std::string& e : t.add()) events.push_back(e);
    };
    {
        std::optional parent(telemetry.task.scope());
        const apm::context here = parent->context();
        clock.advance(nanoseconds(5'000));
        if (parent_first) parent.reset();
        if (parent_first && !at_once) take();
        std::thread([&] {
            there = static_cast<std::uint32_t>(gettid());
            const auto from = apm::attach(here);
            TRACE_SCOPE("child");
            clock.advance(nanoseconds(3'000));
        }).join();
        if (!at_once) take();
        clock.advance(nanoseconds(1'000));
    }
    take();
    const auto begins = with(events, R"("ph":"s")"), ends = with(events, R"("ph":"f")");
    REQUIRE(begins.size() == 1);
    REQUIRE(ends.size() == 1);
    CHECK(begins[0].find(",T,") != std::string::npos);
    CHECK(value(begins[0], "ts") == (parent_first ? "4.999" : "5"));  // within the slice of the parent
    CHECK(value(ends[0], "tid") == std::to_string(there));
    CHECK(value(ends[0], "ts") == "5");
    CHECK(value(ends[0], "bp") == R"("e")");
    for (const char* key : {"id", "cat", "name"}) CHECK(value(begins[0], key) == value(ends[0], key));
    // Once.
    { TRACE_SCOPE("later"); }
    take();
    CHECK(with(events, R"("ph":"s")").size() == 1);
}

TEST_CASE("no arrow within a thread, to a parent elsewhere, or in the next file") {
    trace t;
    {
        const auto from = apm::attach(apm::context{{1, 2}, 3, true, true});
        TRACE_SCOPE("parent");
        { TRACE_SCOPE("child"); }
    }
    CHECK(with(t.add(), "\"bp\"").empty());
    apm::context here;
    {
        const auto parent = telemetry.task.scope();
        here = parent.context();
    }
    t.add();
    t.writer.begin(t.text, {});
    std::thread([&] {
        const auto from = apm::attach(here);
        TRACE_SCOPE("child");
    }).join();
    CHECK(with(t.add(), "\"bp\"").empty());
}

TEST_CASE("what is remembered is bounded, and the latest is there") {
    apm::detail::recent<int, 100> some;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        some.add(i, static_cast<int>(i));
        REQUIRE(some.count() <= 200);
    }
    const auto sum_of = [&](std::uint64_t key) {
        int sum = 0;
        some.each(key, [&](int n) { sum += n; });
        return sum;
    };
    for (std::uint64_t i = 9'900; i < 10'000; ++i) CHECK(sum_of(i) == static_cast<int>(i));
    CHECK(sum_of(9'000) == 0);
    some.add(5, 1), some.add(5, 2);
    CHECK(sum_of(5) == 3);
    some.erase(5);
    CHECK(sum_of(5) == 0);
}

TEST_CASE("slices nest") {
    apm::detail::nesting n;
    CHECK(n.admit({10, 20, 1}));
    CHECK_FALSE(n.admit({15, 25, 2}));   // overlaps
    CHECK(n.admit({20, 25, 2}));         // touches
    CHECK_FALSE(n.admit({22, 25, 9}));   // within one that ended before it: it may overlap what is in there
    CHECK(n.admit({10, 25, 3}));         // around both
    CHECK_FALSE(n.admit({5, 24, 4}));    // asked too late
    CHECK(n.admit({0, 30, 4}));
    CHECK_FALSE(n.admit({29, 31, 5}));
    CHECK(n.admit({30, 30, 5}));         // of no length
    CHECK(n.admit({30, 30, 6}));
    CHECK(n.admit({0, 30, 7}));          // as long as what is in it
}

TEST_CASE("between two children of one parent nothing begins that is around the second") {
    apm::detail::nesting n;
    CHECK(n.admit({10, 20, 1}));
    CHECK(n.admit({30, 40, 1}));
    CHECK_FALSE(n.admit({25, 45, 2}));
    CHECK(n.admit({5, 50, 3}));
    // Of other parents it may.
    CHECK(n.admit({60, 70, 1}));
    CHECK(n.admit({80, 90, 2}));
    CHECK(n.admit({75, 95, 3}));
    // However many they are, what is around them all is a slice, and what overlaps the last of them is none.
    for (std::uint64_t i = 0; i < 10'000; ++i) REQUIRE(n.admit({100 + 10 * i, 105 + 10 * i, i}));
    CHECK_FALSE(n.admit({100 + 99'992, 200'000, 3}));
    CHECK_FALSE(n.admit({103, 200'000, 3}));
    CHECK(n.admit({0, 200'000, 3}));
}
