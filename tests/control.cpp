// What is traced, changed while the program runs.
#include <apm/control.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <apm/apm.hpp>
#include <apm/enabled.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "runtime/support.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;
namespace control = apm::control;
constexpr auto on = apm::mode::on;
using apm::always_off, apm::always_on, apm::parent_based, apm::probability, apm::rate_limited, apm::sampling_rules;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.control"};

    span<> checkout{this, "checkout", "A row"};
    span<> search  {this, "search", "Another"};
    span<apm::no_attributes, apm::level<3>> detail{this, "detail", "Of a higher level"};
    span<apm::no_attributes, apm::level<0>> always{this, "always", "Of the lowest"};
    span<apm::no_attributes, apm::measured> timed{this, "timed", "Measured"};
    span<apm::no_attributes, apm::sampled_by<apm::always_on>> own{this, "own", "Has a sampler of its own"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// Everything as a program that changed nothing has it.
struct fresh {
    fresh() { reset(); }
    ~fresh() { reset(); }
    static void reset() {
        for (const auto& [name, rule] : control::now<on>().rows) control::sample_row<on>(name, {});
        control::sample_with<on>(parent_based(always_on));
        control::max_level<on>(control::every_level);
        control::tail_sample<on>({});
        control::tracing<on>(true);
        apm::detail::set_sampling_rules(nullptr);
        while (apm::drain_spans().more) {}
    }
};

template <class Row>
bool sampled(const Row& row) {
    const auto s = row.template scope<on>();
    return s.recording();
}
// Of traces that begin with it.
template <class Row>
double share(const Row& row) {
    constexpr int n = 20'000;
    int kept = 0;
    for (int i = 0; i < n; ++i) kept += sampled(row);
    while (apm::drain_spans().more) {}
    return double(kept) / n;
}

}  // namespace

TEST_CASE("what a program that changed nothing has") {
    const fresh f;
    const control::state s = control::now<on>();
    CHECK(s.sampler == parent_based(always_on));
    CHECK(s.rows.empty());
    CHECK(s.max_level == control::every_level);
    CHECK(s.tail_sampling == apm::tail_rules{});
    CHECK(s.tracing);
}

TEST_CASE("the rate") {
    const fresh f;
    control::sample_rate<on>(0.25);
    CHECK(control::now<on>().sampler == parent_based(probability(0.25)));
    CHECK(share(telemetry.checkout) == Approx(0.25).margin(0.02));
    control::sample_rate<on>(0);
    CHECK(share(telemetry.checkout) == 0);
    control::sample_rate<on>(7);
    CHECK(share(telemetry.checkout) == 1);
    control::sample_rate<on>(std::nan(""));
    CHECK(share(telemetry.checkout) == 0);
}

TEST_CASE("a trace that began keeps its sampling decision") {
    const fresh f;
    control::sample_rate<on>(1);
    {
        const auto s = telemetry.checkout.scope<on>();
        control::sample_rate<on>(0);
        CHECK(sampled(telemetry.search));
    }
    CHECK_FALSE(sampled(telemetry.search));
}

TEST_CASE("rules of any kind, and what they say of parents elsewhere") {
    const fresh f;
    apm::context elsewhere{.trace = {1, 2}, .span = 3, .sampled = false, .remote = true};
    const auto below = [&](bool parent_sampled) {
        elsewhere.sampled = parent_sampled;
        const auto a = apm::attach<on>(elsewhere);
        return sampled(telemetry.checkout);
    };
    control::sample_with<on>(parent_based(always_off));
    CHECK(below(true));
    CHECK_FALSE(below(false));
    CHECK_FALSE(sampled(telemetry.checkout));
    control::sample_with<on>(always_on);
    CHECK(below(false));
    CHECK(control::now<on>().sampler == sampling_rules(always_on));
    control::sample_with<on>(parent_based(always_on, {.remote_sampled = always_off, .remote_not_sampled = always_on}));
    CHECK_FALSE(below(true));
    CHECK(below(false));
    CHECK(sampled(telemetry.checkout));

    // Rules that are asked of children, too; and then no longer.
    const sampling_rules children = parent_based(always_on, {.local_sampled = always_off});
    control::sample_with<on>(children);
    CHECK(control::now<on>().sampler == children);
    {
        const auto s = telemetry.checkout.scope<on>();
        CHECK_FALSE(sampled(telemetry.search));
    }
    control::sample_with<on>(parent_based(always_on));
    const auto s = telemetry.checkout.scope<on>();
    CHECK(sampled(telemetry.search));
}

TEST_CASE("rules without a root sampler keep what begins here") {
    const fresh f;
    control::sample_with<on>(sampling_rules(apm::sampler{}));
    CHECK(sampled(telemetry.checkout));
}

