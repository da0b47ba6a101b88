#include <apm/metrics/exemplar.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(OfSide, (Side, side), (bool, warm));
APM_FIELDS(City, (apm::text<>, city));
APM_FIELDS(Wide, (apm::range<0, 999>, n));

struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };
struct signs { static constexpr auto bounds = apm::explicit_bounds(-1, 0, 1); };
struct thirds { static constexpr auto bounds = apm::explicit_bounds(0.1, 0.7999999999999999, 1e7); };

constexpr apm::row_options keep{.exemplars = true};
constexpr apm::row_options keep_few{.limit = 3, .exemplars = true};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "exemplar test"};
    span<>                                    work    {this, "work", "A span"};
    counter<>                                 before  {this, "before", "keeps none"};
    counter<OfSide>                           orders  {this, "orders", "dense", keep};
    counter<apm::no_labels, apm::score>       money   {this, "money", "doubles", keep};
    counter<apm::no_labels, apm::seconds>     busy    {this, "busy", "time", keep};
    counter<City>                             cities  {this, "cities", "open text", keep};
    counter<City>                             few     {this, "few", "open text, small limit", keep_few};
    counter<Wide>                             wide    {this, "wide", "closed, tabled", keep};
    histogram<OfSide, apm::count, tens>       sizes   {this, "sizes", "dense", keep};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets> wait{this, "wait", "time", keep};
    histogram<apm::no_labels, apm::score, signs> offsets{this, "offsets", "doubles below zero too", keep};
    histogram<apm::no_labels, apm::seconds, thirds> edges{this, "edges", "bounds that are no nanoseconds", keep};
    histogram<City, apm::count, tens>         towns   {this, "towns", "open text", keep};
    counter<>                                 after   {this, "after", "keeps none"};
    gauge<>                                   depth   {this, "depth", "a shared word behind the slots"};
    histogram<apm::no_labels, apm::count, tens> hammered{this, "hammered", "many threads", keep};
    counter<City>                             hammered_cities{this, "hammered.cities", "many threads", keep};
    counter<>                                 observed{this, "observed", "by a callback", keep};
    counter<>                                 windows {this, "windows", "deltas", keep};
    counter<City>                             forked  {this, "forked", "in a child", keep};
    counter<>                                 forked_dense{this, "forked.dense", "in a child", keep};
};
constexpr auto& telemetry = apm::instruments<Schema>;

struct Plain : apm::schema<Plain> {
    static constexpr apm::scope scope{.name = "exemplar test plain"};
    counter<City> cities{this, "cities", "open text"};
};
struct Asking : apm::schema<Asking> {
    static constexpr apm::scope scope{.name = "exemplar test plain"};
    counter<City> cities{this, "cities", "open text", keep};
};

using found = std::optional<apm::exemplar>;
found exemplar_of(const apm::snapshot& now, const apm::row& r, std::string_view labels = {}, std::size_t bucket = 0) {
    const apm::series_view* s = find_series(now, r, labels);
    return s ? s->exemplar(bucket) : std::nullopt;
}
found exemplar_of(const apm::row& r, std::string_view labels = {}, std::size_t bucket = 0) {
    return exemplar_of(apm::collect(), r, labels, bucket);
}

// A context whose parts follow from one number, as its record's value will.
apm::context numbered(std::uint64_t n) {
    return {.trace = {n * 0x9e3779b97f4a7c15u + 1, ~n}, .span = n * 0xff51afd7ed558ccdu + 1, .sampled = true};
}
// Threads that write go on until the reader met enough: on few cores it may sleep through all that they had to do, and a reader
// that met nothing shows nothing. Not for ever: then the test fails by what was met.
class patience {
public:
    [[nodiscard]] bool left() const { return std::chrono::steady_clock::now() < end_; }

private:
    std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + 60s;
};
bool is_of(const found& e, const apm::context& c, double value) {
    return e && e->trace == c.trace && e->span == c.span && e->value == value;
}

}  // namespace

