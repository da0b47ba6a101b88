#include <apm/counter.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
APM_FIELDS(Order, (Method, method), (std::optional<bool>, express));
APM_FIELDS(City, (apm::text<>, city));
APM_FIELDS(Big, (apm::range<1, 1000>, n));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "counter test"};
    counter<>                           plain  {this, "plain", "no labels"};
    counter<Order>                      orders {this, "orders", "closed labels"};
    counter<City>                       cities {this, "cities", "open text"};
    counter<Big>                        big    {this, "big", "too many to be dense"};
    counter<apm::no_labels, apm::money<"USD">> earned{this, "earned", "reals"};
    counter<apm::no_labels, apm::seconds>      busy  {this, "busy", "time"};
    counter<>                           observed{this, "observed", "from a callback"};
    counter<apm::no_labels, apm::money<"EUR">> observed_real{this, "observed.real", "from a callback"};
    counter<apm::no_labels, apm::seconds>      observed_time{this, "observed.time", "from a callback"};
    counter<City>                       observed_city{this, "observed.city", "from a callback, open text"};
    counter<Order>                      shared {this, "shared", "many threads"};
    counter<City>                       shared_cities{this, "shared.cities", "many threads, open text"};
    counter<>                           silent {this, "silent", "callbacks that throw"};
    counter<>                           self   {this, "self", "callbacks that end themselves"};
    counter<>                           busy_callback{this, "busy.callback", "callbacks that record and collect"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

double real_total(const apm::row& r) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, "");
    return s ? s->real() : 0;
}
std::uint64_t rejected(const apm::row& r) { return family_of(apm::collect(), r).rejected; }

}  // namespace

TEST_CASE("a counter adds up") {
    telemetry.plain.add(1);
    telemetry.plain.add(2u);
    telemetry.plain.add(std::uint64_t{1} << 40);
    CHECK(total_of(telemetry.plain) == (std::uint64_t{1} << 40) + 3);
}

TEST_CASE("each series adds up by itself") {
    telemetry.orders.add(1, {.method = Method::card});
    telemetry.orders.add(2, {.method = Method::card, .express = true});
    telemetry.orders.add(4, {.method = Method::paypal, .express = true});
    CHECK(total_of(telemetry.orders, "method=card") == 1);
    CHECK(total_of(telemetry.orders, "method=card,express=true") == 2);
    CHECK(total_of(telemetry.orders, "method=paypal,express=true") == 4);
    CHECK(total_of(telemetry.orders, "method=paypal") == 0);
}

TEST_CASE("open text and large closed rows are looked up") {
    CHECK(telemetry.big.tabled);
    for (int i = 0; i < 3; ++i) {
        telemetry.cities.add(1, {.city = std::string("Bari")});
        telemetry.big.add(2, {.n = 700});
    }
    telemetry.cities.add(1, {.city = "Nantes"});
    CHECK(total_of(telemetry.cities, "city=Bari") == 3);
    CHECK(total_of(telemetry.cities, "city=Nantes") == 1);
    CHECK(total_of(telemetry.big, "n=700") == 6);
}

TEST_CASE("a handle is its series, in every thread") {
    const auto card = telemetry.orders.with({.method = Method::card, .express = false});
    const auto oslo = telemetry.cities.with({.city = "Oslo"});
    card.add(1);
    oslo.add(1);
    in_threads(4, [&](std::size_t) { card.add(10), oslo.add(10); });
    CHECK(total_of(telemetry.orders, "method=card,express=false") == 41);
    CHECK(total_of(telemetry.cities, "city=Oslo") == 41);
    telemetry.cities.add(1, {.city = "Oslo"});
    CHECK(total_of(telemetry.cities, "city=Oslo") == 42);
}

TEST_CASE("reals: what a counter cannot hold is rejected and counted, never added") {
    telemetry.earned.add(0.25);
    telemetry.earned.add(2);
    CHECK(rejected(telemetry.earned) == 0);
    for (const double bad : {-0.5, std::nan(""), double(INFINITY), double(-INFINITY)}) telemetry.earned.add(bad);
    CHECK(real_total(telemetry.earned) == 2.25);
    CHECK(rejected(telemetry.earned) == 4);
    telemetry.earned.add(-0.0);
    CHECK(rejected(telemetry.earned) == 4);
}