TEST_CASE("a row that is sampled otherwise than the rest") {
    const fresh f;
    control::sample_rate<on>(0);
    CHECK(control::sample_row<on>("checkout", always_on));
    CHECK(sampled(telemetry.checkout));
    CHECK_FALSE(sampled(telemetry.search));
    {
        // Where its parent has decided, it does not.
        const auto s = telemetry.search.scope<on>();
        CHECK_FALSE(sampled(telemetry.checkout));
    }
    control::sample_rate<on>(1);
    CHECK(control::sample_row<on>("checkout", always_off));
    CHECK_FALSE(sampled(telemetry.checkout));
    CHECK(sampled(telemetry.search));
    const auto rows = control::now<on>().rows;
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].first == "checkout");
    CHECK(rows[0].second == always_off);
    CHECK(control::sample_row<on>("checkout", {}));
    CHECK(control::sample_row<on>("no.such.row", {}));
    CHECK(sampled(telemetry.checkout));
    CHECK(control::now<on>().rows.empty());
}

TEST_CASE("rows where no rules were set, and where every span is asked") {
    const fresh f;
    CHECK(control::sample_row<on>("checkout", always_off));
    CHECK_FALSE(sampled(telemetry.checkout));
    CHECK(sampled(telemetry.search));
    CHECK(sampled(telemetry.own));
    const apm::context elsewhere{.trace = {1, 2}, .span = 3, .sampled = true, .remote = true};
    const auto a = apm::attach<on>(elsewhere);
    CHECK(sampled(telemetry.checkout));  // its caller has decided
    control::sample_with<on>(always_on);
    CHECK_FALSE(sampled(telemetry.checkout));
    CHECK(control::now<on>().sampler == sampling_rules(always_on));
}

TEST_CASE("rows have room for so many names, and a name that was there once always has") {
    const fresh f;
    // A process has one table; this one has as much room.
    apm::detail::row_samplers rows(256);
    for (int i = 0; i < 256; ++i) REQUIRE(rows.set("row" + std::to_string(i), always_on));
    CHECK_FALSE(rows.set("one more", always_on));
    CHECK_FALSE(rows.has_room(1));
    CHECK(rows.set("one more", {}));
    CHECK(rows.set("row17", {}));
    CHECK_FALSE(rows.set("one more", always_on));
    CHECK(rows.set("row17", always_off));
    CHECK(rows.find("row17")->get() == always_off);
    CHECK(rows.find("one more") == nullptr);
    for (int i = 0; i < 256; ++i) REQUIRE(rows.set("row" + std::to_string(i), {}));
    CHECK(rows.find("row1") == nullptr);
}

TEST_CASE("what is no name takes no room") {
    apm::detail::row_samplers rows(2);
    for (const std::string& none : {std::string(), std::string("a\0b", 3), std::string(1, '\0')}) {
        for (int i = 0; i < 3; ++i) CHECK_FALSE(rows.set(none, always_on));
        CHECK_FALSE(rows.set(none, {}));
        CHECK_FALSE(control::sample_row<on>(none, always_on));
    }
    CHECK(rows.has_room(2));
    CHECK(rows.set("a", always_on));
    CHECK(rows.find("a")->get() == always_on);
}

TEST_CASE("the highest level") {
    const fresh f;
    CHECK(sampled(telemetry.detail));
    control::max_level<on>(2);
    CHECK(control::now<on>().max_level == 2);
    CHECK_FALSE(sampled(telemetry.detail));
    CHECK(sampled(telemetry.checkout));
    control::max_level<on>(3);
    CHECK(sampled(telemetry.detail));
    control::max_level<on>(0);
    CHECK_FALSE(sampled(telemetry.checkout));
    CHECK(sampled(telemetry.always));
    control::max_level<on>(-5);
    CHECK(sampled(telemetry.always));
    control::max_level<on>(254);
    CHECK(control::now<on>().max_level == 254);
    control::max_level<on>(255);
    CHECK(control::now<on>().max_level == control::every_level);
    CHECK(sampled(telemetry.detail));
}

TEST_CASE("a level beyond all levels, among a runtime's options, is all") {
    const fresh f;
    const environment e;
    const apm::basic_runtime<on> r({.metrics_exporter = "none", .max_level = ~0u});
    CHECK(control::now<on>().max_level == control::every_level);
}

TEST_CASE("a row is named by itself, or by its name") {
    const fresh f;
    CHECK(control::sample_row<on>(telemetry.checkout, always_off));
    CHECK_FALSE(sampled(telemetry.checkout));
    CHECK(sampled(telemetry.search));
    REQUIRE(control::now<on>().rows.size() == 1);
    CHECK(control::now<on>().rows[0].first == "checkout");
    CHECK(control::sample_row<on>(telemetry.checkout, {}));
    CHECK(sampled(telemetry.checkout));
    CHECK(control::sample_row<apm::mode::off>(telemetry.checkout, always_off));
    CHECK(control::now<on>().rows.empty());
}

