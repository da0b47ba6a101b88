// A small shop under load, instrumented with apm: three processes that speak HTTP, gateway -> orders -> payment. Each has an
// endpoint for Prometheus and writes its spans to files; at the end it prints a table of what it measured.
//
// What is measured is declared in schema/shop.hpp; front.cpp, checkout.cpp and bank.cpp record it; hop.hpp carries a trace from
// one process to the next; this file owns the back ends.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <sys/prctl.h>

#include <apm/runtime.hpp>

#include "child.hpp"
#include "options.hpp"
#include "services.hpp"

namespace {

constexpr const char* names[] = {"shop-gateway", "shop-orders", "shop-payment"};

std::string endpoint_of(const apm::runtime& apm) {
    if (!APM_ENABLED) return "built with APM_ENABLED=0: nothing is measured";
    if (apm.prometheus_port() == 0) return "no endpoint for Prometheus";
    return "metrics: http://127.0.0.1:" + std::to_string(apm.prometheus_port()) + "/metrics";
}

// The services that the gateway needs and that are not there yet. They end in the order in which they call each other.
struct Services {
    std::optional<shop::Child> payment, orders;

    explicit Services(shop::Options& o) {
        if (o.role != shop::Role::gateway || !o.orders_url.empty()) return;
        const auto arguments = [&](const char* role, int offset, std::vector<std::string> more = {}) {
            // Of the connections each customer keeps one, and so do some from outside.
            more.insert(more.begin(), {"--role", role, "--threads", std::to_string(o.threads + 16), "--port",
                                       std::to_string(o.service_port ? o.service_port + offset : 0)});
            return more;
        };
        if (o.payment_url.empty()) o.payment_url = payment.emplace(arguments("payment", 1)).url();
        o.orders_url = orders.emplace(arguments("orders", 0, {"--payment", o.payment_url})).url();
    }
    bool stop() {
        const bool well = !orders || orders->stop();
        return (!payment || payment->stop()) && well;
    }
};

}  // namespace

int main(int argc, char** argv) try {
    shop::Options options = shop::read(argc, argv);

    // Before the first thread starts: all of them leave these signals to this one.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    Services services(options);

    const char* const name = names[static_cast<int>(options.role)];
    prctl(PR_SET_NAME, name);   // for ps and top, to whom a service would be "exe"
    const bool is_gateway = options.role == shop::Role::gateway;
    std::string traces;
    {
        apm::runtime apm{{.service = {.name = name, .version = "1.4.0"},
                          .prometheus = {.port = options.port.value_or(is_gateway ? 9464 : 0)},
                          .traces_exporter = "file",
                          .file = {.stem = name},
                          .span_interval = std::chrono::seconds(1)}};
        switch (options.role) {
            case shop::Role::gateway: shop::gateway::run(options, endpoint_of(apm), signals); break;
            case shop::Role::orders:  shop::orders::run(options, endpoint_of(apm), signals); break;
            case shop::Role::payment: shop::payment::run(options, endpoint_of(apm), signals); break;
        }
        traces = apm.trace_path();
    }
    const bool well = services.stop();
    if (is_gateway && !traces.empty())
        std::printf("\nAll spans are in %s: see tools/traces\n", traces.substr(0, traces.rfind('/')).c_str());
    if (well) return 0;
    std::fputs("shop: a service did not end well\n", stderr);
    return 1;
} catch (const std::exception& e) {
    std::fprintf(stderr, "shop: %s\n", e.what());
    return 1;
}