TEST_CASE("times: kept exactly, read in the row's unit; negative ones and what is none are rejected") {
    telemetry.busy.add(1500ms);
    telemetry.busy.add(std::chrono::duration<double>(0.25));
    telemetry.busy.add(1ns);
    CHECK(total_of(telemetry.busy) == 1'750'000'001);
    CHECK(real_total(telemetry.busy) == Approx(1.750000001).epsilon(1e-15));
    telemetry.busy.add(-1ns);
    telemetry.busy.add(std::chrono::hours::max());
    telemetry.busy.add(std::chrono::duration<double>(NAN));
    CHECK(total_of(telemetry.busy) == 1'750'000'001);
    CHECK(rejected(telemetry.busy) == 3);
}

TEST_CASE("what an integer counter takes") {
    using amount = decltype(telemetry.plain)::amount;
    CHECK(std::is_constructible_v<amount, unsigned>);
    CHECK(std::is_constructible_v<amount, unsigned char>);
    CHECK_FALSE(std::is_constructible_v<amount, bool>);
    CHECK_FALSE(std::is_constructible_v<amount, double>);
    CHECK_FALSE(std::is_constructible_v<amount, std::chrono::seconds>);
}

TEST_CASE("16 threads add while two collectors run: exact totals, no series ever decreases") {
    constexpr std::size_t threads = 16;
    const std::size_t adds = repeat(1'000'000);
    std::atomic<std::size_t> decreased{0};
    const auto watch = [&, last = std::vector<std::uint64_t>()]() mutable {
        const apm::snapshot now = apm::collect();
        std::size_t i = 0;
        for (const apm::row* r : {static_cast<const apm::row*>(&telemetry.shared), static_cast<const apm::row*>(&telemetry.shared_cities)})
            for (const apm::series_view& s : family_of(now, *r).series) {
                if (i == last.size()) last.push_back(0);
                decreased += s.total() < last[i];
                last[i++] = s.total();
            }
        std::this_thread::sleep_for(100us);
    };
    telemetry.shared_cities.add(0, {.city = "Rome"});  // series in a fixed order, for `last`
    telemetry.shared_cities.add(0, {.city = "Riga"});
    meanwhile one(watch), two(watch);
    in_threads(threads, [&](std::size_t thread) {
        for (std::size_t i = 0; i < adds; ++i) {
            telemetry.shared.add(1, {.method = i % 2 ? Method::card : Method::paypal, .express = thread % 2 == 0});
            if (i % 16 == 0) telemetry.shared_cities.add(1, {.city = i % 32 ? "Rome" : "Riga"});
        }
    });
    one.stop(), two.stop();
    CHECK(decreased == 0);
    CHECK(total_of(telemetry.shared, "method=card,express=true") == threads / 2 * (adds / 2));
    CHECK(total_of(telemetry.shared, "method=paypal,express=false") == threads / 2 * ((adds + 1) / 2));
    const std::uint64_t cities = threads * ((adds + 15) / 16);
    CHECK(total_of(telemetry.shared_cities, "city=Rome") + total_of(telemetry.shared_cities, "city=Riga") == cities);
}

TEST_CASE("an observed total counts by its growth; what was once reported stays") {
    std::uint64_t so_far = 5;
    {
        const auto registration = telemetry.observed.observe([&] { return so_far; });
        CHECK(total_of(telemetry.observed) == 5);
        CHECK(total_of(telemetry.observed) == 5);
        so_far = 12;
        CHECK(total_of(telemetry.observed) == 12);
        so_far = 3;  // the thing observed was restarted
        CHECK(total_of(telemetry.observed) == 15);
        so_far = 4;
        CHECK(total_of(telemetry.observed) == 16);
    }
    so_far = 100;
    CHECK(total_of(telemetry.observed) == 16);
}

TEST_CASE("two callbacks on one series add up") {
    const std::uint64_t before = total_of(telemetry.observed_city, "city=Bonn");
    const auto one = telemetry.observed_city.observe({.city = "Bonn"}, [] { return 3u; });
    const auto two = telemetry.observed_city.observe({.city = "Bonn"}, [] { return 4u; });
    CHECK(total_of(telemetry.observed_city, "city=Bonn") == before + 7);
}

TEST_CASE("an observed total that is none is rejected, and the next one is right") {
    double money = 1.5;
    const auto real = telemetry.observed_real.observe([&] { return money; });
    CHECK(real_total(telemetry.observed_real) == 1.5);
    for (const double bad : {std::nan(""), double(INFINITY), -1.0}) {
        money = bad;
        CHECK(real_total(telemetry.observed_real) == 1.5);
    }
    CHECK(rejected(telemetry.observed_real) == 4);  // one more: this collection asked, too
    money = 2.5;
    CHECK(real_total(telemetry.observed_real) == 2.5);

    std::chrono::nanoseconds time = 1s;
    const auto timed = telemetry.observed_time.observe([&] { return time; });
    CHECK(real_total(telemetry.observed_time) == 1);
    time = -5s;
    CHECK(real_total(telemetry.observed_time) == 1);
    time = 2s;
    CHECK(real_total(telemetry.observed_time) == 2);
}

TEST_CASE("a callback that throws is left out of the collection, and said") {
    static std::atomic<int> lines{0};
    lines = 0;
    apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char* line) {
        if (std::string(line).find("\"silent\"") != std::string::npos) ++lines;
    }));
    bool broken = true;
    {
        const auto registration = telemetry.silent.observe([&]() -> unsigned {
            if (broken) throw std::runtime_error("no");
            return 7;
        });
        CHECK(total_of(telemetry.silent) == 0);
        broken = false;
        CHECK(total_of(telemetry.silent) == 7);
        broken = true;
        CHECK(total_of(telemetry.silent) == 7);
    }
    apm::detail::process_root().handler.publish(nullptr);
    CHECK(lines == 2);
}

TEST_CASE("a callback that ends its own registration is not used after that") {
    // On the heap and freed by its own callback: AddressSanitizer sees what is read afterwards.
    struct holder {
        decltype(telemetry.self.observe(std::declval<unsigned (*)()>())) registration;
    };
    static holder* own = nullptr;
    static int calls = 0;
    calls = 0;
    own = new holder{telemetry.self.observe(static_cast<unsigned (*)()>([] {
        ++calls;
        delete own;
        return 3u;
    }))};
    CHECK(total_of(telemetry.self) == 0);  // what it returned has no registration any more
    CHECK(total_of(telemetry.self) == 0);
    CHECK(calls == 1);
}

TEST_CASE("a callback may record and collect") {
    int inner = 0;
    const auto registration = telemetry.busy_callback.observe([&]() -> unsigned {
        telemetry.plain.add(1);
        inner += static_cast<int>(apm::collect().families.size() > 0);
        return 9;
    });
    const std::uint64_t before = total_of(telemetry.plain);
    CHECK(total_of(telemetry.busy_callback) == 9);
    CHECK(total_of(telemetry.plain) > before);
    CHECK(inner > 0);
}
