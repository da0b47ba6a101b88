#!/usr/bin/env python3
"""A Prometheus scrapes the three services of the shop under load, and knows what the load did, to the unit.

usage: scrape.py SHOP
"""
import math
import re
import sys

from harness import Prometheus, Shop, check, run

# An odd number, of which no quantile's rank is whole: so it is clear in which bucket each lies.
ORDERS = 2001
BOUNDS = [0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
COUNTS = {
    "shop.http.requests": "shop_http_requests_total",
    "shop.orders": "shop_orders_total",
    "shop.checkout.duration.count": "shop_checkout_duration_seconds_count",
    "shop.payment.duration.count": "shop_payment_duration_seconds_count",
    "shop.basket.items.count": "shop_basket_items_count",
    "shop.basket.items.sum": "shop_basket_items_sum",
    "shop.carts.open": "shop_carts_open",
}
SCALED = {  # name in the exposition, and how many of the tally's unit one of its is
    "shop.checkout.duration.nanoseconds": ("shop_checkout_duration_seconds_sum", 1e9),
    "shop.revenue.cents": ("shop_revenue_total", 100),
}


def check_counts(tally, series):
    unclaimed = {key for key, value in series.items() if float(value) != 0 and key[0] in COUNTS.values()}
    for (name, labels), expected in tally.items():
        if name in COUNTS:
            key = COUNTS[name], labels
            check(series.get(key) == str(expected), f"{key}: Prometheus has {series.get(key)}, the load made {expected}")
            unclaimed.discard(key)
        elif name in SCALED:
            key, scale = (SCALED[name][0], labels), SCALED[name][1]
            got = float(series.get(key, "nan")) * scale
            check(math.isclose(got, expected, rel_tol=1e-9), f"{key}: Prometheus has {got}, the load made {expected}")
    check(not unclaimed, f"Prometheus has what the load did not do: {unclaimed}")
    orders = sum(int(v) for (name, _), v in series.items() if name == "shop_orders_total")
    check(orders == ORDERS, f"{orders} orders instead of {ORDERS}")
    check(series["shop_http_requests_in_flight", frozenset()] == "0", "requests in flight when all are answered")
    check(len([1 for name, _ in series if name == "shop_stock"]) == 6, "the shelves are not all in the exposition")


def bucket_of(seconds):
    return next(i for i, bound in enumerate(BOUNDS) if seconds <= bound)


def check_quantiles(tally, prometheus):
    for percent in 50, 95, 99:
        truth = tally[f"shop.checkout.duration.p{percent}", frozenset()] / 1e9
        estimate = prometheus.number(
            f"histogram_quantile({percent / 100}, sum by (le) (shop_checkout_duration_seconds_bucket))")
        check(bucket_of(truth) == bucket_of(estimate), f"p{percent} is {truth}, Prometheus says {estimate}: another bucket")


def check_table(lines, expected):
    """The table that the shop prints at its end estimates as Prometheus does."""
    compared = 0
    for line in lines:
        match = re.match(r"  shop\.checkout\.duration\{method=(\w+),outcome=(\w+)\} .* ([\d.]+) (ms|us|s) +[\d.]+ \w+$", line)
        if match:
            printed = float(match[3]) * {"s": 1, "ms": 1e-3, "us": 1e-6}[match[4]]
            exact = float(expected["", frozenset({("method", match[1]), ("outcome", match[2])})])
            check(math.isclose(printed, exact, rel_tol=0.01), f"{line!r}: Prometheus says {exact}")
            compared += 1
    check(compared >= 3, f"only {compared} lines of the table were compared")


def main():
    with Shop(sys.argv[1], ORDERS) as shop, Prometheus(*shop.endpoints.values()) as prometheus:
        tally = shop.tally()
        prometheus.wait_for_scrape()
        series = prometheus.query('{__name__=~"shop_.*"}')
        check_counts(tally, series)
        check_quantiles(tally, prometheus)
        by_instance = "count by (instance) (count by (instance, __name__) ({__name__=~'apm_.*'}))"
        check(prometheus.number(f"count({by_instance} > 5)") == 3, "the library says nothing of itself")
        quantiles = prometheus.query("histogram_quantile(0.95, shop_checkout_duration_seconds_bucket)")
        status = shop.stop()
        check(status == 0, f"the shop exited with {status}")
        check_table(shop.rest(), quantiles)     # each service prints its own when it ends
        print(f"{len(tally)} tallies, {len(series)} series: all equal")


run(main)