TEST_CASE("tracing off and on, while a runtime mutes, too") {
    const fresh f;
    control::tracing<on>(false);
    CHECK_FALSE(control::now<on>().tracing);
    CHECK_FALSE(sampled(telemetry.checkout));
    { const auto s = telemetry.timed.scope<on>(); }
    {
        const environment e;
        apm::runtime_options o{.metrics_exporter = "none"};
        const apm::basic_runtime<on> r(o);  // it does not read spans
        control::tracing<on>(true);
        CHECK(control::now<on>().tracing);
        CHECK_FALSE(sampled(telemetry.checkout));
        control::tracing<on>(false);
    }
    CHECK_FALSE(sampled(telemetry.checkout));
    control::tracing<on>(true);
    CHECK(sampled(telemetry.checkout));
}

TEST_CASE("tail sampling") {
    const fresh f;
    control::sample_rate<on>(0);
    const auto failing = [] {
        const auto s = telemetry.checkout.scope<on>();
        s.status(apm::span_status::error);
    };
    failing();
    CHECK(apm::drain_spans().spans.empty());
    CHECK(control::tail_sample<on>({.errors = true}));
    CHECK(control::now<on>().tail_sampling == apm::tail_rules{.errors = true});
    failing();
    CHECK(apm::drain_spans().spans.size() == 1);
    CHECK(control::tail_sample<on>({.bytes = 12345}));
    failing();
    CHECK(apm::drain_spans().spans.empty());
    CHECK(control::now<on>().tail_sampling == apm::tail_rules{.bytes = 12345});  // remembered for when there is something to keep
}

TEST_CASE("a rate limit that follows a slower one does not wait for it") {
    const fresh f;
    control::sample_with<on>(parent_based(rate_limited(0.001)));
    CHECK(sampled(telemetry.checkout));
    CHECK_FALSE(sampled(telemetry.checkout));
    control::sample_with<on>(parent_based(rate_limited(1000)));
    CHECK(sampled(telemetry.checkout));
}

