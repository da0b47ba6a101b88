// Spans: what happened within what, for how long, and how it ended.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <apm/apm.hpp>
#include <apm/testing.hpp>
#include <apm/traced.hpp>

APM_FIELDS(Checkout, (std::uint64_t, order_id), (std::optional<std::string_view>, coupon), (apm::secret, card));
APM_FIELDS(Query, (apm::named<std::string, "db.query.text">, text));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "spans"};

    span<Checkout>                          checkout{this, "checkout", "One checkout, from the basket to the receipt"};
    span<Query, apm::client, apm::measured> query{this, "query", "One query of the data base"};  // counts and times itself too
    span<>                                  commit{this, "commit", "Making it last"};
    span<>                                  mail{this, "mail", "A receipt on its way"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void ask(const std::string& text) {
    TRACE_SCOPE(telemetry.query, {.text = text});  // from here to the end of this scope, and a child of what is current
    if (text == "COMMIT") throw std::runtime_error("deadlock");
}

void check_out(std::uint64_t order, const std::string& card) {
    auto checkout = telemetry.checkout.scope({.order_id = order, .card = card});  // the card's number is taken and not kept
    ask("SELECT 1");
    checkout.set<&Checkout::coupon>("WELCOME");
    checkout.event("reserved", {{"items", 3}});
    std::thread mailing(apm::wrap([] { TRACE_SCOPE(telemetry.mail); }));  // elsewhere, but a child of this checkout
    mailing.join();
    try {
        apm::traced(telemetry.commit, [] { ask("COMMIT"); });  // a call as a span, with what it throws
    } catch (const std::exception& e) {
        checkout.status(apm::span_status::error, e.what());
    }
}

int main() {
    apm::testing::span_probe spans;
    const apm::testing::probe metrics;
    check_out(7, "4111 1111 1111 1111");
    std::puts(spans.tree({"order_id", "coupon", "card", "db.query.text"}).c_str());
    for (const auto& event : spans.find("commit")->events)
        for (const auto& attribute : event.attributes)
            std::printf("%s: %s=%s\n", event.name.c_str(), attribute.name.c_str(), attribute.as<std::string>()->c_str());
    const auto queries = [&](apm::execution how) { return metrics.added(telemetry.query.metrics.executions, {.status = how}); };
    std::printf("queries: %g ok, %g failed\n", static_cast<double>(queries(apm::execution::ok)),
                static_cast<double>(queries(apm::execution::error)));
}
