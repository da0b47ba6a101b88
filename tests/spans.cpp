#include <apm/spans.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using apm::detail::open_span;
using apm::detail::process_root;
using apm::detail::ring;
using apm::detail::thread_state;

APM_FIELDS(Step, (std::uint64_t, n), (std::optional<std::string_view>, text));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "spans test"};
    span<Step>               step {this, "step", "One step"};
    span<apm::no_attributes> plain{this, "plain", "Without attributes"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

using step_span = decltype(telemetry.step.start({.n = 1}));

std::size_t drain_all() {
    std::size_t n = 0;
    for (;;) {
        const apm::span_batch batch = apm::drain_spans();
        n += batch.spans.size();
        if (batch.spans.empty()) return n;
    }
}
std::uint64_t number_of(const apm::span_view& s) {
    std::uint64_t n = 0;
    s.attributes([&](const apm::attribute_view& a) {
        a.visit([&](const auto& v) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(v)>, std::int64_t>) n = static_cast<std::uint64_t>(v);
        });
    });
    return n;
}

// What each thread's part of the store says.
template <class F>
void each_thread(F&& f) {
    apm::detail::store* s = apm::detail::find_or_make(apm::detail::all_threads);
    for (auto* b = s->blocks.pointer_acquire<apm::detail::block>(); b; b = b->next) f(*b, apm::detail::state_in(*b));
}
std::size_t resident_kib() {
    std::FILE* f = std::fopen("/proc/self/status", "r");
    char line[256];
    std::size_t kib = 0;
    while (std::fgets(line, sizeof line, f))
        if (std::sscanf(line, "VmRSS: %zu", &kib) == 1) break;
    std::fclose(f);
    return kib;
}
// Pages of rings without an owner that are memory, not only addresses.
std::size_t idle_ring_pages() {
    std::size_t pages = 0;
    each_thread([&](apm::detail::block& b, thread_state& t) {
        char* const memory = t.records.memory.pointer<char>();
        if (!memory || b.owned.load()) return;
        std::vector<unsigned char> there((t.records.mask.load() + 1) / 4096);
        REQUIRE(mincore(memory, t.records.mask.load() + 1, there.data()) == 0);
        for (const unsigned char page : there) pages += page & 1u;
    });
    return pages;
}

// Threads that are alive at once: each does its work when told, and stays until told to leave.
class crowd {
public:
    template <class F>
    crowd(std::size_t n, F f) {
        for (std::size_t i = 0; i < n; ++i)
            threads_.emplace_back([this, i, f] {
                ++there_;
                stage_.wait(0);
                f(i);
                ++done_;
                while (stage_ != 2) stage_.wait(1);
            });
        while (there_ < n) std::this_thread::yield();
    }
    void work() {
        stage_ = 1;
        stage_.notify_all();
        while (done_ < threads_.size()) std::this_thread::yield();
    }
    void leave() {
        stage_ = 2;
        stage_.notify_all();
        for (std::thread& t : threads_) t.join();
    }

private:
    std::atomic<int> stage_{0};
    std::atomic<std::size_t> there_{0}, done_{0};
    std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("draining in small pieces loses nothing, keeps the order of each thread, and gives every thread its turn") {
    drain_all();
    constexpr std::size_t threads = 5, each = 300;
    crowd all_at_once(threads, [](std::size_t thread) {
        for (std::size_t i = 0; i < each; ++i)
            const auto s = telemetry.step.scope({.n = thread * 1000 + i, .text = std::string_view("0123456789").substr(i % 10)});
    });
    all_at_once.work();
    all_at_once.leave();
    std::map<std::uint64_t, std::uint64_t> next;
    std::size_t all = 0, turns = 0;
    bool more = true;
    while (more) {
        const apm::span_batch batch = apm::drain_spans(1);
        more = batch.more;
        REQUIRE_FALSE(batch.spans.empty());
        for (const apm::span_view& s : batch.spans) {
            const std::uint64_t thread = number_of(s) / 1000;
            REQUIRE(number_of(s) % 1000 == next[thread]++);
            ++all;
        }
        if (++turns == threads) CHECK(next.size() == threads);
    }
    CHECK(turns > threads);
    CHECK(all == threads * each);
    CHECK(apm::drain_spans().spans.empty());
}

TEST_CASE("the exporting thread is woken when a ring is half full, once") {
    drain_all();
    const auto woken = [] { return process_root().wake.load(); };
    const auto half = ring::default_bytes / 2 / (sizeof(apm::span_record));
    for (int turn = 0; turn < 3; ++turn) {
        const std::uint64_t before = woken();
        std::uint64_t at_half = 0;
        for (std::uint64_t i = 0; i < half + 100; ++i) {
            { const auto s = telemetry.plain.scope(); }
            if (i == half - 2) at_half = woken();
        }
        CHECK(at_half == before);
        CHECK(woken() == before + 1);
        CHECK(drain_all() == half + 100);
    }
}

TEST_CASE("a full ring rejects the newest, exactly counted") {
    drain_all();
    const apm::span_totals before = apm::count_spans();
    const std::uint64_t fit = ring::default_bytes / sizeof(apm::span_record);
    std::set<std::uint64_t> first;
    for (std::uint64_t i = 0; i < fit + 50; ++i) {
        const auto s = telemetry.plain.scope();
        if (i < fit) first.insert(s.context().span);
    }
    CHECK(apm::count_spans().dropped_full - before.dropped_full == 50);
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == fit);
    for (const apm::span_view& s : batch.spans) CHECK(first.count(s.id()) == 1);
    CHECK(apm::count_spans().drained - before.drained == fit);
}

