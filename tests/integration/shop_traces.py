#!/usr/bin/env python3
"""What the shop's customers did is in its trace file, to the order: each check-out with all of its spans, no secret, and on the page
as many spans begun as exported.

usage: shop_traces.py SHOP
"""
import collections
import json
import re
import sys

from harness import Shop, check, get, run

ORDERS = 300


def spans_of(directory):
    for path in sorted(directory.glob("traces.jsonl*")):
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    check(scope["scope"]["name"] == "shop", f"a span of {scope['scope']}")
                    yield from scope["spans"]


def main():
    with Shop(sys.argv[1], ORDERS) as shop:
        tally = shop.tally()
        orders = sum(n for (name, _), n in tally.items() if name == "shop.orders")
        requests = sum(n for (name, _), n in tally.items() if name == "shop.http.requests")
        text = get(shop.url)[0]
        check(shop.stop() == 0, "the shop did not end well")
        spans = list(spans_of(shop.traces))
        everything = "".join(p.read_text() for p in shop.traces.iterdir())

    named = collections.Counter(s["name"] for s in spans)
    check(named["request"] == requests, f"{named['request']} requests in the file, {requests} were made")
    for name in "checkout", "bank.authorize", "receipt.write":
        check(named[name] == orders, f"{named[name]} {name} in the file, {orders} orders were placed")
    check(len({s["spanId"] for s in spans}) == len(spans), "two spans of one id")

    by_id = {s["spanId"]: s for s in spans}
    parent_of = {"checkout": "request", "bank.authorize": "checkout", "receipt.write": "checkout"}
    for s in spans:
        if s["name"] == "request":
            check("parentSpanId" not in s, "a request with a parent")
            continue
        parent = by_id[s["parentSpanId"]]
        check(parent["name"] == parent_of[s["name"]] and parent["traceId"] == s["traceId"], f"{s['name']} below {parent['name']}")
        check(int(parent["startTimeUnixNano"]) <= int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) <=
              int(parent["endTimeUnixNano"]), f"{s['name']} is not within {parent['name']}")

    declined = sum(n for (name, labels), n in tally.items() if name == "shop.orders" and ("outcome", "declined") in labels)
    failed = [s for s in spans if s.get("status", {}).get("code") == 2]
    check(len(failed) == declined and {s["name"] for s in failed} <= {"bank.authorize"}, f"{len(failed)} errors, {declined} declined")
    check("4000 0000 0000" not in everything, "a card's number is in a file")

    page = re.findall(r"^([a-z_]+)(\{.*\})? (\S+)$", text, re.MULTILINE)
    lost = [float(v) for name, labels, v in page if name == "otel_sdk_processor_span_processed_total" and "error_type" in labels]
    check(len(lost) == 3 and not any(lost), f"spans were dropped: {lost}")
    check(sum(float(v) for name, _, v in page if name == "bank_authorize_executions_total") == orders,
          "the measured span counts otherwise")
    print(f"{len(spans)} spans of {requests} requests, {orders} of them orders")


run(main)
