// The service payment: POST /payments takes money.
#include <cstdio>
#include <random>

#include <apm/backend/table.hpp>

#include "bank.hpp"
#include "hop.hpp"
#include "services.hpp"

namespace shop::payment {

namespace {

http::Answer pay(const http::Request& request) {
    thread_local Dice dice(std::random_device{}());
    const auto purchase = purchase_of(form_of(request.body));
    if (request.verb != "POST" || request.path != "/payments") return {404, "POST /payments, please\n"};
    if (!purchase) return {400, "cents is a number, method is card, paypal or cash\n"};
    return take_money(*purchase, dice) == Outcome::ok ? http::Answer{200, "outcome=ok"} : http::Answer{402, "outcome=declined"};
}

}  // namespace

void run(const Options& options, const std::string& endpoint, const sigset_t& signals) {
    {
        const http::Server server(options.http_port, options.threads,
                                  [](const http::Request& request) { return serve(telemetry.visit, request, pay); });
        std::printf("shop-payment: %s, %s\n", server.url().c_str(), endpoint.c_str());
        std::fflush(stdout);
        int signal = 0;
        sigwait(&signals, &signal);
    }
    APM_IF_ENABLED(std::puts("\nWhat shop-payment measured:\n");)
    apm::print_table();
}

}  // namespace shop::payment
