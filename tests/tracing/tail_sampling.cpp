#include <apm/tracing/tail_sampling.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/spans.hpp>
#include <apm/testing/clock.hpp>
#include <apm/testing/sampling.hpp>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

APM_FIELDS(Numbered, (std::uint64_t, number));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "tail sampling test"};
    span<Numbered, apm::server> request{this, "request", "a local root"};
    span<Numbered>              step   {this, "step", "below it"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

apm::detail::root& process = apm::detail::process_root();

// Nothing is sampled, and tail sampling is on, for a scope. At its end all memory is given back.
class tail_sampled {
public:
    explicit tail_sampled(const apm::tail_rules& rules) : rules_(rules) {
        apm::drain_spans(64 << 20);
        apm::tail_sample(rules_);
    }
    ~tail_sampled() {
        static constexpr apm::tail_rules none;
        apm::tail_sample(none);
        while (!apm::drain_spans().spans.empty()) {}
        CHECK(process.tail_bytes.load() == 0);
        CHECK(process.tail_unread.load() == 0);
    }

private:
    apm::tail_rules rules_;
    apm::testing::sampling unsampled_{apm::parent_based(apm::always_off)};
};

std::string names(const apm::span_batch& all) {
    std::string text;
    for (const auto& s : all.spans) text += (text.empty() ? "" : " ") + std::string(s.name());
    return text;
}
std::string attribute(const apm::span_view& s, std::string_view name) {
    std::string value;
    s.attributes([&](const apm::attribute_view& a) {
        if (a.name() != name) return;
        a.visit([&](const auto& v) {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string_view>) value = v;
        });
    });
    return value;
}

}  // namespace

TEST_CASE("off unless asked for: what is not sampled is not recorded") {
    const apm::testing::sampling none(apm::always_off);
    {
        TRACE_SCOPE(telemetry.request, {.number = 1});
        apm::current_span().status(apm::span_status::error);
        CHECK_FALSE(apm::current_span().recording());
    }
    CHECK(apm::drain_spans().spans.empty());
    CHECK_FALSE(apm::tail_rules{}.any());
}

TEST_CASE("a local root with an error anywhere below it is kept with all that ended below it; others are not") {
    const tail_sampled rules({.errors = true});
    const auto before = apm::count_spans();
    for (std::uint64_t i = 0; i < 10; ++i) {
        TRACE_SCOPE(telemetry.request, {.number = i});
        {
            TRACE_SCOPE(telemetry.step, {.number = i});
            CHECK(apm::current_span().recording());
            CHECK_FALSE(apm::context::current().sampled);
            if (i == 3) apm::current_span().status(apm::span_status::error, "no");
        }
        TRACE_SCOPE(telemetry.step, {.number = i});
        if (i == 7) apm::current_span().status(apm::span_status::error, "no");
    }
    const auto all = apm::drain_spans();
    REQUIRE(names(all) == "step step request step step request");
    for (std::size_t i = 0; i < 6; ++i) {
        const apm::span_view& s = all.spans[i];
        CHECK_FALSE(s.sampled());
        CHECK(s.adjusted_count() == 0);
        CHECK(s.trace() == all.spans[i / 3 * 3].trace());
        CHECK(attribute(s, "apm.tail_sampled") == (i % 3 == 2 ? "error" : ""));
    }
    CHECK(all.spans[0].parent() == all.spans[2].id());
    const auto after = apm::count_spans();
    CHECK(after.started - before.started == 6);
    CHECK(after.unsampled - before.unsampled == 24);
    CHECK(after.dropped() == before.dropped());
}

