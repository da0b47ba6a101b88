#!/usr/bin/env python3
"""A restart of the shop on its port is a reset for Prometheus: counters begin anew and nothing is lost or doubled.

usage: restart.py SHOP
"""
import sys

from harness import Prometheus, Shop, check, own_port, run


def requests(counts, name):
    return {labels: int(n) for (what, labels), n in counts.items() if what == name and int(n) > 0}


def main():
    port = own_port()
    name = "shop_http_requests_total"
    with Prometheus(f"http://127.0.0.1:{port}/metrics") as prometheus:
        with Shop(sys.argv[1], 600, port) as first:
            before = requests(first.tally(), "shop.http.requests")
            prometheus.wait_for_scrape()
            check(requests(prometheus.query(name), name) == before, "not what the first run did")
            check(first.stop() == 0, "the shop did not end well")
        with Shop(sys.argv[1], 60, port) as second:  # the port is free at once
            after = requests(second.tally(), "shop.http.requests")
            prometheus.wait_for_scrape()
            check(requests(prometheus.query(name), name) == after, "not what the second run did")
            resets = 0
            for labels, count in before.items():
                if count <= after.get(labels, 0):
                    continue
                if labels in after:     # else it is not in the new exposition
                    resets += 1
                    series = name + "{" + ",".join(f'{k}="{v}"' for k, v in labels) + "}"
                    check(prometheus.number(f"resets({series}[2m])") == 1, f"{series}: Prometheus saw no reset")
            check(resets > 3, f"only {resets} series were compared")
            check(prometheus.number(f"max(resets({name}[2m]))") == 1, "more than one reset")
            check(second.stop() == 0, "the shop did not end well")
        print(f"{sum(before.values())} requests, a restart, {sum(after.values())} requests: one reset")


run(main)
