// The runtime as a whole. (Its parts: runtime/*.cpp; its endpoint for Prometheus: runtime/page.cpp.)
#include <apm/runtime.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>

#include <apm/backend/memory.hpp>

#include "catch.hpp"
#include "runtime/support.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using runtime = apm::basic_runtime<apm::mode::on>;  // whatever this build does otherwise

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.runtime"};

    counter<> hits{this, "hits", "Hits"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// Who waits for the end of an export does so for longer than we do.
apm::runtime_options quiet() { return {.service = {.name = "test"}, .metrics_exporter = "none", .shutdown_timeout = 2 * patience}; }

std::uint64_t hits(const apm::snapshot& s) {
    for (const apm::family& f : s.families)
        if (f.row->hash == telemetry.hits.hash) return f.series.at(0).total();
    return 0;
}
// Of the last snapshot kept.
std::uint64_t hits(const apm::memory& m) {
    std::uint64_t n = 0;
    m.each([&](const apm::snapshot& s) { n = hits(s); });
    return n;
}

// A back end that does as it is told.
struct obedient {
    std::string called = "mine";
    apm::error at_start = {}, at_export = {}, at_stop = {};
    std::atomic<int> starts = 0, exports = 0, stops = 0;
    std::promise<void> go = {};
    std::shared_future<void> hang = {};  // exports wait for it, where it is one

    std::string_view name() const { return called; }
    std::chrono::milliseconds interval() const { return 1h; }
    apm::error start(const apm::resource&) { return ++starts, at_start; }
    apm::error stop(apm::deadline) { return ++stops, at_stop; }
    apm::error export_metrics(apm::snapshot&, apm::deadline) {
        ++exports;
        if (hang.valid()) hang.wait();
        return at_export;
    }
};
// One that is asked, such as a server.
struct pulling {
    int stops = 0;
    std::string_view name() const { return "pulling"; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return ++stops, apm::error{}; }
};

const char* heard = nullptr;

}  // namespace

TEST_CASE("a runtime tells its back ends who speaks, and hands them what was recorded, at the end too") {
    const environment e{{"OTEL_RESOURCE_ATTRIBUTES", "zone=b"}};
    const reported said;
    apm::memory memory;
    {
        runtime r(quiet(), memory);
        CHECK(r.running());
        CHECK(apm::enabled<apm::mode::on>());
        telemetry.hits.add<apm::mode::on>(2);
        CHECK(r.flush(patience));
        CHECK(memory.size() == 1);
        CHECK(hits(memory) == 2);
        telemetry.hits.add<apm::mode::on>(1);
    }
    CHECK(memory.size() == 2);
    CHECK(hits(memory) == 3);
    const auto who = memory.who().attributes;
    CHECK(who.at(0) == std::pair<std::string, apm::resource_value>{"service.name", "test"});
    CHECK(std::find(who.begin(), who.end(), std::pair<std::string, apm::resource_value>{"zone", "b"}) != who.end());
    CHECK(said.take().empty());
}

TEST_CASE("a second runtime says so and does nothing while the first one lives") {
    const environment e;
    const reported said;
    apm::memory memory;
    {
        runtime first(quiet());
        apm::runtime_options o = quiet();
        o.on_error = [](const char* line) { heard = line; };
        o.service.name = "other";
        runtime second(o, memory);
        CHECK(first.running());
        CHECK_FALSE(second.running());
        CHECK(second.flush(patience));
        CHECK(said.take() == lines{"a second apm::runtime (service \"other\") does nothing while the first one lives; one "
                                   "program needs one"});
        CHECK(heard == nullptr);  // not even its handler is used
    }
    CHECK(memory.size() == 0);
    CHECK(memory.who().attributes.empty());

    runtime third(quiet(), memory);
    CHECK(third.running());
    CHECK(third.flush(patience));
    CHECK(memory.size() == 1);
    CHECK(said.take().empty());
}

TEST_CASE("switched off by the environment, nothing runs and recording is safe") {
    const reported said;
    for (const auto& variable : {std::pair{"OTEL_SDK_DISABLED", "true"}, std::pair{"APM_ENABLED", "false"}}) {
        const environment e{variable};
        obedient b;
        runtime r({}, b);
        CHECK_FALSE(r.running());
        CHECK_FALSE(apm::enabled<apm::mode::on>());
        CHECK(r.prometheus_port() == 0);
        CHECK(r.flush(patience));
        CHECK(b.starts == 0);
        CHECK(threads_become(threads_at_start));
        telemetry.hits.add<apm::mode::on>(1);
    }
    CHECK(said.take().empty());
    const environment e;
    runtime again(quiet());
    CHECK(again.running());
    CHECK(apm::enabled<apm::mode::on>());
}

