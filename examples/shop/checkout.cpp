#include "checkout.hpp"

#include <cmath>
#include <thread>

namespace shop {

namespace {

// How long people and banks take: the median of each method, at times ten times that; and a "no" of the bank now and then.
constexpr double typical_ms[] = {7, 12, 3};
constexpr double declines[] = {0.05, 0.02, 0};

Outcome pay(const Basket& basket, Method method, std::string_view card, Dice& dice) {
    TRACE_SCOPE(telemetry.authorize, {.method = method, .cents = basket.cents, .card_number = card});
    // Times this scope: the method is all that its labels need, and is known now.
    APM_TIME(telemetry.payment, {.method = method});
    const auto m = static_cast<std::size_t>(method);
    std::lognormal_distribution<double> milliseconds(std::log(typical_ms[m]), 0.7);
    const std::chrono::duration<double, std::milli> wait(milliseconds(dice));
    if (!bank_answers_at_once) std::this_thread::sleep_for(wait);
    if (!std::bernoulli_distribution(declines[m])(dice)) return Outcome::ok;
    apm::current_span().event("declined", {{"reason", "insufficient funds"}});
    apm::current_span().status(apm::span_status::error, "the bank said no");
    return Outcome::declined;
}

Receipt write_receipt(const Basket& basket, Method method, Outcome outcome, std::chrono::nanoseconds took) {
    TRACE_SCOPE(telemetry.receipt);
    return {method, outcome, basket.cents, basket.items, took};
}

}  // namespace

Receipt check_out(std::uint64_t customer, const Basket& basket, Method method, std::string_view card, Dice& dice) {
    TRACE_SCOPE(telemetry.check_out, {.customer = customer, .items = basket.items, .cents = basket.cents});
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = pay(basket, method, card, dice);
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;

    telemetry.orders.add(1, {.method = method, .outcome = outcome});
    telemetry.checkout.record(took, {.method = method, .outcome = outcome});  // now that the outcome is known
    telemetry.items.record(basket.items);
    if (outcome == Outcome::ok) telemetry.revenue.add(static_cast<double>(basket.cents) / 100, {.method = method});
    return write_receipt(basket, method, outcome, took);
}

}  // namespace shop
