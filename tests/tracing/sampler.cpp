#include <apm/tracing/sampler.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>
#include <apm/testing/sampling.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

inline constexpr apm::sampling_rules followed_else_none = apm::parent_based(apm::always_off);

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "sampler test"};
    span<>                                plain   {this, "plain", "an ordinary one"};
    span<apm::no_attributes, apm::server> serves  {this, "serves", "below it"};
    span<apm::no_attributes, apm::measured> timed {this, "timed", "counts by itself"};
    span<apm::no_attributes, apm::level<2>> detail{this, "detail", "level 2"};
    span<apm::no_attributes, apm::level<2>, apm::measured> timed_detail{this, "timed.detail", "level 2, counts by itself"};
    span<apm::no_attributes, apm::sampled_by<apm::always_on>>  always{this, "always", "asked for itself"};
    span<apm::no_attributes, apm::sampled_by<apm::always_off>> never {this, "never", "asked for itself"};
    span<apm::no_attributes, apm::sampled_by<followed_else_none>> seldom{this, "seldom", "follows its parent"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

using apm::testing::sampling;

apm::span_batch drain() { return apm::drain_spans(64 << 20); }
std::string names(const apm::span_batch& all) {
    std::string text;
    for (const auto& s : all.spans) text += (text.empty() ? "" : " ") + std::string(s.name());
    return text;
}

// A tracestate, as a header would have brought it.
apm::detail::shared_trace_ref with_state(std::string_view state) {
    apm::detail::shared_trace* const t = apm::detail::make_shared_trace(static_cast<std::uint32_t>(state.size()));
    t->state_size = static_cast<std::uint32_t>(state.copy(t->state(), state.size()));
    return apm::detail::shared_trace_ref(t);
}
apm::context far(bool sampled, std::string_view state, std::uint64_t low = 2) {
    return {{1, low}, 3, sampled, true, true, false, false, with_state(state)};
}

const apm::context sampled_far{{1, 2}, 3, true, true};
const apm::context unsampled_far{{1, 2}, 3, false, true};

bool kept_under(const apm::sampling_rules& s, const apm::context& parent) {
    const sampling with(s);
    drain();
    {
        const auto attached = apm::attach(parent);
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.serves);
    }
    const auto n = drain().spans.size();
    CHECK((n == 0 || n == 2));  // a trace is kept as a whole
    return n != 0;
}

}  // namespace

TEST_CASE("always_on and always_off ask no parent; parent_based asks the parent in another process") {
    CHECK(kept_under(apm::always_on, {}));
    CHECK(kept_under(apm::always_on, sampled_far));
    CHECK(kept_under(apm::always_on, unsampled_far));
    CHECK_FALSE(kept_under(apm::always_off, {}));
    CHECK_FALSE(kept_under(apm::always_off, sampled_far));
    static constexpr auto on = apm::parent_based(apm::always_on), off = apm::parent_based(apm::always_off);
    CHECK(kept_under(on, {}));
    CHECK(kept_under(on, sampled_far));
    CHECK_FALSE(kept_under(on, unsampled_far));
    CHECK_FALSE(kept_under(off, {}));
    CHECK(kept_under(off, sampled_far));
    CHECK_FALSE(kept_under(off, unsampled_far));
    // A local parent is followed, whatever sampler is asked.
    apm::context here = sampled_far;
    here.remote = false;
    CHECK(kept_under(apm::always_off, here));
    here.sampled = false;
    CHECK_FALSE(kept_under(apm::always_on, here));
}

TEST_CASE("one's own sampler is told the trace, the parent and the row, once for each trace that begins here") {
    static int asked = 0;
    static bool had_parent = false;
    static const apm::sampler own{[](const apm::sampler& s, const apm::sampling_request& r) -> apm::sampling_decision {
                                      ++asked;
                                      had_parent = r.parent != nullptr;
                                      CHECK(&r.row == &telemetry.plain);
                                      return s.number == 42;
                                  }, 42};
    CHECK(kept_under(own, {}));
    CHECK(asked == 1);
    CHECK_FALSE(had_parent);
    CHECK(kept_under(own, unsampled_far));
    CHECK(had_parent);
}

