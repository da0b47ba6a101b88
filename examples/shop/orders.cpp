// The service orders: POST /orders checks out, and asks the service payment for the money.
#include <cstdio>

#include <apm/backend/table.hpp>

#include "checkout.hpp"
#include "hop.hpp"
#include "services.hpp"

namespace shop::orders {

namespace {

Outcome ask_payment(const Service& payment, const Purchase& purchase) {
    switch (call(telemetry.ask_payment, payment, "/payments", to_text(purchase)).status) {
        case 200: return Outcome::ok;
        case 402: return Outcome::declined;
        default: return Outcome::failed;
    }
}

http::Answer place(const http::Request& request, const Service& payment) {
    const auto purchase = purchase_of(form_of(request.body));
    if (request.verb != "POST" || request.path != "/orders") return {404, "POST /orders, please\n"};
    if (!purchase) return {400, "customer, items and cents are numbers, method is card, paypal or cash\n"};
    const Receipt r = check_out(*purchase, [&](const Purchase& p) { return ask_payment(payment, p); });
    const int status = r.outcome == Outcome::ok ? 200 : r.outcome == Outcome::declined ? 402 : 502;
    return {status, to_text(Form{{"outcome", boost::describe::enum_to_string(r.outcome, "")},
                                 {"nanoseconds", std::to_string(r.took.count())}})};
}

}  // namespace

void run(const Options& options, const std::string& endpoint, const sigset_t& signals) {
    const Service payment(options.payment_url);
    {
        const http::Server server(options.http_port, options.threads, [&](const http::Request& request) {
            return serve(telemetry.visit, request, [&](const http::Request& r) { return place(r, payment); });
        });
        std::printf("shop-orders: %s, %s\n", server.url().c_str(), endpoint.c_str());
        std::fflush(stdout);
        int signal = 0;
        sigwait(&signals, &signal);
    }
    APM_IF_ENABLED(std::puts("\nWhat shop-orders measured:\n");)
    apm::print_table();
}

}  // namespace shop::orders