TEST_CASE("rings beyond the limit of all: counted, and recorded again when there is room") {
    drain_all();
    apm::detail::root& r = process_root();
    crowd threads(20, [](std::size_t) {
        for (int i = 0; i < 7; ++i) const auto s = telemetry.plain.scope();
    });
    std::uint64_t without = 20;  // rings of threads that ended are there for these
    each_thread([&](apm::detail::block& b, thread_state& t) { without -= t.records.memory.load() && !b.owned.load() ? 1u : 0u; });
    if (without > 20) without = 0;
    r.ring_limit.store(r.ring_held.load() + (without ? ring::default_bytes : 0));
    const apm::span_totals before = apm::count_spans();
    threads.work();
    const std::uint64_t rejected = without ? without - 1 : 0;
    CHECK(r.ring_held.load() <= r.ring_limit.load());
    threads.leave();
    r.ring_limit.store(0);
    const apm::span_totals after = apm::count_spans();
    CHECK(after.dropped_memory - before.dropped_memory == rejected * 7);
    CHECK(after.started - before.started == 140);
    CHECK(drain_all() == 140 - rejected * 7);
    std::thread([] { const auto s = telemetry.plain.scope(); }).join();
    CHECK(drain_all() == 1);
}

TEST_CASE("thousands of threads at once trace, each for a few pages") {
    drain_all();
    const std::size_t count = repeat(4000);
    crowd threads(count, [](std::size_t i) {
        for (std::uint64_t n = 0; n < 4; ++n) const auto s = telemetry.step.scope({.n = i * 4 + n});
    });
    const std::size_t before = resident_kib();
    threads.work();
    const std::size_t after = resident_kib();
    std::set<std::uint64_t> numbers, ids;
    for (apm::span_batch batch = apm::drain_spans(); !batch.spans.empty(); batch = apm::drain_spans())
        for (const apm::span_view& s : batch.spans) numbers.insert(number_of(s)), ids.insert(s.id());
    CHECK(numbers.size() == 4 * count);
    CHECK(ids.size() == 4 * count);
    CHECK(*numbers.rbegin() == 4 * count - 1);
    const double each = static_cast<double>(after - before) / static_cast<double>(count);
    if (std::getenv("APM_TEST_VERBOSE")) WARN("a thread costs " << each << " KiB");
#ifndef APM_TEST_SANITIZED
    CHECK(each < 16);
#endif
    threads.leave();
    drain_all();
    CHECK(idle_ring_pages() == 0);
}

TEST_CASE("threads that come and go use the same ring, and what they recorded stays until it is drained") {
    drain_all();
    std::thread([] { const auto s = telemetry.plain.scope(); }).join();
    drain_all();
    const std::uint64_t held = process_root().ring_held.load(), bytes = process_root().bytes.load();
    const std::size_t count = repeat(2000);
    for (std::size_t i = 0; i < count; ++i) {
        std::thread([i] { const auto s = telemetry.step.scope({.n = i}); }).join();
        if (i % 100 == 99) CHECK(drain_all() == 100);
    }
    CHECK(drain_all() == count % 100);
    CHECK(process_root().ring_held.load() == held);
    CHECK(process_root().bytes.load() == bytes);
    drain_all();
    CHECK(idle_ring_pages() == 0);
    std::thread([] { const auto s = telemetry.step.scope({.n = 77}); }).join();  // in pages that were given back
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 1);
    CHECK(number_of(batch.spans[0]) == 77);
}

