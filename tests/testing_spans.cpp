// What users test their spans with: shapes, attributes, a clock that stands still, another sampler.
#include <apm/testing.hpp>

#include <atomic>
#include <optional>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, invoice)
APM_FIELDS(Checkout, (std::uint64_t, order_id), (std::optional<std::string_view>, coupon));
APM_FIELDS(Payment, (int, amount), (Method, method));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.testing_spans"};

    span<Checkout>                              checkout{this, "checkout", "One checkout"};
    span<>                                      reserve{this, "reserve", "Goods are put aside"};
    span<Payment, apm::client>                  pay{this, "pay", "One payment"};
    span<>                                      bank{this, "bank", "The bank is asked"};
    span<apm::no_attributes, apm::measured>     query{this, "query", "One query"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

void check_out(std::uint64_t order, int amount) {
    const auto all = telemetry.checkout.scope<on>({.order_id = order, .coupon = "X"});
    static_cast<void>(telemetry.reserve.scope<on>());
    const auto pay = telemetry.pay.scope<on>({.amount = amount, .method = Method::card});
    static_cast<void>(telemetry.bank.scope<on>());
}
std::vector<std::string> names(const std::vector<apm::span_data>& spans) {
    std::vector<std::string> result;
    for (const apm::span_data& s : spans) result.push_back(s.name);
    return result;
}
using list = std::vector<std::string>;

}  // namespace

TEST_CASE("a probe sees what comes after it") {
    check_out(1, 1);
    apm::testing::span_probe probe;
    CHECK(probe.tree().empty());
    CHECK(probe.spans().empty());
    CHECK(probe.find("pay") == nullptr);
    check_out(7, 995);
    CHECK(probe.tree() == "checkout{reserve,pay{bank}}");
    CHECK(names(probe.spans()) == list{"checkout", "reserve", "pay", "bank"});
    const apm::span_data* const pay = probe.find("pay");
    REQUIRE(pay);
    check_out(8, 10);
    CHECK(probe.tree() == "checkout{reserve,pay{bank}},checkout{reserve,pay{bank}}");
    CHECK(probe.find("pay") == pay);  // the first, which did not move
    CHECK(pay->attribute<int>("amount") == 995);
    CHECK(pay->attribute<std::string>("method") == "card");
    CHECK(pay->kind == apm::span_kind::client);
    CHECK(probe.lost() == 0);
    probe.restart();
    CHECK(probe.tree().empty());
}

TEST_CASE("a shape may have attributes") {
    apm::testing::span_probe probe;
    check_out(7, 995);
    CHECK(probe.tree({"order_id"}) == "checkout[order_id=7]{reserve,pay{bank}}");
    CHECK(probe.tree({"method", "coupon", "amount", "nothing"}) ==
          "checkout[coupon=\"X\"]{reserve,pay[method=\"card\" amount=995]{bank}}");
}

TEST_CASE("a shape where a parent is missing, elsewhere, or another thread's") {
    apm::testing::span_probe probe;
    auto open = telemetry.checkout.scope<on>({.order_id = 1, .coupon = {}});
    check_out(7, 995);
    static_cast<void>(telemetry.reserve.scope<on>());
    CHECK(probe.tree() == "?{checkout{reserve,pay{bank}},reserve}");
    const apm::context here = apm::context::current<on>();
    std::thread([&] {
        const apm::attached_context<on> at(here);
        static_cast<void>(telemetry.bank.scope<on>());
    }).join();
    open.end();
    CHECK(probe.tree() == "checkout{checkout{reserve,pay{bank}},reserve,bank}");

    probe.restart();
    const apm::attached_context<on> remote(apm::context{{1, 2}, 3, true, true});
    check_out(9, 1);
    CHECK(probe.tree() == "checkout{reserve,pay{bank}}");
}

TEST_CASE("a name may be anything") {
    apm::testing::span_probe probe;
    {
        auto s = telemetry.bank.scope<on>();
        s.rename("");
        auto t = telemetry.bank.scope<on>();
        t.rename("\xff");
    }
    CHECK(probe.tree() == "{\ufffd}");
    CHECK(probe.find("") != nullptr);
}

TEST_CASE("a probe says what it could not see") {
    apm::testing::span_probe probe;
    std::uint64_t made = 0;
    while (probe.lost() == 0 && made < 100'000) {
        static_cast<void>(telemetry.bank.scope<on>());
        ++made;
    }
    CHECK(probe.lost() == 1);
    CHECK(probe.spans().size() == made - 1);
    CHECK(made > 500);
    probe.restart();
    CHECK(probe.lost() == 0);
}

