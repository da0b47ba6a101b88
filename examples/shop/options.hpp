// What the shop's command line says.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "http.hpp"

namespace shop {

enum class Role { gateway, orders, payment };

struct Options {
    Role role = Role::gateway;
    std::uint64_t seconds = 20;
    std::uint64_t orders = UINT64_MAX;
    unsigned threads = 8;
    std::optional<std::uint16_t> port = {};   // of the endpoint for Prometheus
    std::uint16_t service_port = 0;           // of the endpoints of orders and payment
    std::uint16_t http_port = 0;
    std::string orders_url = {}, payment_url = {};
    bool tally = false;
    bool wait = false;
};

inline constexpr const char* usage =
    "usage: shop [--seconds N] [--threads N] [--orders N] [--port N] [--service-port N] [--http-port N]\n"
    "            [--orders-url URL] [--payment URL] [--wait] [--tally]\n"
    "       shop --role orders --payment URL [--threads N] [--port N] [--http-port N]\n"
    "       shop --role payment [--threads N] [--port N] [--http-port N]\n"
    "\n"
    "Without a role: the gateway under load. It starts the services orders and payment, and ends them at its end.\n"
    "  --seconds N       how long the shop is open (20)\n"
    "  --threads N       customers at once (8); of a service: connections at once (32)\n"
    "  --orders N        close after exactly N orders, however long that takes; 0: no load, open for --seconds\n"
    "  --port N          where the endpoint for Prometheus is served (9464, of a service 0; 0: any free port)\n"
    "  --service-port N  the same of the services that are started: orders N, payment N+1 (0: any free ports)\n"
    "  --http-port N     where requests are answered, on 127.0.0.1 (0: any free port; it is printed)\n"
    "  --orders-url URL  the service orders that is there already, such as http://127.0.0.1:8001; none is started\n"
    "  --payment URL     the same of the service payment\n"
    "  --wait            stay after closing, endpoints and services, until SIGTERM or Ctrl-C\n"
    "  --tally           print what the customers counted themselves\n"
    "\n"
    "A service by itself answers until SIGTERM or Ctrl-C: orders takes POST /orders, payment POST /payments, both a form of\n"
    "customer, items, cents, method (card, paypal, cash) and card. 200: paid; 402: declined; 502: the bank could not be reached.\n"
    "The gateway takes GET / and /product/lamp, POST /basket/lamp and /checkout, with customer=N, method and card.\n";

// Ends the program with one line where the command line is wrong.
inline Options read(int argc, char** argv) {
    Options o;
    bool limited = false, timed = false, threaded = false, serviced = false, unused = false;
    const auto reject = [](const std::string& why) {
        std::fprintf(stderr, "shop: %s\n", why.c_str());
        std::exit(2);
    };
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto next = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
        const auto number = [&](auto& target, bool& given, std::uint64_t low, std::uint64_t high) {
            const std::string text = next();
            std::uint64_t n = 0;
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
            if (failed != std::errc{} || end != text.data() + text.size() || n < low || n > high)
                reject(name + " needs a number from " + std::to_string(low) + " to " + std::to_string(high));
            target = static_cast<std::remove_reference_t<decltype(target)>>(n);
            given = true;
        };
        const auto address = [&](std::string& target) {
            http::Address parts;
            target = next();
            if (!http::is_address(target, parts)) reject(name + " needs a URL such as http://127.0.0.1:8001");
        };
        if (name == "--seconds") number(o.seconds, timed, 0, 1'000'000);
        else if (name == "--orders") number(o.orders, limited, 0, 1'000'000'000);
        else if (name == "--threads") number(o.threads, threaded, 1, 300);
        else if (name == "--port") number(o.port.emplace(), unused, 0, 65'535);
        else if (name == "--service-port") number(o.service_port, serviced, 0, 65'534);
        else if (name == "--http-port") number(o.http_port, unused, 0, 65'535);
        else if (name == "--orders-url") address(o.orders_url);
        else if (name == "--payment") address(o.payment_url);
        else if (name == "--tally") o.tally = true;
        else if (name == "--wait") o.wait = true;
        else if (name == "--help" || name == "-h") std::fputs(usage, stdout), std::exit(0);
        else if (name == "--role") {
            const std::string role = next();
            if (role == "gateway") o.role = Role::gateway;
            else if (role == "orders") o.role = Role::orders;
            else if (role == "payment") o.role = Role::payment;
            else reject("--role needs gateway, orders or payment");
        } else reject("what is " + name + "? See shop --help");
    }
    if (o.role == Role::orders && o.payment_url.empty()) reject("--role orders needs --payment URL");
    if (o.role != Role::gateway && (limited || timed || serviced || o.wait || o.tally || !o.orders_url.empty()))
        reject("--seconds, --orders, --orders-url, --service-port, --wait and --tally are the gateway's");
    // Of a service it may be more: each customer has a connection to it, and others have some.
    if (o.role == Role::gateway && o.threads > 256) reject("--threads needs a number from 1 to 256");
    if (o.role != Role::gateway && !threaded) o.threads = 32;
    if (limited && o.orders > 0 && !timed) o.seconds = 1'000'000;
    return o;
}

}  // namespace shop