TEST_CASE("threads come and go while rings are drained and pages given back") {
    drain_all();
    const std::uint64_t dropped = apm::count_spans().dropped();
    std::atomic<std::uint64_t> drained{0};
    {
        meanwhile draining([&] { drained += apm::drain_spans().spans.size(); });
        in_threads(4, [](std::size_t) {
            for (std::size_t i = 0; i < repeat(2000); ++i)
                std::thread([i] {
                    for (std::size_t n = 0; n <= i % 3; ++n) const auto s = telemetry.step.scope({.n = i});
                }).join();
        });
    }
    drained += drain_all();
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < repeat(2000); ++i) expected += 4 * (i % 3 + 1);
    CHECK(drained + apm::count_spans().dropped() - dropped == expected);
    CHECK(drained > 0);
}

TEST_CASE("a scope that another thread ends leaves the stack of the thread that began it in order") {
    drain_all();
    std::uint64_t outer_id = 0, ended_id = 0;
    {
        const auto outer = telemetry.step.scope({.n = 1});
        outer_id = outer.context().span;
        auto inner = telemetry.step.scope({.n = 2});
        ended_id = inner.context().span;
        std::thread([moved = std::move(inner)]() mutable { moved.end(); }).join();
        CHECK(apm::context::current().span == outer_id);
        const auto next = telemetry.step.scope({.n = 3});
        CHECK(apm::context::current().span == next.context().span);
    }
    CHECK_FALSE(apm::context::current().valid());
    std::map<std::uint64_t, std::uint64_t> parents;
    std::set<std::uint32_t> threads;
    const apm::span_batch batch = apm::drain_spans();
    for (const apm::span_view& s : batch.spans) parents[number_of(s)] = s.parent(), threads.insert(s.thread());
    CHECK(parents == std::map<std::uint64_t, std::uint64_t>{{1, 0}, {2, outer_id}, {3, outer_id}});
    CHECK(threads.size() == 2);
    CHECK(ended_id != 0);
}

TEST_CASE("scopes are ended by other threads while their own goes on") {
    drain_all();
    const apm::span_totals before = apm::count_spans();
    const std::uint64_t bytes = process_root().bytes.load();
    using scope = decltype(telemetry.step.scope({.n = 1}));
    std::atomic<scope*> handed{nullptr};
    std::atomic<bool> done{false};
    std::uint64_t drained = 0, begun = 0;
    std::thread other([&] {
        while (!done)
            if (scope* s = handed.exchange(nullptr)) delete s;
    });
    for (std::size_t i = 0; i < repeat(100'000); ++i, ++begun) {
        auto* s = new scope(telemetry.step.scope({.n = i}));
        if (scope* still = handed.exchange(s)) delete still;
        { const auto child = telemetry.step.scope({.n = i}); ++begun; }
        if (i % 100 == 0) drained += drain_all();
    }
    done = true;
    other.join();
    if (scope* still = handed.exchange(nullptr)) delete still;
    CHECK_FALSE(apm::context::current().valid());
    drained += drain_all();
    const apm::span_totals after = apm::count_spans();
    CHECK(after.started - before.started == begun);
    CHECK(drained + after.dropped() - before.dropped() == begun);
    CHECK(process_root().bytes.load() < bytes + 1024 * 1024);
}

TEST_CASE("a thread that ends with spans open leaves them to their owners, and nothing of them to the next thread") {
    drain_all();
    const std::uint64_t bytes = process_root().bytes.load();
    using scope = decltype(telemetry.step.scope({.n = 1}));
    std::size_t roots = 0, all = 0;
    const std::size_t count = repeat(2000) + 100;
    for (std::size_t i = 0; i < count; ++i) {
        std::unique_ptr<scope> outer, inner;
        std::thread([&] {
            CHECK_FALSE(apm::context::current().valid());
            outer = std::make_unique<scope>(telemetry.step.scope({.n = 1}));
            inner = std::make_unique<scope>(telemetry.step.scope({.n = 2}));
        }).join();
        if (i % 2) outer.reset();  // ended before another thread takes over, or after
        std::thread([] {
            const auto s = telemetry.step.scope({.n = 3});
            CHECK(apm::context::current() == s.context());
        }).join();
        outer.reset(), inner.reset();
        const apm::span_batch batch = apm::drain_spans();
        for (const apm::span_view& s : batch.spans) ++all, roots += s.parent() == 0 && number_of(s) != 2;
    }
    CHECK(all == count * 3);
    CHECK(roots == count * 2);
    CHECK(process_root().bytes.load() < bytes + 64 * 1024);
}

TEST_CASE("what a thread left open is ended while the next thread takes over") {
    drain_all();
    const std::uint64_t bytes = process_root().bytes.load();
    const apm::span_totals before = apm::count_spans();
    using scope = decltype(telemetry.step.scope({.n = 1}));
    std::uint64_t drained = 0;
    const std::size_t count = repeat(2000);
    for (std::size_t i = 0; i < count; ++i) {
        std::unique_ptr<scope> left[3];
        std::thread([&] {
            for (auto& s : left) s = std::make_unique<scope>(telemetry.step.scope({.n = 1}));
        }).join();
        std::thread next([] {
            const auto s = telemetry.step.scope({.n = 2});
            CHECK(apm::context::current() == s.context());
        });
        for (auto& s : left) s.reset();
        next.join();
        drained += drain_all();
    }
    const apm::span_totals after = apm::count_spans();
    CHECK(drained == 4 * count);
    CHECK(after.started - before.started == 4 * count);
    CHECK(process_root().bytes.load() < bytes + 64 * 1024);
}

TEST_CASE("a thread whose number was that of the thread before it begins as any other") {
    drain_all();
    using scope = decltype(telemetry.step.scope({.n = 1}));
    std::unique_ptr<scope> left;
    std::thread([&] { left = std::make_unique<scope>(telemetry.step.scope({.n = 1})); }).join();
    std::thread([] {
        each_thread([](apm::detail::block& b, thread_state& t) {
            if (!b.owned.load()) t.thread.store(static_cast<std::uint64_t>(gettid())), t.uncaught.store(0);
        });
        CHECK_FALSE(apm::context::current().valid());
        const auto s = telemetry.step.scope({.n = 2});
    }).join();
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 1);
    CHECK(batch.spans[0].parent() == 0);
}