TEST_CASE("trace_id_ratio keeps its share, and by the trace's identifier alone") {
    const apm::sampling_request proto{{}, nullptr, telemetry.plain};
    std::uint64_t state = 42;
    for (const double share : {0.001, 0.01, 0.25, 0.5, 0.999}) {
        const apm::sampler s = apm::trace_id_ratio(share), more = apm::trace_id_ratio(share * 1.001 > 1 ? 1 : share * 1.001);
        std::uint64_t kept = 0;
        bool consistent = true;
        const int n = 100'000;
        for (int i = 0; i < n; ++i) {
            const apm::trace_id trace{apm::detail::next_random(state), apm::detail::next_random(state)};
            const bool yes = s({trace, proto.parent, proto.row}).sampled;
            kept += yes;
            consistent = consistent && (!yes || more({trace, nullptr, proto.row}).sampled) && yes == s({trace, &sampled_far, proto.row}).sampled;
        }
        CHECK(consistent);
        CHECK(std::fabs(static_cast<double>(kept) - share * n) < 5 * std::sqrt(share * (1 - share) * n) + 1);
    }
}

TEST_CASE("trace_id_ratio at its threshold and beyond [0, 1]") {
    // By the first 8 bytes as a little-endian number.
    const auto keeps = [](const apm::sampler& s, std::uint64_t n) {
        return s({{__builtin_bswap64(n), 1}, nullptr, telemetry.plain}).sampled;
    };
    const apm::sampler half = apm::trace_id_ratio(0.5), quarter = apm::trace_id_ratio(0.25);
    CHECK(keeps(half, 1ull << 63));
    CHECK_FALSE(keeps(half, (1ull << 63) + 1));
    CHECK(keeps(quarter, 1ull << 62));
    CHECK_FALSE(keeps(quarter, (1ull << 62) + 1));
    for (const double all : {1.0, 1.5, std::numeric_limits<double>::infinity()})
        CHECK(keeps(apm::trace_id_ratio(all), UINT64_MAX));
    for (const double none : {0.0, -0.0, -1.0, std::nan(""), -std::numeric_limits<double>::infinity()})
        CHECK_FALSE(keeps(apm::trace_id_ratio(none), 0));
    CHECK(keeps(apm::trace_id_ratio(std::nextafter(1.0, 0.0)), UINT64_MAX - 4096));
}

TEST_CASE("what is traced with trace_id_ratio is what the rule says of its trace") {
    static constexpr apm::sampling_rules half = apm::trace_id_ratio(0.5);
    const sampling with(half);
    drain();
    const auto before = apm::count_spans();
    std::size_t kept = 0;
    const std::size_t n = 10'000;
    for (std::size_t i = 0; i < n; ++i) {
        { TRACE_SCOPE(telemetry.plain); }
        if (i % 100 != 99) continue;
        const auto all = drain();
        kept += all.spans.size();
        for (const auto& s : all.spans) CHECK(__builtin_bswap64(s.trace().high) <= 1ull << 63);
    }
    const auto after = apm::count_spans();
    CHECK(after.started - before.started == kept);
    CHECK(after.unsampled - before.unsampled == n - kept);
    CHECK(kept > 4600);
    CHECK(kept < 5400);
}

// --- consistent probability -------------------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t as_56_bits(std::uint64_t digits, int count) { return digits << 4 * (14 - count); }

}  // namespace

