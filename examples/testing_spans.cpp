// Traces are behaviour, too: which spans, one in another, with what, and how long? On a clock that the test moves.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <apm/apm.hpp>
#include <apm/testing.hpp>

using namespace std::chrono_literals;

APM_FIELDS(Checkout, (int, order_id), (std::optional<std::string_view>, coupon));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};

    span<Checkout>                          checkout{this, "checkout", "One checkout"};
    span<>                                  reserve{this, "reserve", "Goods are put aside"};
    span<apm::no_attributes, apm::client>   pay{this, "pay", "The bank is asked for money"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// What is tested. A program would wait for its bank where this one calls `wait`.
template <class Wait>
bool check_out(int order, Wait&& wait) {
    TRACE_SCOPE(telemetry.checkout, {.order_id = order, .coupon = "X"});
    {
        TRACE_SCOPE(telemetry.reserve);
        wait(1200us);
    }
    TRACE_SCOPE(telemetry.pay);
    wait(20ms);
    apm::current_span().event("asked again", {{"attempt", 2}});
    wait(5ms);
    if (order != 13) return true;
    apm::current_span().status(apm::span_status::error, "the card was declined");
    return false;
}

#define CHECK(condition) if (!(condition)) std::printf("line %d: not so: %s\n", __LINE__, #condition), std::exit(1)

int main() {
    apm::testing::manual_clock clock;    // as long as it lives, time passes where advance() is called
    apm::testing::span_probe spans;      // sees the spans that end from here on; needs no runtime, no back end, no reset
    const auto wait = [&](std::chrono::nanoseconds time) { clock.advance(time); };

    check_out(7, wait);
    CHECK(spans.tree() == "checkout{reserve,pay}");
    CHECK(spans.tree({"order_id"}) == "checkout[order_id=7]{reserve,pay}");
    CHECK(spans.find("checkout")->attribute<std::string>("coupon") == "X");
    CHECK(spans.find("pay")->duration == 25'000'000);
    CHECK(spans.find("pay")->status == apm::span_status::unset);

    spans.restart();
    check_out(13, wait);
    CHECK(spans.find("pay")->status == apm::span_status::error);
    CHECK(spans.find("pay")->message == "the card was declined");
    std::fputs(spans.text().c_str(), stdout);  // for the message of a test that failed

    spans.restart();
    const apm::testing::sampling off(apm::always_off);
    check_out(7, wait);
    CHECK(spans.tree().empty());
}
