// The service gateway: customers' requests, those of the load and those that come over the wire; check-outs go to the service
// orders.
#include <chrono>
#include <cstdio>
#include <ctime>

#include <unistd.h>

#include <apm/backend/table.hpp>

#include "front.hpp"
#include "hop.hpp"
#include "load.hpp"
#include "services.hpp"

namespace shop::gateway {

namespace {

using Clock = std::chrono::steady_clock;

Receipt place_order(const Service& orders, const Purchase& p) {
    Receipt receipt{p.method, Outcome::failed, p.cents, p.items, {}};
    const Form answer = form_of(call(telemetry.place_order, orders, "/orders", to_text(p)).body);
    if (const auto at = answer.find("outcome"); at != answer.end())
        boost::describe::enum_from_string(at->second.c_str(), receipt.outcome);
    std::int64_t nanoseconds = 0;
    if (read(answer, "nanoseconds", nanoseconds)) receipt.took = std::chrono::nanoseconds(nanoseconds);
    return receipt;
}

// The front begins the request's span itself, for the load's sake. From outside, it is a child of the caller's span.
http::Answer answer_outsider(Front& front, const http::Request& request) {
    const auto caller = apm::attach(apm::extract(request.headers));
    Form form = form_of(request.query);
    form.merge(form_of(request.body));
    const auto who = purchase_of(form);
    if (!who) return {400, "customer is a number, method is card, paypal or cash\n"};
    if (request.verb != "GET" && request.verb != "POST") return {405, "GET or POST, please\n"};
    const Verb verb = request.verb == "POST" ? Verb::POST : Verb::GET;
    const Answer a = front.answer({verb, request.path, who->customer, who->method, who->card});
    return {a.status, a.route == "unknown" ? "there is no such page\n" : std::string(a.route) + "\n"};
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Waits a moment, or less if the shop is to close.
bool told_to_close(const sigset_t& signals) {
    const timespec moment{0, 200'000'000};
    return sigtimedwait(&signals, nullptr, &moment) > 0;
}

// Until the time is up, all orders are placed, or the shop is to close.
void stay_open(const Options& options, const Front& front, const Load& load, const sigset_t& signals) {
    const bool terminal = isatty(STDOUT_FILENO);
    const auto start = Clock::now();
    while (seconds_since(start) < static_cast<double>(options.seconds) && !load.done() && !told_to_close(signals)) {
        if (!terminal) continue;
        const double elapsed = seconds_since(start);
        std::printf("\r%4.0f s  %llu orders, %.0f per second, %zu baskets open \033[K", elapsed,
                    static_cast<unsigned long long>(load.orders()), static_cast<double>(load.orders()) / elapsed,
                    front.baskets.size());
        std::fflush(stdout);
    }
    if (terminal) std::printf("\r\033[K");
}

}  // namespace

void run(const Options& options, const std::string& endpoint, const sigset_t& signals) {
    const Service orders(options.orders_url);
    Front front([&](const Purchase& p) { return place_order(orders, p); });
    // Not counted while they change: read at each collection.
    const auto open_carts = telemetry.open_carts.observe([&] { return front.baskets.size(); });
    const auto stock = telemetry.stock.observe([&] {
        for (const Piece& p : front.shelves.pieces) telemetry.stock.set(p.stock.load(), {.product = p.name});
    });

    const http::Server server(options.http_port, 8, [&](const http::Request& r) { return answer_outsider(front, r); });
    std::printf("shop-gateway: %s, %s\nThe shop is open.\n", server.url().c_str(), endpoint.c_str());
    std::fflush(stdout);

    Load load(front, options.orders ? options.threads : 0, options.orders ? options.orders : UINT64_MAX);
    stay_open(options, front, load, signals);
    load.stop();

    APM_IF_ENABLED(std::puts("\nWhat shop-gateway measured:\n");)
    apm::print_table();
    if (options.tally) load.tally().print();
    if (options.wait) {
        std::puts("The shop is closed; its endpoints stay until SIGTERM or Ctrl-C.");
        std::fflush(stdout);
        int signal = 0;
        sigwait(&signals, &signal);
    }
}

}  // namespace shop::gateway