TEST_CASE("where only pull back ends run there is no thread, else there is one") {
    const environment e;
    pulling p;
    {
        runtime r(quiet(), p);
        CHECK(threads_become(threads_at_start));
        CHECK(r.flush(patience));
    }
    CHECK(p.stops == 1);
    obedient a, b;
    {
        runtime r(quiet(), p, a, b);
        CHECK(threads_become(threads_at_start + 1));
    }
    CHECK(threads_become(threads_at_start));
    CHECK((a.exports == 1 && a.stops == 1 && b.exports == 1 && b.stops == 1));
}

TEST_CASE("a back end that cannot start is one line, is not used, and the others run") {
    const environment e;
    const reported said;
    obedient broken{.called = "broken", .at_start = "port 9464 is taken; set another"}, fine;
    {
        runtime r(quiet(), broken, fine);
        CHECK(r.running());
        CHECK(said.take() == lines{"broken: port 9464 is taken; set another"});
        CHECK(r.flush(patience));
    }
    CHECK((broken.starts == 1 && broken.exports == 0 && broken.stops == 0));
    CHECK((fine.starts == 1 && fine.exports == 2 && fine.stops == 1));
}

namespace {
struct throwing {
    bool name_too;
    std::string_view name() const { return name_too ? throw std::runtime_error("no name") : "mine"; }
    std::chrono::milliseconds interval() const { throw std::runtime_error("never"); }
    apm::error start(const apm::resource&) { throw 1; }
    apm::error stop(apm::deadline) { return {}; }
    apm::error export_metrics(apm::snapshot&, apm::deadline) { return {}; }
};
}  // namespace

TEST_CASE("a back end that throws costs neither the program nor the next runtime") {
    const environment e;
    const reported said;
    for (const bool name_too : {false, true}) {
        throwing b{name_too};
        runtime r(quiet(), b);
        CHECK(r.running());
        const std::string name = name_too ? "a back end without a name" : "mine";
        CHECK(said.take() == lines{name + ": interval() threw: never; taken as a minute", name + ": threw"});
    }
    runtime next(quiet());
    CHECK(next.running());
}

TEST_CASE("options may be filled in one after the other") {
    const environment e;
    apm::memory memory;
    apm::runtime_options o = quiet();
    o.resource = {{"team", "payments"}, {"tier", "1"}};
    runtime r(o, memory);
    CHECK(std::find(memory.who().attributes.begin(), memory.who().attributes.end(),
                    std::pair<std::string, apm::resource_value>{"team", "payments"}) != memory.who().attributes.end());
}

TEST_CASE("an error of a back end is one line, however often it comes") {
    const environment e;
    const reported said;
    {
        obedient b{.at_export = "refused", .at_stop = "not all sent"};
        runtime r(quiet(), b);
        CHECK_FALSE(r.flush(patience));
    }
    CHECK(said.take() == lines{"mine: refused", "mine: not all sent"});
}

TEST_CASE("a back end that hangs holds up neither flush nor the end beyond their deadlines") {
    const environment e;
    const reported said;
    static obedient& stuck = *new obedient;  // what hangs in it may never come out, so it stays
    stuck.hang = stuck.go.get_future().share();
    obedient other;
    auto start = clock_type::now();
    {
        apm::runtime_options o = quiet();
        o.shutdown_timeout = 100ms;
        runtime r(o, stuck, other);
        CHECK_FALSE(r.flush(100ms));
        REQUIRE(soon([] { return stuck.exports == 1; }));
        CHECK(clock_type::now() - start < patience / 2);
        start = clock_type::now();
    }
    CHECK(clock_type::now() - start >= 100ms);
    CHECK(clock_type::now() - start < patience / 2);
    CHECK(said.take() == lines{"the last export was not done within 100 ms; what was not sent is lost"});
    CHECK(stuck.stops == 0);  // never called while it is in its export
    CHECK(other.stops == 1);

    runtime next(quiet());
    CHECK(next.running());
    stuck.go.set_value();
}

TEST_CASE("deadlines that no clock can add are deadlines") {
    const environment e;
    obedient b;
    apm::runtime_options o = quiet();
    o.shutdown_timeout = std::chrono::milliseconds::max();
    runtime r(o, b);
    CHECK(r.flush(std::chrono::milliseconds::max()));
    CHECK(b.exports == 1);
}

TEST_CASE("lines go to the handler of the options, to standard error without one") {
    const environment e{{"APM_SERVICE_NAM", "x"}};
    apm::runtime_options o = quiet();
    o.on_error = reported::keep;
    {
        runtime r(o);
        CHECK(reported::take() == lines{"unknown setting APM_SERVICE_NAM; did you mean APM_SERVICE_NAME?"});
    }
    apm::on_error(nullptr);

    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int error = dup(2);
    dup2(ends[1], 2);
    { runtime r(quiet()); }
    dup2(error, 2);
    close(error), close(ends[1]);
    char text[200];
    const auto n = read(ends[0], text, sizeof text);
    close(ends[0]);
    CHECK(std::string_view(text, n > 0 ? static_cast<std::size_t>(n) : 0) ==
          "apm: unknown setting APM_SERVICE_NAM; did you mean APM_SERVICE_NAME?\n");
}