TEST_CASE("layout: slots lie among the shared words, and rows that keep none are as they were") {
    CHECK(telemetry.before.direct);
    CHECK_FALSE(telemetry.orders.direct);
    CHECK_FALSE(telemetry.orders.tabled);
    CHECK(telemetry.cities.tabled);
    CHECK(telemetry.money.first_shared - telemetry.orders.first_shared == 1 + 3 * 2 * 6);  // two enumerators and "other"; false and true
    CHECK(telemetry.after.first_shared == 0);
    constexpr std::uint32_t shared = apm::detail::rows_of<Schema>.shared;
    CHECK(telemetry.forked_dense.first_shared + 1 + 6 == shared);
    CHECK(apm::detail::description_of<Plain>.layout != apm::detail::description_of<Asking>.layout);
    CHECK(apm::detail::description_of<Plain>.shared == 0);
}

TEST_CASE("dense: each series has the trace and the span of its own record") {
    const auto left = telemetry.work.scope();
    const apm::context first = apm::context::current();
    telemetry.orders.add(2, {.side = Side::left, .warm = true});
    {
        const auto inner = telemetry.work.scope();
        const apm::context second = apm::context::current();
        REQUIRE(second.span != first.span);
        telemetry.orders.add(3, {.side = Side::right, .warm = false});
        const apm::snapshot now = apm::collect();
        CHECK(is_of(exemplar_of(now, telemetry.orders, "side=left,warm=true"), first, 2));
        CHECK(is_of(exemplar_of(now, telemetry.orders, "side=right,warm=false"), second, 3));
        CHECK_FALSE(exemplar_of(now, telemetry.orders, "side=left,warm=false"));
        CHECK(find_series(now, telemetry.orders, "side=left,warm=true")->total() == 2);
    }
}