TEST_CASE("a rate limit holds for all threads together, and for whatever it is asked of") {
    const fresh f;
    control::sample_with<on>(rate_limited(50));
    std::atomic<int> kept{0};
    const auto begin = std::chrono::steady_clock::now();
    in_threads(4, [&](std::size_t i) {
        const apm::context elsewhere{.trace = {1, 2}, .span = 3, .sampled = i % 2 == 0, .remote = true};
        const auto a = apm::attach<on>(i ? elsewhere : apm::context{});
        for (std::size_t n = 0; n < repeat(200'000); ++n) kept += sampled(telemetry.checkout);
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    CHECK(kept >= 50);
    CHECK(kept <= 50 + 50 * seconds + 1);
}

TEST_CASE("a million changes take no memory") {
    const fresh f;
    const auto held = [] {
        const auto all = apm::detail::process_root().bytes.load();
        return all + apm::detail::controls::all().tail_sampling.size() + apm::detail::controls::all().started.size();
    };
    const auto before = held();
    for (std::size_t i = 0; i < repeat(1'000'000); ++i) {
        control::sample_rate<on>(double(i) / 1e6);
        control::sample_row<on>("checkout", probability(double(i) / 1e6));
    }
    CHECK(held() == before);
}

TEST_CASE("tail rules have a bound, and equal ones are one") {
    std::deque<apm::tail_rules> all;
    for (std::uint64_t i = 0; i < 10; ++i)
        for (int twice = 0; twice < 2; ++twice) REQUIRE(apm::detail::interned(all, apm::tail_rules{.slower_than_ns = i}, 10));
    CHECK(all.size() == 10);
    CHECK(apm::detail::interned(all, apm::tail_rules{.slower_than_ns = 10}, 10) == nullptr);
}

TEST_CASE("changes under load: every span is accounted for, and no change is seen by half") {
    const fresh f;
    const auto before = apm::count_spans();
    std::atomic<std::uint64_t> torn{0}, begun{0};
    {
        const meanwhile changes([&, i = 0]() mutable {
            ++i;
            control::sample_rate<on>(i % 3 / 2.0);
            if (i % 5 == 0) control::sample_with<on>(rate_limited(1000));
            control::sample_row<on>("checkout", i % 2 ? always_off : probability(0.5));
            if (i % 7 == 0) control::sample_row<on>("checkout", {});
            control::tail_sample<on>({.errors = i % 2 == 0, .slower_than_ns = i % 4 == 0 ? 1000u : 0u});
            const control::state s = control::now<on>();
            if (i % 5 != 0 && s.sampler != parent_based(probability(i % 3 / 2.0))) ++torn;
            if (s.rows.size() > 1) ++torn;
        });
        const meanwhile reads([] { static_cast<void>(apm::drain_spans()); });
        in_threads(4, [&](std::size_t) {
            for (std::size_t n = 0; n < repeat(100'000); ++n) {
                const auto s = telemetry.checkout.scope<on>();
                if (n % 3 == 0) s.status(apm::span_status::error);
                const auto below = telemetry.search.scope<on>();
                begun += 2;
            }
        });
    }
    fresh::reset();
    const auto after = apm::count_spans();
    CHECK(torn == 0);
    CHECK(begun == 8 * repeat(100'000));
    CHECK(after.started - before.started + after.unsampled - before.unsampled == begun);
    CHECK(after.drained - before.drained + after.dropped() - before.dropped() == after.started - before.started);
}

TEST_CASE("levels and switching off under load") {
    const fresh f;
    const meanwhile changes([i = 0]() mutable {
        control::max_level<on>(i++ % 5);
        control::tracing<on>(i % 3 != 0);
        apm::detail::set_gate(apm::detail::process_root(), apm::detail::gate::asks_children, 0);
    });
    in_threads(4, [](std::size_t) {
        for (std::size_t n = 0; n < repeat(100'000); ++n) {
            const auto s = telemetry.always.scope<on>();
            const auto below = telemetry.detail.scope<on>();
        }
    });
}

TEST_CASE("every decision is of one sampler, whole") {
    // A sampler whose parts belong together: half of one, half of another, would be seen.
    struct pair {
        static apm::sampling_decision check(const apm::sampler& s, const apm::sampling_request&) {
            if (s.number != reinterpret_cast<std::uintptr_t>(s.data)) ++torn();
            return false;
        }
        static std::atomic<int>& torn() {
            static std::atomic<int> n{0};
            return n;
        }
    };
    const fresh f;
    control::sample_with<on>(apm::sampler{pair::check, 0, nullptr});
    {
        const meanwhile changes([i = std::uintptr_t{0}]() mutable {
            ++i;
            control::sample_with<on>(apm::sampler{pair::check, i, reinterpret_cast<void*>(i)});
            control::sample_row<on>("checkout", {pair::check, i, reinterpret_cast<void*>(i)});
        });
        in_threads(3, [](std::size_t i) {
            for (std::size_t n = 0; n < repeat(300'000); ++n)
                i % 2 ? static_cast<void>(sampled(telemetry.checkout)) : static_cast<void>(sampled(telemetry.search));
        });
    }
    fresh::reset();
    CHECK(pair::torn() == 0);
}

TEST_CASE("nor is one torn that is replaced faster than it can be read") {
    apm::detail::dynamic_sampler x;
    x.set({apm::detail::sample_all, 0, nullptr});
    std::atomic<std::uintptr_t> sets{0};
    int torn = 0;
    {
        const meanwhile changes([&, i = std::uintptr_t{0}]() mutable {
            x.set({apm::detail::sample_all, i, reinterpret_cast<void*>(i)});
            sets = ++i;  // and a moment for the readers, whose copy of the cache line is gone
        });
        while (sets < repeat(10'000'000)) {
            for (int n = 0; n < 10'000; ++n) {
                const apm::sampler s = x.get();
                torn += s.number != reinterpret_cast<std::uintptr_t>(s.data);
            }
        }
    }
    CHECK(torn == 0);
}

TEST_CASE("a fork in the middle of changes: the child changes what it likes") {
    if (!can_fork) return;
    const fresh f;
    const meanwhile changes([i = 0]() mutable {
        control::sample_rate<on>(++i % 2);
        control::sample_row<on>("checkout", i % 2 ? always_on : always_off);
        control::tail_sample<on>({.errors = i % 2 == 0});
    });
    for (int i = 0; i < 20; ++i)
        REQUIRE(in_child([] {
                    static_cast<void>(sampled(telemetry.checkout));
                    control::sample_row<on>("checkout", always_on);
                    control::sample_rate<on>(0);
                    control::tail_sample<on>({});
                    if (!sampled(telemetry.checkout)) return 1;
                    if (sampled(telemetry.search)) return 2;
                    return control::now<on>().rows.size() == 1 ? 0 : 3;
                }) == 0);
}

TEST_CASE("a file without APM changes nothing") {
    const fresh f;
    constexpr auto off = apm::mode::off;
    control::sample_rate<off>(0);
    CHECK(control::sample_row<off>("checkout", always_off));
    control::max_level<off>(0);
    CHECK(control::tail_sample<off>({.errors = true}));
    control::tracing<off>(false);
    CHECK(control::now<on>().rows.empty());
    CHECK(control::now<on>().max_level == control::every_level);
    CHECK(control::now<off>().tracing);
    CHECK(sampled(telemetry.checkout));
}