TEST_CASE("thresholds are those of the specification, rounded to four digits behind leading f's") {
    struct {
        double probability;
        std::uint64_t threshold;
        double adjusted_count;
    } const table[] = {
        {1, 0, 1},
        {1.0 / 2, as_56_bits(0x8, 1), 2},
        {1.0 / 3, as_56_bits(0xaaab, 4), 3.00004577706569},
        {1.0 / 4, as_56_bits(0xc, 1), 4},
        {1.0 / 5, as_56_bits(0xcccd, 4), 5.0000762951094835},
        {1.0 / 8, as_56_bits(0xe, 1), 8},
        {1.0 / 10, as_56_bits(0xe666, 4), 9.99938968568813},
        {1.0 / 16, as_56_bits(0xf, 1), 16},
        {1.0 / 100, as_56_bits(0xfd70a, 5), 99.99771123402633},
        {1.0 / 1000, as_56_bits(0xffbe77, 6), 1000.012874769029},
        {1.0 / 10000, as_56_bits(0xfff9724, 7), 9999.830725674266},
        {0x1p-56, as_56_bits(0xffffffffffffff, 14), 0x1p56},
        {0x1p-55, as_56_bits(0xfffffffffffffe, 14), 0x1p55},
    };
    for (const auto& row : table) {
        const apm::sampler s = apm::probability(row.probability);
        CHECK(s.number == row.threshold);
        CHECK(0x1p56 / static_cast<double>(apm::randomness_end - s.number) == Approx(row.adjusted_count).epsilon(1e-15));
        CHECK(s.decide != apm::always_off.decide);
    }
    CHECK(apm::probability(2) == apm::probability(1));
    CHECK(apm::probability(std::numeric_limits<double>::infinity()) == apm::probability(1));
    for (const double none : {0.0, -1.0, std::nan(""), 0x1p-57}) CHECK(apm::probability(none) == apm::always_off);
}

