#include "bank.hpp"

#include <chrono>
#include <cmath>
#include <thread>

namespace shop::payment {

namespace {

// How long people and banks take: the median of each method, at times ten times that; and a "no" of the bank now and then.
constexpr double typical_ms[] = {7, 12, 3};
constexpr double declines[] = {0.05, 0.02, 0};
constexpr double odd[] = {0, 0.1, 0};

bool happens(double probability, Dice& dice) { return std::bernoulli_distribution(probability)(dice); }

void wait(std::chrono::duration<double, std::milli> time) {
    if (!bank_answers_at_once) std::this_thread::sleep_for(time);
}

// The slow path, which a trace shows at once.
void check_for_fraud(Method method) {
    TRACE_SCOPE(telemetry.fraud, {.method = method});
    wait(std::chrono::milliseconds(80));
}

Outcome ask_bank(const Purchase& purchase, Dice& dice) {
    TRACE_SCOPE(telemetry.authorize, {.method = purchase.method, .cents = purchase.cents, .card_number = purchase.card});
    const auto m = static_cast<std::size_t>(purchase.method);
    wait(std::chrono::duration<double, std::milli>(std::lognormal_distribution<double>(std::log(typical_ms[m]), 0.7)(dice)));
    if (!happens(declines[m], dice)) return Outcome::ok;
    apm::current_span().event("declined", {{"reason", "insufficient funds"}});
    apm::current_span().status(apm::span_status::error, "the bank said no");
    return Outcome::declined;
}

}  // namespace

Outcome take_money(const Purchase& purchase, Dice& dice) {
    // Times this scope: the method is all that its labels need, and is known now.
    APM_TIME(telemetry.payment, {.method = purchase.method});
    if (happens(odd[static_cast<std::size_t>(purchase.method)], dice)) check_for_fraud(purchase.method);
    const Outcome outcome = ask_bank(purchase, dice);
    if (outcome == Outcome::ok) telemetry.revenue.add(static_cast<double>(purchase.cents) / 100, {.method = purchase.method});
    return outcome;
}

}  // namespace shop::payment