TEST_CASE("a local root that took longer is kept; the limit itself is not longer") {
    const tail_sampled rules({.slower_than_ns = 1'000'000});
    apm::testing::manual_clock clock(1'000'000'000);
    for (const auto took : {999'999ns, 1'000'000ns, 1'000'001ns}) {
        TRACE_SCOPE(telemetry.request, {.number = static_cast<std::uint64_t>(took.count())});
        {
            TRACE_SCOPE(telemetry.step, {.number = 1});
            apm::current_span().status(apm::span_status::error);  // errors are not asked for
        }
        clock.advance(took);
    }
    const auto all = apm::drain_spans();
    REQUIRE(names(all) == "step request");
    CHECK(all.spans[1].duration() == 1'000'001);
    CHECK(attribute(all.spans[1], "apm.tail_sampled") == "slow");
}

TEST_CASE("what is sampled is not tail sampled; what comes from another process unsampled is") {
    const tail_sampled rules({.errors = true});
    {
        const auto from = apm::attach({{1, 2}, 3, true, true});
        TRACE_SCOPE(telemetry.request, {.number = 1});
    }
    {
        const auto from = apm::attach({{4, 5}, 6, false, true});
        TRACE_SCOPE(telemetry.request, {.number = 2});
        apm::current_span().status(apm::span_status::error);
    }
    const auto all = apm::drain_spans();
    REQUIRE(all.spans.size() == 2);
    const bool first = all.spans[0].sampled();
    CHECK(all.spans[first ? 0 : 1].trace() == apm::trace_id{1, 2});
    const apm::span_view& kept = all.spans[first ? 1 : 0];
    CHECK(kept.trace() == apm::trace_id{4, 5});
    CHECK(kept.parent() == 6);
    CHECK(kept.parent_is_remote());
}

TEST_CASE("work that was handed to another thread belongs to its local root") {
    const tail_sampled rules({.errors = true});
    std::optional<apm::context> here;
    {
        TRACE_SCOPE(telemetry.request, {.number = 1});
        here = apm::context::current();
        std::thread([&] {
            const auto attached = apm::attach(*here);
            TRACE_SCOPE(telemetry.step, {.number = 1});
            apm::current_span().status(apm::span_status::error);
        }).join();
        std::thread(apm::wrap([] { TRACE_SCOPE(telemetry.step, {.number = 2}); })).join();
    }
    CHECK(names(apm::drain_spans()) == "step step request");
    // What begins later is kept as its local root was.
    {
        const auto attached = apm::attach(*here);
        TRACE_SCOPE(telemetry.step, {.number = 3});
    }
    const auto late_ones = apm::drain_spans();
    CHECK(names(late_ones) == "step");
    CHECK_FALSE(late_ones.spans.at(0).sampled());
    {
        TRACE_SCOPE(telemetry.request, {.number = 4});
        here = apm::context::current();
    }
    {
        const auto attached = apm::attach(*here);
        TRACE_SCOPE(telemetry.step, {.number = 5});
        apm::current_span().status(apm::span_status::error);  // too late
    }
    CHECK(apm::drain_spans().spans.empty());
    here.reset();
}

TEST_CASE("what is buffered stays within its bytes; what has no room is counted, and the rest is kept") {
    const tail_sampled rules({.errors = true, .bytes = 8'192});
    const auto before = apm::count_spans();
    {
        TRACE_SCOPE(telemetry.request, {.number = 1});
        for (std::uint64_t i = 0; i < 200; ++i) {
            TRACE_SCOPE(telemetry.step, {.number = i});
            CHECK(process.tail_bytes.load() <= 8'192);
        }
        apm::current_span().status(apm::span_status::error);
    }
    const auto all = apm::drain_spans();
    const auto after = apm::count_spans();
    CHECK(all.spans.size() > 30);
    CHECK(all.spans.size() < 201);
    CHECK(after.started - before.started == 201);
    CHECK(after.dropped_full - before.dropped_full == 201 - all.spans.size());
    CHECK(after.drained - before.drained == all.spans.size());
}

TEST_CASE("more than one batch takes at once is read in several") {
    const tail_sampled rules({.errors = true});
    {
        TRACE_SCOPE(telemetry.request, {.number = 0});
        for (std::uint64_t i = 0; i < 2'000; ++i) { TRACE_SCOPE(telemetry.step, {.number = i}); }
        apm::current_span().status(apm::span_status::error);
    }
    std::size_t spans = 0, batches = 0;
    for (bool more = true; more; ++batches) {
        const auto b = apm::drain_spans(20'000);
        CHECK(b.size <= 20'000);
        spans += b.spans.size();
        more = b.more;
    }
    CHECK(spans == 2'001);
    CHECK(batches > 5);
}

TEST_CASE("a forked child has its own decisions, and none of its parent's spans") {
    const tail_sampled rules({.errors = true});
    {
        TRACE_SCOPE(telemetry.request, {.number = 1});
        apm::current_span().status(apm::span_status::error);
    }
    TRACE_SCOPE(telemetry.request, {.number = 2});
    { TRACE_SCOPE(telemetry.step, {.number = 2}); }
    const pid_t child = fork();
    if (child == 0) {
        int wrong = 0;
        { TRACE_SCOPE(telemetry.step, {.number = 3}); }  // below what the parent process began
        {
            const auto alone = apm::attach(apm::context{});
            TRACE_SCOPE(telemetry.request, {.number = 4});
            apm::current_span().status(apm::span_status::error);
        }
        const auto all = apm::drain_spans();
        wrong += all.spans.size() != 1 || attribute(all.spans[0], "apm.tail_sampled") != "error";
        // Its account is its own, whatever waited or lay there unread at the fork.
        wrong += process.tail_bytes.load() != 0 || process.tail_unread.load() != 0 || apm::detail::bytes_to_drain() != 0;
        _exit(wrong);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(names(apm::drain_spans()) == "request");
}

TEST_CASE("under load, every local root with an error is kept, whole, and nothing else") {
    static constexpr std::size_t threads = 8;
    const std::size_t requests = repeat(20'000);
    static constexpr std::uint64_t bytes = 8 << 20;
    const tail_sampled rules({.errors = true, .bytes = bytes});
    const auto before = apm::count_spans();
    std::map<std::uint64_t, std::uint64_t> seen;  // number: spans
    std::uint64_t most = 0, wrong = 0;
    const auto read = [&] {
        most = std::max(most, process.tail_bytes.load());
        const apm::span_batch all = apm::drain_spans();
        for (const auto& s : all.spans) {
            s.attributes([&](const apm::attribute_view& a) {
                if (a.name() == "number")
                    a.visit([&](const auto& v) {
                        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::int64_t>) ++seen[static_cast<std::uint64_t>(v)];
                    });
            });
            wrong += s.sampled();
        }
        return !all.spans.empty();
    };
    {
        meanwhile reading(read);
        in_threads(threads, [&](std::size_t thread) {
            for (std::size_t i = 0; i < requests; ++i) {
                const std::uint64_t number = thread * requests + i;
                const bool fails = number % 10 == 0;
                TRACE_SCOPE(telemetry.request, {.number = number});
                for (std::uint64_t steps = number % 5; steps > 0; --steps) {
                    TRACE_SCOPE(telemetry.step, {.number = number});
                    if (fails && steps == 1) apm::current_span().status(apm::span_status::error);
                }
                if (fails && number % 5 == 0) apm::current_span().status(apm::span_status::error);
            }
        });
    }
    while (read()) {}
    CHECK(wrong == 0);
    CHECK(most <= bytes);
    std::uint64_t failed = 0;
    for (std::uint64_t number = 0; number < threads * requests; number += 10) {
        ++failed;
        if (seen[number] != 1 + number % 5) FAIL(number << " has " << seen[number] << " spans");
    }
    CHECK(seen.size() == failed);
    const auto after = apm::count_spans();
    CHECK(after.dropped() == before.dropped());
    CHECK(after.started - before.started == after.drained - before.drained);
    const std::uint64_t begun = threads * requests * 3;  // 1 to 5 for each: 3 on average
    CHECK(after.started - before.started + after.unsampled - before.unsampled == begun);
}