TEST_CASE("a million decisions are exactly what threshold and randomness say") {
    const apm::sampler s = apm::probability(0.1);
    std::uint64_t state = 7, wrong = 0, kept = 0;
    const std::size_t n = repeat(1'000'000);
    for (std::size_t i = 0; i < n; ++i) {
        const apm::trace_id trace{apm::detail::next_random(state), apm::detail::next_random(state)};
        const apm::sampling_decision v = s({trace, nullptr, telemetry.plain});
        const bool expected = (trace.low & 0xff'ffff'ffff'ffff) >= 0xe6'6600'0000'0000;
        wrong += v.sampled != expected || v.threshold != 0xe6'6600'0000'0000;
        kept += v.sampled;
    }
    CHECK(wrong == 0);
    CHECK(std::fabs(static_cast<double>(kept) - 0.1 * static_cast<double>(n)) < 5 * std::sqrt(0.09 * static_cast<double>(n)));
    const auto keeps = [&](std::uint64_t low) { return s({{0, low}, nullptr, telemetry.plain}).sampled; };
    CHECK(keeps(0xe6'6600'0000'0000));
    CHECK_FALSE(keeps(0xe6'65ff'ffff'ffff));
    CHECK_FALSE(keeps(0xff00'0000'0000'0000));  // the first of its eight bytes does not count
}

TEST_CASE("a trace that begins with a probability says so, in every span; one that is not kept says nothing") {
    const sampling half(apm::parent_based(apm::probability(0.5)));
    drain();
    std::size_t kept = 0;
    double weight = 0;
    const std::size_t n = 2 * repeat(50'000);
    for (std::size_t i = 0; i < n; ++i) {
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.serves);
        const apm::context here = apm::context::current();
        CHECK(here.random);
        const auto* const shared = here.shared.get();
        if (here.sampled != (shared && std::string_view(shared->state(), shared->state_size) == "ot=th:8")) FAIL();
        if (i % 64 == 0)
            for (const auto& s : drain().spans) {
                if (s.trace_state() != "ot=th:8" || s.adjusted_count() != 2) FAIL();
                if (s.name() == "plain") ++kept, weight += s.adjusted_count();
            }
    }
    for (const auto& s : drain().spans)
        if (s.name() == "plain") ++kept, weight += s.adjusted_count();
    // Within 1 % of the truth where 100,000 are counted: that is more than three standard deviations.
    CHECK(std::fabs(weight - static_cast<double>(n)) < std::max(0.01 * static_cast<double>(n), 5 * std::sqrt(static_cast<double>(n))));
    CHECK(kept > 0);
}

TEST_CASE("services of smaller and larger shares agree: what the one keeps the other keeps, and the weights of both are right") {
    std::uint64_t state = 99, narrow = 0, wide = 0, only_narrow = 0;
    double narrow_weight = 0, wide_weight = 0;
    const apm::sampler tenth = apm::probability(0.1), half = apm::probability(0.5);
    const auto weight = [](const apm::sampler& s) { return 0x1p56 / static_cast<double>(apm::randomness_end - s.number); };
    const std::size_t n = repeat(1'000'000);
    for (std::size_t i = 0; i < n; ++i) {
        const apm::trace_id trace{apm::detail::next_random(state), apm::detail::next_random(state)};
        const apm::context parent{trace, 1, false, true, true};
        const bool a = tenth({trace, nullptr, telemetry.plain}).sampled, b = half({trace, &parent, telemetry.plain}).sampled;
        narrow += a, wide += b, only_narrow += a && !b;
        narrow_weight += a ? weight(tenth) : 0, wide_weight += b ? weight(half) : 0;
    }
    CHECK(only_narrow == 0);
    CHECK(narrow > 0);
    CHECK(wide > narrow);
    if (n == 1'000'000) {
        CHECK(narrow_weight == Approx(1e6).epsilon(0.01));
        CHECK(wide_weight == Approx(1e6).epsilon(0.01));
    }
}

TEST_CASE("randomness that the tracestate tells is used instead of the trace's id") {
    const apm::sampler half = apm::probability(0.5);
    const auto keeps = [&](std::string_view state, std::uint64_t low) {
        const apm::context parent = far(true, state, low);
        return half({parent.trace, &parent, telemetry.plain}).sampled;
    };
    CHECK_FALSE(keeps("", 1));
    CHECK(keeps("ot=rv:80000000000000", 1));
    CHECK(keeps("a=b , ot=x:y;rv:ffffffffffffff;th:0", 1));
    CHECK_FALSE(keeps("ot=rv:7fffffffffffff", ~std::uint64_t{0}));
    for (const char* bad : {"ot=rv:8", "ot=rv:8000000000000g", "ot=rv:8000000000000A", "otx=rv:80000000000000", "ot=RV:80000000000000",
                            "ot=rv:800000000000001"})
        CHECK_FALSE(keeps(bad, 1));
}

namespace {

// What a child tells on of a trace that came with `state`.
std::string state_below(const apm::sampling_rules& rules, const apm::context& parent, bool& sampled) {
    const sampling with(rules);
    const auto attached = apm::attach(parent);
    const auto s = telemetry.plain.scope();
    const apm::context here = s.context();
    sampled = here.sampled;
    const auto* const shared = here.shared.get();
    return shared ? std::string(shared->state(), shared->state_size) : std::string();
}

}  // namespace

TEST_CASE("what becomes of the tracestate") {
    static constexpr std::uint64_t high = 0xff'0000'0000'0000, low = 1;  // randomness
    struct {
        apm::sampling_rules rules;
        bool sampled;
        const char* state;
        std::uint64_t low;
        bool kept;
        const char* then;
    } const table[] = {
        // Followed: as it came, whatever else is in it.
        {apm::parent_based(apm::always_on), true, "a=1,ot=th:8;rv:ff000000000000,b=2", low, true, "a=1,ot=th:8;rv:ff000000000000,b=2"},
        {apm::parent_based(apm::always_on), true, "a=1", low, true, "a=1"},
        {apm::parent_based(apm::always_on), false, "a=1", high, false, "a=1"},
        {apm::parent_based(apm::probability(0.1)), true, "ot=th:8", high, true, "ot=th:8"},
        // The flag and the threshold contradict each other: the threshold goes.
        {apm::parent_based(apm::always_on), true, "a=1,ot=th:8,b=2", low, true, "a=1,b=2"},
        {apm::parent_based(apm::always_on), false, "a=1,ot=th:8", high, false, "a=1"},
        {apm::parent_based(apm::always_on), true, "ot=th:8;p:1;rv:00000000000000", high, true, "ot=p:1;rv:00000000000000"},
        // Decided here: the threshold is ours, and the member moves to the left.
        {apm::probability(0.5), true, "a=1,ot=th:0;x:1,b=2", high, true, "ot=th:8;x:1,a=1,b=2"},
        {apm::probability(0.5), false, "", high, true, "ot=th:8"},
        {apm::probability(0.5), true, "a=1", high, true, "ot=th:8,a=1"},
        {apm::probability(0.5), true, "a=1,ot=th:0", low, false, "a=1"},
        {apm::always_off, true, "ot=th:0", high, false, ""},
        {apm::always_on, false, "ot=th:8", low, true, ""},
    };
    for (const auto& row : table) {
        INFO(row.state << " sampled " << row.sampled << " low " << row.low);
        bool kept = false;
        CHECK(state_below(row.rules, far(row.sampled, row.state, row.low), kept) == row.then);
        CHECK(kept == row.kept);
    }
}

TEST_CASE("a tracestate of 32 members keeps 32 when one is added: the last goes") {
    std::string full = "m0=0", but_one = "m0=0";
    for (int i = 1; i < 32; ++i) {
        const std::string member = ",m" + std::to_string(i) + "=" + std::to_string(i);
        full += member;
        if (i < 31) but_one += member;
    }
    bool kept = false;
    CHECK(state_below(apm::probability(1), far(true, full), kept) == "ot=th:0," + but_one);
}

// --- who is asked -----------------------------------------------------------------------------------------------------

TEST_CASE("five samplers, by what the parent is") {
    static constexpr apm::sampling_rules opposite{apm::always_off, apm::always_off, apm::always_on, apm::always_off, apm::always_on};
    CHECK_FALSE(kept_under(apm::parent_based(apm::always_off), {}));
    {
        const sampling with(opposite);
        drain();
        const auto below = [](const apm::context& parent) {
            const auto attached = apm::attach(parent);
            TRACE_SCOPE(telemetry.plain);
            return apm::context::current().sampled;
        };
        apm::context sampled_here = sampled_far, unsampled_here = unsampled_far;
        sampled_here.remote = unsampled_here.remote = false;
        CHECK_FALSE(below({}));
        CHECK_FALSE(below(sampled_far));
        CHECK(below(unsampled_far));
        CHECK_FALSE(below(sampled_here));
        CHECK(below(unsampled_here));
        // And within: each is the opposite of the one above it.
        drain();
        {
            TRACE_SCOPE(telemetry.plain);
            {
                TRACE_SCOPE(telemetry.serves);
                TRACE_SCOPE(telemetry.timed);
                TRACE_SCOPE(telemetry.plain);
            }
        }
        CHECK(names(drain()) == "plain serves");
    }
    // No sampler is asked of children any more.
    CHECK(apm::detail::process_root().gate.load() == 0);
}

TEST_CASE("a parent that left it to us: the sampler of roots is asked") {
    apm::context undecided = unsampled_far;
    undecided.deferred = true;
    CHECK(kept_under(apm::parent_based(apm::always_on), undecided));
    CHECK_FALSE(kept_under(apm::parent_based(apm::always_off), undecided));
    drain();
    {
        const auto attached = apm::attach(undecided);  // no rules were set
        TRACE_SCOPE(telemetry.plain);
        CHECK(apm::context::current().sampled);
        CHECK_FALSE(apm::context::current().deferred);
        CHECK(apm::context::current().trace == undecided.trace);
    }
    CHECK(drain().spans.size() == 1);
}

TEST_CASE("a decision without a trace holds for the trace that begins here") {
    apm::context no, yes;
    no.remote = yes.remote = yes.sampled = true;
    CHECK(kept_under(apm::parent_based(apm::always_off), yes));
    CHECK_FALSE(kept_under(apm::parent_based(apm::always_on), no));
    drain();
    {
        const auto attached = apm::attach(no);
        TRACE_SCOPE(telemetry.plain);
        CHECK(apm::context::current().valid());
        CHECK_FALSE(apm::context::current().sampled);
    }
    CHECK(drain().spans.empty());
}

TEST_CASE("debug: sampled whatever the samplers say, and passed on") {
    apm::context debug = sampled_far;
    debug.debug = true;
    CHECK(kept_under(apm::always_off, debug));
    const auto attached = apm::attach(debug);
    TRACE_SCOPE(telemetry.plain);
    CHECK(apm::context::current().debug);
}

TEST_CASE("a row's own sampler is asked wherever its span stands") {
    drain();
    {
        TRACE_SCOPE(telemetry.plain);
        {
            TRACE_SCOPE(telemetry.never);
            TRACE_SCOPE(telemetry.serves);
        }
        TRACE_SCOPE(telemetry.seldom);
    }
    CHECK(names(drain()) == "seldom plain");
    {
        TRACE_SCOPE(telemetry.seldom);
        TRACE_SCOPE(telemetry.plain);
    }
    CHECK(names(drain()).empty());
    const sampling none(apm::always_off);
    {
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.always);
        TRACE_SCOPE(telemetry.serves);
    }
    CHECK(names(drain()) == "serves always");
}

TEST_CASE("levels at run time: what is too detailed is not there, and what is below it belongs to what is above") {
    const auto set_level = [](std::uint64_t highest_and_one) {
        apm::detail::set_gate(apm::detail::process_root(), apm::detail::gate::level, highest_and_one << 8);
    };
    const auto executions = [] { return total_of(telemetry.timed_detail.metrics.executions, "status=ok"); };
    set_level(2);
    drain();
    const auto before = executions();
    {
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.detail);
        TRACE_SCOPE(telemetry.timed_detail);
        CHECK(apm::context::current().sampled);
        TRACE_SCOPE(telemetry.serves);
    }
    const auto some = drain();
    CHECK(names(some) == "serves plain");
    CHECK(some.spans.at(0).parent() == some.spans.at(1).id());
    CHECK(executions() == before + 1);  // the metrics do not change
    set_level(0);
    {
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.detail);
        TRACE_SCOPE(telemetry.timed_detail);
    }
    CHECK(names(drain()) == "timed.detail detail plain");
}

TEST_CASE("muted, what came from another process is passed on as it came") {
    apm::detail::root& r = apm::detail::process_root();
    apm::detail::set_gate(r, apm::detail::gate::muted, apm::detail::gate::muted);
    {
        const apm::context parent = far(true, "a=b");
        const auto attached = apm::attach(parent);
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.timed);
        CHECK(apm::context::current() == parent);
    }
    apm::detail::set_gate(r, apm::detail::gate::muted, 0);
}

// --- so many a second -------------------------------------------------------------------------------------------------

TEST_CASE("rate_limited keeps its burst at once, and then one whenever its time has come") {
    const apm::sampler ten = apm::rate_limited(10);
    const apm::sampling_request any{{1, 2}, nullptr, telemetry.plain};
    const std::uint64_t start = apm::detail::monotonic_ns();
    std::uint64_t kept = 0;
    for (int i = 0; i < 1'000; ++i) kept += ten(any).sampled;
    const std::uint64_t spent = apm::detail::monotonic_ns() - start;
    CHECK(kept >= 10);
    CHECK(kept <= 10 + spent / 100'000'000 + 1);
    // A copy has a bucket of its own.
    const apm::sampler other = ten;
    CHECK(other(any).sampled);
    CHECK(apm::rate_limited(0) == apm::always_off);
    CHECK(apm::rate_limited(std::nan("")) == apm::always_off);
    CHECK(apm::rate_limited(1e10) == apm::always_on);
    const apm::sampler seldom = apm::rate_limited(0.001);
    CHECK(seldom(any).sampled);
    CHECK_FALSE(seldom(any).sampled);
}

TEST_CASE("rate_limited, asked by many threads, keeps no more than its share") {
    const apm::sampler hundred = apm::rate_limited(100);
    const apm::sampling_request any{{1, 2}, nullptr, telemetry.plain};
    std::atomic<std::uint64_t> kept{0};
    const std::uint64_t start = apm::detail::monotonic_ns();
    in_threads(4, [&](std::size_t) {
        std::uint64_t mine = 0;
        for (int n = 0; n < 100 || apm::detail::monotonic_ns() - start < 300'000'000; ++n) mine += hundred(any).sampled;
        kept += mine;
    });
    const double seconds = static_cast<double>(apm::detail::monotonic_ns() - start) * 1e-9;
    CHECK(static_cast<double>(kept) >= 100);
    CHECK(static_cast<double>(kept) <= 100 + 100 * seconds + 1);
}

TEST_CASE("rate_limited is one limit, whatever the parents are") {
    const sampling with(apm::rate_limited(10));  // a root's, a sampled and an unsampled remote parent's
    drain();
    const auto begin = [](const apm::context& parent) {
        const auto attached = apm::attach(parent);
        TRACE_SCOPE(telemetry.plain);
    };
    const std::uint64_t start = apm::detail::monotonic_ns();
    for (int i = 0; i < 50; ++i) begin({}), begin(sampled_far), begin(unsampled_far);
    const std::uint64_t more = (apm::detail::monotonic_ns() - start) / 100'000'000 + 1;
    CHECK(drain().spans.size() <= 10 + more);
}

TEST_CASE("a sampler without a rule keeps everything that has no parent, and follows one") {
    const apm::sampling_rules nothing_said = apm::parent_based(apm::sampler{});
    CHECK(kept_under(nothing_said, {}));
    CHECK(kept_under(nothing_said, sampled_far));
    CHECK_FALSE(kept_under(nothing_said, unsampled_far));
}

TEST_CASE("debug, and a threshold that says otherwise: the threshold goes") {
    apm::context debug = far(true, "ot=th:f;rv:10000000000000,a=1");
    debug.debug = true;
    bool kept = false;
    CHECK(state_below(apm::always_off, debug, kept) == "ot=rv:10000000000000,a=1");
    CHECK(kept);
}

// --- spans that are started, and not current --------------------------------------------------------------------------

TEST_CASE("what is attached to a started span goes on with its trace, whether or not that one is recorded") {
    const auto below_started = [](const auto& row) {
        auto job = row.start();
        const auto attached = apm::attach(job.context());
        TRACE_SCOPE(telemetry.serves);
        return apm::context::current();
    };
    drain();
    const apm::context parent = far(false, "a=b");
    {
        const auto attached = apm::attach(parent);  // the caller decided: not sampled
        TRACE_SCOPE(telemetry.plain);
        const apm::context here = below_started(telemetry.plain);
        CHECK(here.trace == parent.trace);
        CHECK_FALSE(here.sampled);
        CHECK(here.shared == parent.shared);
    }
    CHECK(drain().spans.empty());

    apm::detail::root& r = apm::detail::process_root();
    apm::detail::set_gate(r, apm::detail::gate::level, 2 << 8);
    {
        TRACE_SCOPE(telemetry.plain);
        CHECK(below_started(telemetry.detail).trace == apm::context::current().trace);
        CHECK(below_started(telemetry.timed_detail).trace == apm::context::current().trace);
    }
    {
        const auto attached = apm::attach(far(true, ""));
        CHECK(below_started(telemetry.detail).trace == parent.trace);
    }
    const auto all = drain();
    REQUIRE(names(all) == "serves serves plain serves");
    CHECK(all.spans[0].parent() == all.spans[2].id());
    CHECK(all.spans[1].parent() == all.spans[2].id());
    CHECK(all.spans[3].parent() == parent.span);
    CHECK(all.spans[3].parent_is_remote());
    apm::detail::set_gate(r, apm::detail::gate::level, 0);

    apm::detail::set_gate(r, apm::detail::gate::muted, apm::detail::gate::muted);
    {
        const auto attached = apm::attach(parent);
        const auto job = telemetry.plain.start();
        CHECK(job.context() == parent);
    }
    apm::detail::set_gate(r, apm::detail::gate::muted, 0);
    const auto before = apm::count_spans();
    { const auto alone = telemetry.plain.start(); }
    CHECK(apm::count_spans().started == before.started + 1);
    drain();
}

TEST_CASE("a full span has room for what is added at its end, or goes without") {
    std::string state;
    for (int i = 0; i < 30; ++i) state += (i ? ",k" : "k") + std::to_string(i) + '=' + std::string(200, 'x');
    const auto attached = apm::attach(far(true, state));
    for (std::size_t size = 1; size < 100; size += 3) {  // so that it ends anywhere near the limit
        drain();
        {
            TRACE_SCOPE(telemetry.plain);
            const auto s = apm::current_span();
            const std::string big(4'000, 'a'), small(size, 'b');
            for (int i = 0; i < 4; ++i) s.set("big" + std::to_string(i), big);
            for (int i = 0; i < 130; ++i) s.set("k" + std::to_string(i), small), s.event("e");
        }
        const auto all = drain();
        REQUIRE(all.spans.size() == 1);
        CHECK(all.spans[0].dropped().attributes > 0);
        CHECK((all.spans[0].trace_state().empty() || all.spans[0].trace_state() == state));
    }
    drain();
    {
        TRACE_SCOPE(telemetry.plain);
        for (int i = 0; i < 130; ++i) apm::current_span().event("e");
    }
    const auto all = drain();
    CHECK(all.spans.at(0).trace_state() == state);
    CHECK(all.spans.at(0).dropped().events == 2);
}
