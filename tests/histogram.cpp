#include <apm/histogram.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "patience.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(OfSide, (Side, side), (std::optional<bool>, warm));
APM_FIELDS(City, (apm::text<>, city));

struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };
struct around_zero { static constexpr auto bounds = apm::explicit_bounds(-1, 0, 1); };


struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "histogram test"};
    histogram<apm::no_labels, apm::bytes, tens>        sizes {this, "sizes", "integers"};
    histogram<apm::no_labels, apm::score, tens>        scores{this, "scores", "reals"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets> wait{this, "wait", "time"};
    histogram<apm::no_labels, apm::milliseconds, apm::latency_buckets> wait_ms{this, "wait.ms", "time in ms"};
    histogram<apm::no_labels, apm::count, around_zero> offsets{this, "offsets", "integers below zero too"};
    histogram<apm::no_labels, apm::score, around_zero> signed_scores{this, "signed.scores", "reals below zero too"};
    histogram<apm::no_labels, apm::seconds, around_zero> skew{this, "skew", "time below zero too"};
    histogram<OfSide, apm::count, tens>                sides {this, "sides", "closed labels"};
    histogram<City, apm::count, tens>                  cities{this, "cities", "open text"};
    histogram<City, apm::score, apm::base2_buckets<3, -10, 10>> wide{this, "wide", "many buckets, open text"};
    histogram<City, apm::count, tens>                  shared_cities{this, "shared.cities", "many threads, open text"};
    histogram<OfSide, apm::seconds, apm::latency_buckets> shared{this, "shared", "many threads"};
    histogram<OfSide, apm::seconds, apm::latency_buckets> timed{this, "timed", "timers"};
    histogram<apm::no_labels, apm::nanoseconds, apm::latency_buckets> timed_plain{this, "timed.plain", "timers"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

using counts = std::vector<std::uint64_t>;

// The row's one series, or that of these labels.
struct state {
    counts buckets;
    double sum = 0;
    std::int64_t integer_sum = 0;
    std::uint64_t rejected = 0;
};
state state_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    REQUIRE(s);
    return {counts(s->buckets().begin(), s->buckets().end()), s->sum(), s->integer_sum(), family_of(now, r).rejected};
}

}  // namespace

TEST_CASE("integers: a bound belongs to the bucket below it") {
    for (const unsigned v : {0u, 9u, 10u, 11u, 20u, 21u, 30u, 31u, 1'000'000u}) telemetry.sizes.record(v);
    CHECK(state_of(telemetry.sizes).buckets == counts{3, 2, 2, 2});
    CHECK(state_of(telemetry.sizes).integer_sum == 1'000'132);
}

TEST_CASE("integers: what is negative, or no integer of 64 bits with a sign, is rejected") {
    const state before = state_of(telemetry.sizes);
    telemetry.sizes.record(-1);
    telemetry.sizes.record(INT64_MIN);
    telemetry.sizes.record(std::string::npos);
    CHECK(state_of(telemetry.sizes).rejected == before.rejected + 3);
    CHECK(state_of(telemetry.sizes).buckets == before.buckets);
    CHECK(state_of(telemetry.sizes).sum == before.sum);
}

TEST_CASE("reals: on, between, below and above bounds; NaN, infinities and negative values are rejected") {
    for (const double v : {0.0, -0.0, 5.5, 10.0, std::nextafter(10.0, 11.0), 20.0, 29.9, 30.0, 30.1, 1e300}) telemetry.scores.record(v);
    const state good = state_of(telemetry.scores);
    CHECK(good.buckets == counts{4, 2, 2, 2});
    CHECK(good.sum == Approx(1e300));
    for (const double v : {std::nan(""), double(INFINITY), double(-INFINITY), -0.001}) telemetry.scores.record(v);
    CHECK(state_of(telemetry.scores).buckets == good.buckets);
    CHECK(state_of(telemetry.scores).sum == good.sum);
    CHECK(state_of(telemetry.scores).rejected == 4);
    telemetry.scores.record(7);     // integers are reals, too
    telemetry.scores.record(7.0f);
    CHECK(state_of(telemetry.scores).buckets[0] == 6);
}