TEST_CASE("all threads are seen, and more than one batch") {
    apm::testing::span_probe probe;
    std::atomic<int> done{0};
    in_threads(30, [&](std::size_t) {
        for (int i = 0; i < 100; ++i) {
            auto s = telemetry.bank.scope<on>();
            s.set("what", std::string(400, 'x'));  // 1.4 MB in all
        }
        ++done;
        while (done < 30) std::this_thread::yield();  // none ends early, and leaves its ring, full, to the next
    });
    CHECK(probe.spans().size() == 3000);
    CHECK(probe.lost() == 0);
}

TEST_CASE("on a manual clock, durations are exact") {
    apm::testing::manual_clock clock;
    apm::testing::span_probe probe;
    apm::testing::probe metrics;
    const std::uint64_t begun = clock.now();
    CHECK(begun == 1'000'000'000'000'000'000);
    {
        const auto all = telemetry.reserve.scope<on>();
        clock.advance(1ns);
        {
            auto query = telemetry.query.scope<on>();
            clock.advance(20ms);
            query.event("half");
            clock.advance(20ms);
        }
        clock.advance(3h);
        clock.advance(-1h);  // time does not go back
    }
    const apm::span_data *all = probe.find("reserve"), *query = probe.find("query");
    REQUIRE(all);
    REQUIRE(query);
    CHECK(all->start == begun);
    CHECK(query->start == begun + 1);
    CHECK(query->duration == 40'000'000);
    CHECK(query->events.at(0).time == begun + 20'000'001);
    CHECK(all->end() == clock.now());
    CHECK(all->duration == 10'800'040'000'001);
    const apm::execution ok = apm::execution::ok;
    CHECK(metrics.recorded(telemetry.query.metrics.duration, {.status = ok}) ==
          apm::testing::distribution{.count = 1, .sum = 0.04});
    CHECK(probe.text() == "10800 s  reserve\n"
                          "40.0 ms  └─ query\n"
                          "               +20.0ms half\n");
}

TEST_CASE("where time stands still, the order is that of the program") {
    const apm::testing::manual_clock clock(5);
    apm::testing::span_probe probe;
    check_out(7, 995);
    CHECK(probe.tree() == "checkout{reserve,pay{bank}}");
    CHECK(names(probe.spans()) == list{"checkout", "reserve", "pay", "bank"});
    CHECK(probe.find("bank")->start == 5);
}

TEST_CASE("afterwards the clock is as it was") {
    apm::testing::span_probe probe;
    static_cast<void>(telemetry.bank.scope<on>());
    auto& r = apm::detail::process_root();
    const auto source = r.clock.load(), rate = r.ns_per_tick.load(), refine_at = r.refine_at.load();
    {
        apm::testing::manual_clock outer(100);
        outer.advance(1ms);
        {
            apm::testing::manual_clock inner(7);
            inner.advance(1s);
            CHECK(outer.now() == 1'000'000'007);
        }
        CHECK(outer.now() == 1'000'100);
        in_threads(4, [&](std::size_t) {
            for (int i = 0; i < 1000; ++i) outer.advance(1ns);
        });
        CHECK(outer.now() == 1'004'100);
    }
    CHECK(r.clock.load() == source);
    CHECK(r.ns_per_tick.load() == rate);
    CHECK(r.refine_at.load() == refine_at);

    probe.restart();
    const std::uint64_t before = apm::detail::realtime_ns();
    {
        const auto s = telemetry.bank.scope<on>();
        std::this_thread::sleep_for(3ms);
    }
    const apm::span_data s = probe.spans().at(0);
    CHECK(s.duration >= 2'900'000);
    CHECK(s.start + 1'000'000'000 > before);
    CHECK(s.end() < apm::detail::realtime_ns() + 1'000'000'000);
}

TEST_CASE("another sampler, for a while") {
    int asked = 0;  // a state of its own
    const apm::sampler every_other{[](const apm::sampler& s, const apm::sampling_request&) -> apm::sampling_decision {
        return (*static_cast<int*>(s.data))++ % 2 == 0;
    }, 0, &asked};
    apm::testing::span_probe probe;
    const auto sampler = [] { return apm::detail::process_root().sampler.load(); };
    const auto before = sampler();
    {
        const apm::testing::sampling none(apm::always_off);
        const auto outer = sampler();
        CHECK(outer != before);
        check_out(1, 1);
        CHECK(probe.tree().empty());
        {
            const apm::testing::sampling some(every_other);
            for (int i = 0; i < 5; ++i) static_cast<void>(telemetry.bank.scope<on>());
            CHECK(probe.tree() == "bank,bank,bank");
        }
        CHECK(sampler() == outer);
        check_out(2, 2);
        CHECK(probe.tree() == "bank,bank,bank");
    }
    CHECK(sampler() == before);
    static_cast<void>(telemetry.reserve.scope<on>());
    CHECK(probe.tree() == "bank,bank,bank,reserve");
}
