#!/usr/bin/env python3
"""A restart of the shop on its port is a reset for Prometheus: counters begin anew and nothing is lost or doubled.

usage: restart.py SHOP
"""
import sys

from harness import Prometheus, Shop, check, free_port, run


def orders(counts, name):
    return {labels: int(n) for (what, labels), n in counts.items() if what == name and int(n) > 0}


def main():
    port = free_port()
    with Prometheus(f"127.0.0.1:{port}") as prometheus:
        with Shop(sys.argv[1], 600, port) as first:
            before = orders(first.tally(), "shop.orders")
            prometheus.wait_for_scrape()
            check(orders(prometheus.query("shop_orders_total"), "shop_orders_total") == before, "not what the first run did")
            check(first.stop() == 0, "the shop did not end well")
        with Shop(sys.argv[1], 60, port) as second:  # the port is free at once
            after = orders(second.tally(), "shop.orders")
            prometheus.wait_for_scrape()
            check(orders(prometheus.query("shop_orders_total"), "shop_orders_total") == after, "not what the second run did")
            for labels, count in before.items():
                if count <= after.get(labels, 0):
                    continue
                series = "shop_orders_total{" + ",".join(f'{k}="{v}"' for k, v in labels) + "}"
                check(prometheus.number(f"resets({series}[2m])") == 1, f"{series}: Prometheus saw no reset")
            check(prometheus.number("max(resets(shop_orders_total[2m]))") == 1, "more than one reset")
            check(second.stop() == 0, "the shop did not end well")
        print(f"{sum(before.values())} orders, a restart, {sum(after.values())} orders: one reset")


run(main)