TEST_CASE("spans that one thread starts and another ends: a million of them, in bounded memory") {
    drain_all();
    const apm::span_totals before = apm::count_spans();
    const std::uint64_t bytes = process_root().bytes.load();
    const std::size_t total = repeat(1'000'000);
    std::vector<std::optional<step_span>> handed(1000);
    std::atomic<std::size_t> given{0}, taken{0};
    std::uint64_t drained = 0;
    const std::string text(600, 'x');  // beyond what fits into a span itself
    std::thread other([&] {
        for (std::size_t i = 0; i < total; taken = ++i) {
            while (given == i) std::this_thread::yield();
            handed[i % handed.size()].reset();
            if (i % 200 == 0) drained += drain_all();
        }
    });
    for (std::size_t i = 0; i < total; given = ++i) {
        while (i - taken >= handed.size()) std::this_thread::yield();
        handed[i % handed.size()].emplace(telemetry.step.start({.n = i}));
        if (i % 10 == 0) handed[i % handed.size()]->set<&Step::text>(text);
    }
    other.join();
    drained += drain_all();
    const apm::span_totals after = apm::count_spans();
    CHECK(after.started - before.started == total);
    CHECK(drained + after.dropped() - before.dropped() == total);
    CHECK(process_root().bytes.load() - bytes < 2 * handed.size() * sizeof(open_span));
}

TEST_CASE("a batch is read while others are drained") {
    drain_all();
    std::atomic<bool> wrong{false};
    const auto read = [&] {
        const apm::span_batch batch = apm::drain_spans();
        for (const apm::span_view& s : batch.spans)
            s.events([&](const apm::event_view& e) {
                if (e.time() < s.start() || e.time() > s.end()) wrong = true;
            });
    };
    {
        meanwhile one(read), other(read);
        for (std::size_t i = 0; i < repeat(100'000); ++i) {
            const auto s = telemetry.step.scope({.n = i});
            s.event("first"), s.event("second", {{"n", 2}});
            if (i % 100 == 0) std::this_thread::yield();
        }
    }
    CHECK_FALSE(wrong);
}

TEST_CASE("with a manual clock, times are what they are set to") {
    drain_all();
    apm::detail::root& r = process_root();
    const std::uint64_t source = r.clock.load();
    r.manual_ticks.store(1000);
    r.clock.store(apm::detail::manual);
    {
        const auto s = telemetry.plain.scope();
        r.manual_ticks.store(1500);
        s.event("in between");
        r.manual_ticks.store(2000);
    }
    const apm::span_batch batch = apm::drain_spans();
    r.clock.store(source);
    REQUIRE(batch.spans.size() == 1);
    CHECK(batch.spans[0].start() == 1000);
    CHECK(batch.spans[0].duration() == 1000);
    batch.spans[0].events([](const apm::event_view& e) { CHECK(e.time() == 1500); });
}