TEST_CASE("where a bound is negative, values may be") {
    for (const int v : {-100, -1, 0, 1, 2}) telemetry.offsets.record(v);
    telemetry.offsets.record(UINT64_MAX);
    CHECK(state_of(telemetry.offsets).rejected == 1);
    CHECK(state_of(telemetry.offsets).buckets == counts{2, 1, 1, 1});
    CHECK(state_of(telemetry.offsets).integer_sum == -98);
    for (const double v : {-1.0, -0.5, 0.5, double(-INFINITY), std::nan("")}) telemetry.signed_scores.record(v);
    CHECK(state_of(telemetry.signed_scores).buckets == counts{1, 1, 1, 0});
    CHECK(state_of(telemetry.signed_scores).rejected == 2);
    telemetry.skew.record(-2s);
    telemetry.skew.record(1ns);
    telemetry.skew.record(std::chrono::duration<double>(NAN));
    telemetry.skew.record(std::chrono::hours::max());
    CHECK(state_of(telemetry.skew).buckets == counts{1, 0, 1, 0});
    CHECK(state_of(telemetry.skew).sum == -1.999999999);
    CHECK(state_of(telemetry.skew).rejected == 2);
}

TEST_CASE("times are put where they belong to the nanosecond, whatever period they come in") {
    telemetry.wait.record(5ms);
    telemetry.wait.record(5ms + 1ns);
    telemetry.wait.record(std::chrono::duration<double>(0.005));
    telemetry.wait.record(10s);
    telemetry.wait.record(10s + 1ns);
    telemetry.wait.record(24h);
    const state s = state_of(telemetry.wait);
    CHECK(s.buckets == counts{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2});
    CHECK(s.integer_sum == 3 * 5'000'000 + 1 + 2 * 10'000'000'000 + 1 + 86'400'000'000'000);
    CHECK(s.sum == Approx(86420.015).epsilon(1e-9));
    telemetry.wait.record(-1ns);
    telemetry.wait.record(std::chrono::seconds::max());
    CHECK(state_of(telemetry.wait).rejected == 2);
    CHECK(state_of(telemetry.wait).buckets == s.buckets);
}

TEST_CASE("a row in milliseconds holds the same times in other numbers") {
    telemetry.wait_ms.record(5ms);
    telemetry.wait_ms.record(6ms);
    const state s = state_of(telemetry.wait_ms);
    CHECK(s.buckets[0] == 1);
    CHECK(s.buckets[1] == 1);
    CHECK(s.sum == 11);
    CHECK(s.integer_sum == 11'000'000);
    CHECK(telemetry.wait_ms.buckets->bounds[0] == 5);
}

TEST_CASE("series and handles, dense and looked up") {
    telemetry.sides.record(1, {.side = Side::left});
    telemetry.sides.record(11, {.side = Side::left});
    telemetry.sides.with({.side = Side::right, .warm = true}).record(31);
    telemetry.sides.with({.side = static_cast<Side>(77)}).record(21);
    CHECK(state_of(telemetry.sides, "side=left").buckets == counts{1, 1, 0, 0});
    CHECK(state_of(telemetry.sides, "side=right,warm=true").buckets == counts{0, 0, 0, 1});
    CHECK(state_of(telemetry.sides, "side=other").buckets == counts{0, 0, 1, 0});
    CHECK(state_of(telemetry.sides, "side=right,warm=false").buckets == counts{0, 0, 0, 0});

    for (int i = 0; i < 100; ++i) telemetry.cities.record(i, {.city = "city " + std::to_string(i)});
    telemetry.cities.with({.city = "city 99"}).record(15);
    CHECK(state_of(telemetry.cities, "city=city 99").buckets == counts{0, 1, 0, 1});
    CHECK(state_of(telemetry.cities, "city=city 99").integer_sum == 114);
    CHECK(state_of(telemetry.cities, "city=city 15").buckets == counts{0, 1, 0, 0});

    for (int i = 0; i < 100; ++i) telemetry.wide.record(i, {.city = std::to_string(i)});
    CHECK(state_of(telemetry.wide, "city=64").buckets[16 * 8] == 1);  // 2^6 is bound (6 + 10) * 8
    CHECK(state_of(telemetry.wide, "city=64").sum == 64);
    CHECK(state_of(telemetry.wide, "city=0").buckets[0] == 1);
}

TEST_CASE("threads record while two collectors run: buckets never decrease, count is their sum, totals are exact") {
    const std::size_t records = repeat(400'000);
    std::atomic<std::size_t> wrong{0};
    const auto watch = [&, last = counts()]() mutable {
        const apm::snapshot now = apm::collect();
        std::size_t i = 0;
        for (const apm::row* r : {static_cast<const apm::row*>(&telemetry.shared), static_cast<const apm::row*>(&telemetry.shared_cities)})
            for (const apm::series_view& s : family_of(now, *r).series) {
                std::uint64_t count = 0;
                for (const std::uint64_t b : s.buckets()) {
                    if (i == last.size()) last.push_back(0);
                    wrong += b < last[i];
                    last[i++] = b;
                    count += b;
                }
                wrong += count != s.count();
            }
        std::this_thread::sleep_for(100us);
    };
    telemetry.shared_cities.record(0, {.city = "Rome"});  // there before the watchers: series in a fixed order
    meanwhile one(watch), two(watch);
    in_threads(8, [&](std::size_t thread) {
        for (std::size_t i = 0; i < records; ++i) {
            telemetry.shared.record(std::chrono::microseconds(i % 20'000), {.side = Side::left, .warm = thread % 2 == 0});
            if (i % 16 == 0) telemetry.shared_cities.record(i % 40, {.city = "Rome"});
        }
    });
    one.stop(), two.stop();
    CHECK(wrong == 0);
    std::int64_t sum = 0;
    std::uint64_t low = 0;
    for (std::size_t i = 0; i < records; ++i) sum += static_cast<std::int64_t>(i % 20'000) * 1000, low += i % 20'000 <= 5000;
    for (const char* labels : {"side=left,warm=true", "side=left,warm=false"}) {
        const state s = state_of(telemetry.shared, labels);
        CHECK(s.integer_sum == 4 * sum);
        CHECK(s.buckets[0] == 4 * low);
    }
    const state rome = state_of(telemetry.shared_cities, "city=Rome");
    CHECK(rome.buckets[0] + rome.buckets[1] + rome.buckets[2] + rome.buckets[3] == 8 * ((records + 15) / 16) + 1);
}

TEST_CASE("a timer records the time of its scope, once") {
    {
        const auto timer = telemetry.timed.time({.side = Side::left});
        std::this_thread::sleep_for(6ms);
    }
    state s = state_of(telemetry.timed, "side=left");
    CHECK(s.buckets[0] == 0);
    CHECK(s.integer_sum >= 6'000'000);
    CHECK(s.integer_sum < 60'000'000'000);
    const auto count_of = [](const state& is) { return std::accumulate(is.buckets.begin(), is.buckets.end(), std::uint64_t{0}); };
    s = {};
    std::uint64_t times = 0;
    const auto shortest = least(6ms, [&] {
        const auto before = s.integer_sum;
        {
            auto timer = telemetry.timed.time({.side = Side::right});
            timer.stop();
            timer.stop();
            std::this_thread::sleep_for(6ms);
        }
        s = state_of(telemetry.timed, "side=right");
        CHECK(count_of(s) == ++times);
        return std::chrono::nanoseconds(s.integer_sum - before);
    });
    CHECK(shortest < 6ms);
    {
        auto timer = telemetry.timed.time({.side = Side::right});
        timer.cancel();
    }
    CHECK(state_of(telemetry.timed, "side=right").buckets == s.buckets);
    { const auto timer = telemetry.timed_plain.time(); }
    CHECK(count_of(state_of(telemetry.timed_plain)) == 1);
    CHECK_FALSE(std::is_copy_constructible_v<decltype(telemetry.timed_plain.time())>);
}