TEST_CASE("the limit of bytes per thread reaches the store") {
    const environment e{{"APM_BYTES_PER_THREAD", "123456"}};
    runtime r(quiet());
    CHECK(apm::detail::process_root().thread_bytes.load() == 123456);
    apm::detail::process_root().thread_bytes.store(0);
}

namespace {

// What it sends is not known: that throws.
struct undecided {
    int stops = 0;
    std::string_view name() const { return "undecided"; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return ++stops, apm::error{}; }
    bool sends_spans() const { throw std::runtime_error("no idea"); }
    bool sends_metrics() const { return true; }
};

}  // namespace

TEST_CASE("a back end that cannot say what it sends is stopped, and the others run") {
    const reported said;
    undecided first;
    obedient second;
    {
        const runtime r(quiet(), first, second);
        CHECK(r.running());
        CHECK(second.starts == 1);
    }
    CHECK(first.stops == 1);
    CHECK(second.stops == 1);
    CHECK(said.take() == lines{"undecided: threw: no idea"});
}

#if APM_BACKEND_FILE
TEST_CASE("a file back end that does not run has no path") {
    const reported said;
    apm::runtime_options o = quiet();
    o.traces_exporter = "file";
    o.file.directory = "/nowhere/at/all";
    const runtime r(o);
    CHECK(r.running());
    CHECK(r.trace_path().empty());
    CHECK(said.take().size() == 1);
}
#endif

TEST_CASE("a program that never destroys its runtime exits all the same") {
    if (!can_fork) return;
    const environment e;
    CHECK(in_child([] {
              static obedient b;
              new runtime(quiet(), b);
              exit(b.starts == 1 ? 0 : 1);
              return 2;
          }) == 0);
}

TEST_CASE("a forked child records, exports once when it ends, and does not wait for a thread it does not have") {
    if (!can_fork) return;
    const environment e;
    apm::memory memory;
    telemetry.hits.add<apm::mode::on>(1000);
    std::optional<runtime> r(std::in_place, quiet(), memory);
    REQUIRE(r->flush(patience));
    CHECK(in_child([&] {
              if (memory.size() != 1) return 1;
              telemetry.hits.add<apm::mode::on>(5);
              if (!r->flush(patience)) return 2;
              if (hits(memory) != 5) return 3;  // from zero, since the fork
              telemetry.hits.add<apm::mode::on>(2);
              r.reset();
              return memory.size() == 3 && hits(memory) == 7 ? 0 : 4;
          }) == 0);
    CHECK(memory.size() == 1);
    CHECK(r->flush(patience));
    CHECK(hits(memory) >= 1000);
}

TEST_CASE("a child that was forked in the middle of an export does not touch that back end") {
    if (!can_fork) return;
    const environment e;
    obedient b;
    b.hang = b.go.get_future().share();
    std::optional<runtime> r(std::in_place, quiet(), b);
    CHECK_FALSE(r->flush(50ms));
    REQUIRE(soon([&] { return b.exports == 1; }));
    CHECK(in_child([&] { return r.reset(), b.exports == 1 && b.stops == 0 ? 0 : 1; }) == 0);
    b.go.set_value();
}

TEST_CASE("a runtime of a child's own takes over from the one it inherited") {
    if (!can_fork) return;
    const environment e;
    apm::memory parents, childs;
    std::optional<runtime> r(std::in_place, quiet(), parents);
    CHECK(in_child([&] {
              {
                  runtime own(quiet(), childs);
                  if (!own.running() || threads() != 2) return 1;
                  telemetry.hits.add<apm::mode::on>(3);
                  if (!own.flush(patience) || hits(childs) != 3) return 2;
                  runtime second(quiet());
                  if (second.running()) return 3;
                  r.reset();
                  if (parents.size() != 0) return 4;  // whoever has its own does not export twice
              }
              return childs.size() == 2 ? 0 : 5;
          }) == 0);
    CHECK(r->running());
}

TEST_CASE("the runtime of a build or a file without APM is nothing") {
    obedient b;
    apm::basic_runtime<apm::mode::off> r({.service = {.name = "off"}}, b);
    CHECK_FALSE(r.running());
    CHECK(r.flush(patience));
    CHECK(r.prometheus_port() == 0);
    CHECK(b.starts == 0);
    STATIC_REQUIRE(sizeof r == 1);
}
