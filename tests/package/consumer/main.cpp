#include <cinttypes>
#include <cstdio>

#include <apm/runtime.hpp>
#include <apm/testing.hpp>

#include "shop.hpp"

int main() {
    apm::runtime apm{{.service = {.name = "consumer"}, .metrics_exporter = "none"}};
    const apm::testing::probe probe;
    for (int i = 0; i < 3; ++i) shop::check_out();
    const std::int64_t orders = probe.added(shop::telemetry.orders, {.method = shop::Method::card});
    std::printf("recording: %s, orders: %" PRId64 "\n", apm.running() ? "on" : "off", orders);
}
