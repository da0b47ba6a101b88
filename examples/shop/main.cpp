// A small shop under load, instrumented with apm: while it runs a page for Prometheus and a file of traces, at its end a table of
// what was measured and one check-out as a tree.
// What is measured is declared in schema/shop.hpp; checkout.cpp and front.cpp record it; this file owns the back ends.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>

#include <unistd.h>

#include <apm/backend/table.hpp>
#include <apm/runtime.hpp>
#include <apm/schema/shop.hpp>

#include "front.hpp"
#include "load.hpp"
#include "options.hpp"
#include "showcase.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Waits a moment, or less if somebody wants the shop to close.
bool told_to_close(const sigset_t& signals) {
    const timespec moment{0, 200'000'000};
    return sigtimedwait(&signals, nullptr, &moment) > 0;
}

// Until the time is up, all orders are placed, or somebody wants the shop to close.
void stay_open(const shop::Options& options, const shop::Front& front, const shop::Load& load, const sigset_t& signals) {
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

void greet(const apm::runtime& apm) {
    if (!APM_ENABLED) std::puts("The shop is open. It was built with APM_ENABLED=0: nothing is measured.");
    else if (apm.prometheus_port() == 0) std::puts("The shop is open. No page is served; it ends with a table.");
    else std::printf("The shop is open. What it measures: http://127.0.0.1:%u/metrics\n", unsigned{apm.prometheus_port()});
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const shop::Options options = shop::read(argc, argv);

    // Before the first thread starts: all of them leave these signals to this one.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    APM_IF_ENABLED(shop::Showcase showcase;)  // before the runtime, which hands it spans
    apm::runtime apm{{.service = {.name = "shop", .version = "1.4.0"},
                      .prometheus = {.port = options.port},
                      .traces_exporter = "file",
                      .span_interval = std::chrono::seconds(1)}
                     APM_IF_ENABLED(, showcase)};
    greet(apm);

    shop::Front front;
    // Nobody counts these while they change; whoever looks is told.
    const auto open_carts = shop::telemetry.open_carts.observe([&] { return front.baskets.size(); });
    const auto stock = shop::telemetry.stock.observe([&] {
        for (const shop::Piece& p : front.shelves.pieces) shop::telemetry.stock.set(p.stock.load(), {.product = p.name});
    });

    shop::Load load(front, options.customers, options.orders);
    stay_open(options, front, load, signals);
    load.stop();

    apm::print_table();
    APM_IF_ENABLED(if (apm.flush(std::chrono::seconds(5))) showcase.print();)
    if (const std::string path = apm.trace_path(); !path.empty())
        std::printf("\nAll of them: %s, for https://ui.perfetto.dev or chrome://tracing\n", path.c_str());
    if (options.tally) load.tally().print();
    if (options.wait) {
        std::puts("The shop is closed; its page stays until SIGTERM or Ctrl-C.");
        std::fflush(stdout);
        int signal = 0;
        sigwait(&signals, &signal);
    }
}
