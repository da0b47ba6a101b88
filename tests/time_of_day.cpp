// ctest: LABELS slow plain
// Half a minute of spans, drained at random moments: their times are those of CLOCK_REALTIME, and what lay within something else
// does to the nanosecond. Once by the CPU's time stamp counter and once by CLOCK_MONOTONIC, in two processes side by side.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"

namespace {

using apm::detail::process_root;

APM_FIELDS(Moment, (std::uint64_t, now));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "time of day"};
    span<apm::no_attributes> outer{this, "outer", "Has children"};
    span<Moment>             inner{this, "inner", "Knows when it was"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

struct interval { std::uint64_t start, end; };

struct findings {
    std::vector<double> wrong;  // ns
    std::size_t spans = 0, outside = 0, backwards = 0, children = 0;
    std::uint64_t last_start = 0;
    std::unordered_map<std::uint64_t, std::vector<interval>> waiting;  // children, by their parent

    void take(const apm::span_view& s) {
        ++spans;
        if (const auto found = waiting.find(s.id()); found != waiting.end()) {
            for (const interval& child : found->second) outside += child.start < s.start() || child.end > s.end(), ++children;
            waiting.erase(found);
        }
        if (s.parent()) waiting[s.parent()].push_back({s.start(), s.end()});
        if (&s.row() != &telemetry.inner) return;
        backwards += s.start() < last_start;
        last_start = s.start();
        s.attributes([&](const apm::attribute_view& a) {
            a.visit([&](const auto& now) {
                if constexpr (std::same_as<std::remove_cvref_t<decltype(now)>, std::int64_t>) {
                    // It was read within the span. Where the thread was put aside in between, nothing is known.
                    if (s.duration() > 20'000) return;
                    const auto start = static_cast<double>(static_cast<std::int64_t>(s.start()) - now);
                    const auto end = static_cast<double>(static_cast<std::int64_t>(s.end()) - now);
                    wrong.push_back(std::max({start, -end, 0.0}));
                }
            });
        });
    }
};

std::uint64_t now() { return apm::detail::realtime_ns(); }

// The attributes of a TRACE_SCOPE are evaluated when it has begun; those of row.scope() before.
void look_at_the_time() { TRACE_SCOPE(telemetry.inner, {.now = now()}); }

void live(apm::detail::clock_source source, std::chrono::seconds length) {
    if (source == apm::detail::monotonic) process_root().clock.store(source);
    process_root().ring_bytes.store(1 << 20);  // the longest pause between two drains fills the default one
    findings found;
    std::mt19937 random{std::random_device{}()};
    const auto within = [&](int from, int to) {
        return std::chrono::microseconds(std::uniform_int_distribution<int>(from, to)(random));
    };
    const auto begin = std::chrono::steady_clock::now();
    auto drain_at = begin;
    std::size_t drains = 0;
    const auto drain = [&] {
        const apm::span_batch batch = apm::drain_spans();
        for (const apm::span_view& s : batch.spans) found.take(s);
        ++drains;
        return !batch.spans.empty();
    };
    while (std::chrono::steady_clock::now() - begin < length) {
        {
            const auto outer = telemetry.outer.scope();
            look_at_the_time();
            for (int i = 0; i < 2; ++i) {
                std::this_thread::sleep_for(within(0, 12'000));
                if (i == 0 && random() % 50 == 0) drain();  // while there is something open
                look_at_the_time();
            }
        }
        if (std::chrono::steady_clock::now() < drain_at) continue;
        drain();
        drain_at = std::chrono::steady_clock::now() + within(100'000, random() % 4 ? 400'000 : 5'000'000);
    }
    while (drain()) {}
    const apm::span_totals totals = apm::count_spans();
    CHECK(totals.dropped() == 0);
    CHECK(totals.clock_steps == 0);
    CHECK(found.spans == totals.started);
    CHECK(found.children > 0);
    CHECK(found.waiting.empty());
    CHECK(found.outside == 0);
    CHECK(found.backwards == 0);
    REQUIRE(found.wrong.size() > found.spans / 3);
    std::sort(found.wrong.begin(), found.wrong.end());
    const auto share = [&](double x) {
        return found.wrong[static_cast<std::size_t>(x * static_cast<double>(found.wrong.size() - 1))];
    };
    CHECK(share(0.999) < 50'000);
    if (std::getenv("APM_TEST_VERBOSE"))
        WARN(found.spans << " spans in " << drains << " drains, off by " << share(0.5) << " ns (half), " << share(0.999)
                         << " ns (p99.9), " << share(1) << " ns (all)");
}

pid_t run(const char* tag) {
    std::string program = "/proc/self/exe", test = tag;
    char* arguments[] = {program.data(), test.data(), nullptr};
    pid_t child = -1;
    REQUIRE(posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) == 0);
    return child;
}
int result_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

}  // namespace

// Hidden: run by the last one.
TEST_CASE("half a minute by the time stamp counter", "[.counter]") { live(apm::detail::undecided, std::chrono::seconds(25)); }
TEST_CASE("half a minute by the monotonic clock", "[.monotonic]") { live(apm::detail::monotonic, std::chrono::seconds(25)); }

TEST_CASE("over half a minute, spans tell the time of day by either clock") {
    const pid_t counter = run("[.counter]"), monotonic = run("[.monotonic]");
    CHECK(result_of(counter) == 0);
    CHECK(result_of(monotonic) == 0);
}