TEST_CASE("values are in the row's unit, times are the time of day") {
    const std::uint64_t began = apm::detail::realtime_ns();
    const auto scope = telemetry.work.scope();
    telemetry.money.add(1.25);
    telemetry.busy.add(1500ms);
    telemetry.wait.record(20ms);
    const apm::snapshot now = apm::collect();
    CHECK(exemplar_of(now, telemetry.money)->value == 1.25);
    CHECK(exemplar_of(now, telemetry.busy)->value == 1.5);
    CHECK(exemplar_of(now, telemetry.busy)->kept == 1'500'000'000);  // as the row keeps it
    REQUIRE(find_series(now, telemetry.wait, "")->exemplars().size() == 1);
    CHECK(find_series(now, telemetry.wait, "")->exemplars()[0].value == 0.02);
    CHECK(exemplar_of(now, telemetry.money)->time >= began);
    CHECK(exemplar_of(now, telemetry.money)->time <= now.time);
}

TEST_CASE("histograms: one for each bucket, and it lies in it") {
    const auto scope = telemetry.work.scope();
    const apm::context here = apm::context::current();
    constexpr std::string_view labels = "side=left,warm=false";
    for (const int v : {5, 10, 31, 25}) telemetry.sizes.record(v, {.side = Side::left, .warm = false});
    for (const double v : {-3.5, -0.5, 0.0, 1.0, 1e300}) telemetry.offsets.record(v);
    const apm::snapshot now = apm::collect();
    CHECK(is_of(exemplar_of(now, telemetry.sizes, labels, 0), here, 5));
    CHECK_FALSE(exemplar_of(now, telemetry.sizes, labels, 1));
    CHECK(is_of(exemplar_of(now, telemetry.sizes, labels, 2), here, 25));
    CHECK(is_of(exemplar_of(now, telemetry.sizes, labels, 3), here, 31));
    CHECK(find_series(now, telemetry.sizes, labels)->exemplars().size() == 3);
    CHECK(is_of(exemplar_of(now, telemetry.offsets, {}, 0), here, -3.5));
    CHECK(is_of(exemplar_of(now, telemetry.offsets, {}, 1), here, -0.5));
    CHECK(is_of(exemplar_of(now, telemetry.offsets, {}, 2), here, 1));
    CHECK(is_of(exemplar_of(now, telemetry.offsets, {}, 3), here, 1e300));

    // 0.8 s is kept as 800'000'000 ns, and so is the bound; as a double it is beyond the bound.
    telemetry.edges.record(800ms);
    telemetry.edges.record(std::chrono::nanoseconds(10'000'000'000'000'001));
    const apm::snapshot then = apm::collect();
    CHECK(exemplar_of(then, telemetry.edges, {}, 1)->value == 0.7999999999999999);
    CHECK(exemplar_of(then, telemetry.edges, {}, 3)->value > 1e7);
    CHECK(exemplar_of(then, telemetry.edges, {}, 3)->kept == 10'000'000'000'000'001);  // which no double is
}

TEST_CASE("tabled rows: open text, many values, the overflow series") {
    const auto scope = telemetry.work.scope();
    const apm::context here = apm::context::current();
    std::map<std::string, apm::context> where;
    for (int i = 0; i < 100; ++i) {  // several chunks
        const auto at = apm::attach(numbered(static_cast<std::uint64_t>(i)));
        const std::string city = std::to_string(i);
        if (i % 3) telemetry.cities.add(static_cast<unsigned>(i), {.city = city}), where.emplace(city, apm::context::current());
        telemetry.wide.add(7, {.n = i});
        telemetry.towns.record(i, {.city = city});
    }
    telemetry.cities.add(1, {.city = "none"});
    const apm::snapshot now = apm::collect();
    for (const auto& [city, context] : where)
        CHECK(is_of(exemplar_of(now, telemetry.cities, "city=" + city), context, std::stod(city)));
    CHECK(is_of(exemplar_of(now, telemetry.cities, "city=none"), here, 1));
    CHECK(is_of(exemplar_of(now, telemetry.wide, "n=42"), numbered(42), 7));
    CHECK(is_of(exemplar_of(now, telemetry.towns, "city=15", 1), numbered(15), 15));
    CHECK(find_series(now, telemetry.towns, "city=15")->exemplars().size() == 1);
    CHECK(is_of(exemplar_of(now, telemetry.towns, "city=99", 3), numbered(99), 99));

    for (const char* city : {"a", "b", "c", "d"}) telemetry.few.add(*city == 'd' ? 9u : 1u, {.city = city});
    CHECK(is_of(exemplar_of(telemetry.few, overflow_series), here, 9));
    CHECK(total_of(telemetry.few, overflow_series) == 9);
    CHECK(family_of(apm::collect(), telemetry.few).overflowed == 1);
}

TEST_CASE("bound handles: the same, in every thread; without a span they only count") {
    const auto dense = telemetry.orders.with({.side = Side::left, .warm = false});
    const auto bucket = telemetry.sizes.with({.side = Side::right, .warm = true});
    const auto text = telemetry.cities.with({.city = "bound"});
    const auto town = telemetry.towns.with({.city = "bound"});
    const auto over = telemetry.few.with({.city = "one too many"});
    const auto record = [&] { dense.add(4), bucket.record(15), text.add(6), town.record(25), over.add(1); };
    const std::uint64_t overflowed = total_of(telemetry.few, overflow_series);
    record();
    {
        const apm::snapshot now = apm::collect();
        CHECK_FALSE(exemplar_of(now, telemetry.orders, "side=left,warm=false"));
        CHECK_FALSE(exemplar_of(now, telemetry.cities, "city=bound"));
        CHECK(find_series(now, telemetry.sizes, "side=right,warm=true")->exemplars().empty());
        CHECK(find_series(now, telemetry.towns, "city=bound")->exemplars().empty());
    }
    in_threads(2, [&](std::size_t) {
        const auto at = apm::attach(numbered(77));
        record();
    });
    const apm::snapshot now = apm::collect();
    CHECK(is_of(exemplar_of(now, telemetry.orders, "side=left,warm=false"), numbered(77), 4));
    CHECK(is_of(exemplar_of(now, telemetry.sizes, "side=right,warm=true", 1), numbered(77), 15));
    CHECK(is_of(exemplar_of(now, telemetry.cities, "city=bound"), numbered(77), 6));
    CHECK(is_of(exemplar_of(now, telemetry.towns, "city=bound", 2), numbered(77), 25));
    CHECK(find_series(now, telemetry.orders, "side=left,warm=false")->total() == 12);
    CHECK(find_series(now, telemetry.sizes, "side=right,warm=true")->count() == 3);
    CHECK(find_series(now, telemetry.cities, "city=bound")->total() == 18);
    CHECK(find_series(now, telemetry.towns, "city=bound")->integer_sum() == 75);
    CHECK(find_series(now, telemetry.few, overflow_series)->total() == overflowed + 3);
}

TEST_CASE("nothing outside a span, in one that is not sampled, or of what is rejected or zero") {
    constexpr OfSide at{.side = Side::right, .warm = true};
    constexpr std::string_view labels = "side=right,warm=true";
    telemetry.orders.add(1, at);
    {
        const auto unsampled = apm::attach({.trace = {1, 2}, .span = 3});
        telemetry.orders.add(1, at);
        const auto child = telemetry.work.scope();
        telemetry.orders.add(1, at);
    }
    {
        const auto scope = telemetry.work.scope();
        const auto none = apm::attach({.sampled = true});  // not valid: no span
        telemetry.orders.add(1, at);
    }
    static constexpr apm::sampling_rules none = apm::always_off;
    apm::sample_with(none);
    {
        const auto scope = telemetry.work.scope();
        telemetry.orders.add(1, at);
    }
    static constexpr apm::sampling_rules usual = apm::parent_based(apm::always_on);
    apm::sample_with(usual);
    {
        const auto scope = telemetry.work.scope();
        telemetry.orders.add(0u, at);
        telemetry.money.add(-1.0);
    }
    const apm::snapshot now = apm::collect();
    CHECK_FALSE(exemplar_of(now, telemetry.orders, labels));
    CHECK(find_series(now, telemetry.orders, labels)->total() == 5);
    {
        const auto scope = telemetry.work.scope();
        telemetry.orders.add(1, at);
    }
    CHECK(exemplar_of(telemetry.orders, labels));

    const auto scope = telemetry.work.scope();
    telemetry.before.add(1), telemetry.after.add(1), telemetry.depth.set(5);
    CHECK_FALSE(exemplar_of(telemetry.before));
    CHECK_FALSE(exemplar_of(telemetry.after));
}

TEST_CASE("it outlives its span and its thread; the first after a collection takes the slot") {
    static constexpr OfSide at{.side = Side::left, .warm = true};
    const auto read = [] { return exemplar_of(telemetry.orders, "side=left,warm=true"); };
    const auto record = [](std::uint64_t n) {
        const auto attached = apm::attach(numbered(n));
        telemetry.orders.add(n, at);
    };
    read();
    std::thread([&] { record(1), record(2); }).join();
    for (int i = 0; i < 3; ++i) CHECK(is_of(read(), numbered(1), 1));
    record(3), record(4);
    CHECK(is_of(read(), numbered(3), 3));
}

TEST_CASE("a delta has those of its interval") {
    apm::delta_reader slow, fast;
    const auto record = [](std::uint64_t n) {
        const auto at = apm::attach(numbered(n));
        telemetry.windows.add(n);
    };
    const auto read = [](apm::delta_reader& r) { return exemplar_of(r.collect(), telemetry.windows); };
    record(1);
    CHECK(is_of(read(fast), numbered(1), 1));
    CHECK(is_of(read(slow), numbered(1), 1));
    telemetry.windows.add(5);  // changed, and in no span
    const apm::snapshot d = fast.collect();
    REQUIRE(find_series(d, telemetry.windows, ""));
    CHECK_FALSE(exemplar_of(d, telemetry.windows));
    record(2);
    CHECK(is_of(read(fast), numbered(2), 2));
    record(3);
    const apm::snapshot both = slow.collect();
    CHECK(is_of(exemplar_of(both, telemetry.windows), numbered(3), 3));
    CHECK(exemplar_of(both, telemetry.windows)->time > both.started);
    CHECK(exemplar_of(both, telemetry.windows)->time <= both.time);
    CHECK(find_series(both, telemetry.windows, "")->total() == 10);
    CHECK(is_of(read(fast), numbered(3), 3));
    CHECK(is_of(exemplar_of(telemetry.windows), numbered(3), 3));
}

TEST_CASE("a callback's growth counts, within a span of the thread that collects") {
    std::uint64_t total = 7;
    const auto watching = telemetry.observed.observe([&] { return total; });
    CHECK_FALSE(exemplar_of(telemetry.observed));
    const auto at = apm::attach(numbered(8));
    total = 10;
    const apm::snapshot now = apm::collect();
    CHECK(is_of(exemplar_of(now, telemetry.observed), numbered(8), 3));
    CHECK(find_series(now, telemetry.observed, "")->total() == 10);
}

TEST_CASE("many threads and a reader: trace, span and value are always of one record, and every record counts") {
    constexpr std::size_t threads = 4;
    const std::size_t records = repeat(200'000);
    constexpr std::size_t enough = 100;
    std::set<std::uint64_t> seen;
    std::atomic<std::size_t> met{0}, torn{0}, uncounted{0};
    std::atomic<std::uint64_t> count{0}, sum{0};
    const patience patience;
    const auto look = [&](const apm::series_view& s, std::size_t buckets) {
        for (std::size_t b = 0; b < buckets; ++b) {
            const found e = s.exemplar(b);
            if (!e) continue;
            const auto n = static_cast<std::uint64_t>(e->value);
            seen.insert(n);
            met = seen.size();
            if (!is_of(e, numbered(n), e->value)) ++torn;
            if (buckets == 1 ? s.total() == 0 : s.buckets()[b] == 0) ++uncounted;
        }
    };
    {
        meanwhile reading([&] {
            const apm::snapshot now = apm::collect();
            for (const apm::series_view& s : family_of(now, telemetry.hammered).series) look(s, 4);
            for (const apm::series_view& s : family_of(now, telemetry.hammered_cities).series) look(s, 1);
        });
        in_threads(threads, [&](std::size_t thread) {
            for (std::size_t i = 0; i < records || (met < enough && patience.left()); ++i) {
                const std::uint64_t n = i * threads + thread;
                ++count, sum += n;
                const auto at = apm::attach(numbered(n));
                telemetry.hammered.record(static_cast<std::uint32_t>(n));
                telemetry.hammered_cities.add(n, {.city = n % 2 ? "odd" : "even"});
            }
        });
    }
    CHECK(torn == 0);
    CHECK(uncounted == 0);
    CHECK(seen.size() >= enough);
    const apm::snapshot now = apm::collect();
    CHECK(find_series(now, telemetry.hammered, "")->count() == count);
    CHECK(find_series(now, telemetry.hammered_cities, "city=odd")->total() +
              find_series(now, telemetry.hammered_cities, "city=even")->total() == sum);
}

TEST_CASE("a slot, written without a pause: a reader sees one record or another, never parts of two, and never an older one") {
    const std::size_t records = repeat(2'000'000);
    apm::detail::exemplar_slot slot{};
    std::atomic<std::uint64_t> round{0};
    std::atomic<bool> done{false};
    constexpr std::size_t enough = 1000;
    std::atomic<std::size_t> met{0};  // different ones
    std::size_t torn = 0, older = 0;
    const patience patience;
    std::thread reader([&] {
        std::uint64_t last = 0, before = ~std::uint64_t{0};
        apm::exemplar e;
        while (!done) {
            if (!apm::detail::read_exemplar(slot, telemetry.hammered_cities, 0, e)) continue;
            const auto n = static_cast<std::uint64_t>(e.value);
            if (std::exchange(before, n) != n) ++met;
            if (!is_of(e, numbered(n), e.value)) ++torn;
            if (e.time < last) ++older;
            last = e.time;
        }
    });
    in_threads(2, [&](std::size_t) {
        apm::detail::open_span span{};
        for (std::size_t i = 0; i < records || (met < enough && patience.left()); ++i) {
            const std::uint64_t n = round++;
            const apm::context c = numbered(n);
            span.record.trace = c.trace;
            span.identify(c.span);
            apm::detail::put_exemplar(slot, n, span, n);
        }
    });
    done = true;
    reader.join();
    CHECK(met >= enough);
    CHECK(torn == 0);
    CHECK(older == 0);
}

TEST_CASE("a forked child begins without") {
    const auto at = apm::attach(numbered(5));
    telemetry.forked.add(5, {.city = "x"});
    telemetry.forked_dense.add(5);
    REQUIRE(exemplar_of(telemetry.forked, "city=x"));
    const pid_t child = fork();
    if (child == 0) {
        int wrong = exemplar_of(telemetry.forked, "city=x") ? 1 : 0;
        telemetry.forked_dense.add(0u);
        wrong += exemplar_of(telemetry.forked_dense) ? 2 : 0;
        const auto mine = apm::attach(numbered(6));
        telemetry.forked.add(6, {.city = "x"});
        telemetry.forked_dense.add(6);
        wrong += is_of(exemplar_of(telemetry.forked, "city=x"), numbered(6), 6) ? 0 : 4;
        wrong += is_of(exemplar_of(telemetry.forked_dense), numbered(6), 6) ? 0 : 8;
        _exit(wrong);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(is_of(exemplar_of(telemetry.forked, "city=x"), numbered(5), 5));
}
