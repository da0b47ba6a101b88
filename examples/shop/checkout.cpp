#include "checkout.hpp"

namespace shop::orders {

namespace {

Receipt write_receipt(const Purchase& p, Outcome outcome, std::chrono::nanoseconds took) {
    TRACE_SCOPE(telemetry.receipt);
    return {p.method, outcome, p.cents, p.items, took};
}

}  // namespace

Receipt check_out(const Purchase& purchase, const Pay& pay) {
    TRACE_SCOPE(telemetry.check_out, {.customer = purchase.customer, .items = purchase.items, .cents = purchase.cents});
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = pay(purchase);
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    if (outcome == Outcome::declined) apm::current_span().status(apm::span_status::error, "the bank said no");
    if (outcome == Outcome::failed) apm::current_span().status(apm::span_status::error, "the bank could not be reached");

    telemetry.orders.add(1, {.method = purchase.method, .outcome = outcome});
    telemetry.checkout.record(took, {.method = purchase.method, .outcome = outcome});  // now that the outcome is known
    telemetry.items.record(purchase.items);
    return write_receipt(purchase, outcome, took);
}

}  // namespace shop::orders
