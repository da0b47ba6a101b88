#!/usr/bin/env python3
"""What the shop's customers did is in the trace files of its three services, to the order: each check-out is one trace through
all of them, with every span under its parent, no secret, and at the endpoints as many spans begun as exported. tools/traces shows
it.

usage: shop_traces.py SHOP
"""
import collections
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from harness import Shop, check, get, run

ORDERS = 600     # of which some fail and some are slow, but for once in a hundred million runs
TOOL = Path(__file__).resolve().parents[2] / "tools" / "traces"
GATEWAY, ORDER_SERVICE, PAYMENT = "shop-gateway", "shop-orders", "shop-payment"
PARENTS = {     # of each span of a check-out: service and name, and those of its parent
    (GATEWAY, "request"): None,
    (GATEWAY, "POST /orders"): (GATEWAY, "request"),
    (ORDER_SERVICE, "POST /orders"): (GATEWAY, "POST /orders"),
    (ORDER_SERVICE, "checkout"): (ORDER_SERVICE, "POST /orders"),
    (ORDER_SERVICE, "POST /payments"): (ORDER_SERVICE, "checkout"),
    (PAYMENT, "POST /payments"): (ORDER_SERVICE, "POST /payments"),
    (PAYMENT, "bank.authorize"): (PAYMENT, "POST /payments"),
    (ORDER_SERVICE, "receipt.write"): (ORDER_SERVICE, "checkout"),
}
SLOW = PAYMENT, "fraud.check"
EVERY_PARENT = {**PARENTS, SLOW: (PAYMENT, "POST /payments")}
# Who fails where the bank says no: a client's span above 399; a server did its work.
FAILS = {(GATEWAY, "POST /orders"), (ORDER_SERVICE, "checkout"), (ORDER_SERVICE, "POST /payments"), (PAYMENT, "bank.authorize")}
REMOTE = 0x200                  # of a span's flags: its parent is in another process
CLOCKS = 200_000                # ns; two processes' times of day agree so far


def spans_of(directory):
    for path in sorted(directory.glob("*.jsonl*")):
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                who = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
                service = who["service.name"]["stringValue"]
                for scope in resource["scopeSpans"]:
                    check(scope["scope"]["name"] == service.replace("shop-", "shop."), f"a span of {scope['scope']} in {service}")
                    for span in scope["spans"]:
                        yield {**span, "service": service, "who": (service, span["name"])}


def check_parents(spans):
    by_id = {s["spanId"]: s for s in spans}
    check(len(by_id) == len(spans), "two spans of one id")
    for s in spans:
        expected = EVERY_PARENT[s["who"]]
        if expected is None:
            check("parentSpanId" not in s, "a request with a parent")
            continue
        check(s.get("parentSpanId") in by_id, f"{s['who']} is an orphan")
        parent = by_id[s["parentSpanId"]]
        check(parent["who"] == expected and parent["traceId"] == s["traceId"], f"{s['who']} below {parent['who']}")
        elsewhere = parent["service"] != s["service"]
        check(bool(s["flags"] & REMOTE) == elsewhere, f"{s['who']}: flags are {s['flags']}")
        slack = CLOCKS if elsewhere else 0
        check(int(parent["startTimeUnixNano"]) - slack <= int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) <=
              int(parent["endTimeUnixNano"]) + slack, f"{s['who']} is not within {parent['who']}")


def check_traces(spans, orders, declined):
    traces = collections.defaultdict(list)
    for s in spans:
        traces[s["traceId"]].append(s)
    check_outs = {t: of for t, of in traces.items() if any(s["who"] == (ORDER_SERVICE, "checkout") for s in of)}
    check(len(check_outs) == orders, f"{len(check_outs)} traces have a check-out, {orders} orders were placed")
    slow = failed = 0
    for trace, of in check_outs.items():
        whos = sorted(s["who"] for s in of if s["who"] != SLOW)
        check(whos == sorted(PARENTS), f"trace {trace} is of {whos}")
        slow += sum(s["who"] == SLOW for s in of)
        errors = {s["who"] for s in of if s.get("status", {}).get("code") == 2}
        check(errors in (set(), FAILS), f"trace {trace} fails in {errors}")
        failed += errors == FAILS
    check(failed == declined, f"{failed} traces have errors, {declined} orders were declined")
    check(0 < slow < orders / 5, f"{slow} of {orders} payments took the slow path")
    others = [s for t, of in traces.items() if t not in check_outs for s in of]
    check(all(s["who"] == (GATEWAY, "request") and "status" not in s for s in others), "a visit without an order went further")
    return slow


def check_exposition(texts, orders, slow):
    for service, text in texts.items():
        samples = re.findall(r"^([a-z_]+)(\{.*\})? (\S+)$", text, re.MULTILINE)
        processed = [(labels, float(v)) for name, labels, v in samples if name == "otel_sdk_processor_span_processed_total"]
        lost = [v for labels, v in processed if "error_type" in labels]
        check(len(lost) == 3 and not any(lost), f"{service}: spans were dropped: {lost}")
        for name, n in ("bank_authorize_executions_total", orders), ("fraud_check_executions_total", slow):
            counted = sum(float(v) for found, _, v in samples if found == name)
            check(counted == (n if service == "payment" else 0), f"{service}: {name} is {counted}")


def traces(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE,
                          timeout=120).stdout


def check_trees(directory, declined, slow):
    text = traces("tree", "--error", "--most", 2 * declined, directory)
    check(text.count("ERROR") == 4 * declined and text.count("ERROR: the bank said no") == 2 * declined, text[-3000:])
    check(text.count("trace ") == declined and "is not here" not in text, text[-3000:])
    tree = traces("tree", "--span", "fraud.check", "--most", 1, directory).splitlines()
    shapes = [re.sub(r"^ *\S+ \S+ +| \S+=.*", "", line) for line in tree[1:]]
    check(shapes[:7] == ["shop-gateway  request", "shop-gateway  └─ POST /orders", "shop-orders      └─ POST /orders",
                         "shop-orders         └─ checkout", "shop-orders            ├─ POST /payments",
                         "shop-payment           │  └─ POST /payments", "shop-payment           │     ├─ fraud.check"],
          "\n".join(tree))
    whole = traces("tree", "--span", "fraud.check", "--most", 2 * slow, directory)
    check(whole.count("fraud.check") == slow, "not every slow path is shown")


def check_merged(directory, spans, orders):
    """One file for Chrome's viewer: all spans, under their process's name, at the times that they had; and each call's arrow."""
    before = {}
    for path in directory.glob("*.json"):
        for e in json.loads(path.read_text(), parse_float=Decimal):
            if e["ph"] == "X":
                before[e["args"]["span_id"]] = e["ts"], e["dur"]
    merged = directory / "merged.json"
    said = traces("merge", "--output", merged, directory)
    check(said.strip().endswith(f"{2 * orders} arrows between processes"), said)
    events = json.loads(merged.read_text(), parse_float=Decimal)
    names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    slices = {e["args"]["span_id"]: e for e in events if e["ph"] == "X"}
    check(sorted(names.values()) == [GATEWAY, ORDER_SERVICE, PAYMENT], f"the processes are {names}")
    check({i: (names[e["pid"]], e["name"]) for i, e in slices.items()} == {s["spanId"]: s["who"] for s in spans}, "other spans")
    check({i: (e["ts"], e["dur"]) for i, e in slices.items()} == before, "times are not what they were")
    for phase, end_of in ("s", lambda child: child["args"]["parent_span_id"]), ("f", lambda child: child["args"]["span_id"]):
        arrows = {e["id"]: e for e in events if e["ph"] == phase and e["cat"] == "call"}
        check(set(arrows) == {s["spanId"] for s in spans if s["flags"] & REMOTE}, f"{phase}: other arrows")
        for child, e in arrows.items():
            at = slices[end_of(slices[child])]
            check((e["pid"], e["tid"]) == (at["pid"], at["tid"]), f"{e} is not on the thread of {at}")
            check(at["ts"] <= e["ts"] < at["ts"] + at["dur"], f"{e} is not in {at}")
            check(phase == "s" or e["bp"] == "e", f"{e} would be bound to the next slice")


def main():
    with Shop(sys.argv[1], ORDERS) as shop:
        tally = shop.tally()
        orders = sum(n for (name, _), n in tally.items() if name == "shop.orders")
        requests = sum(n for (name, _), n in tally.items() if name == "shop.http.requests")
        declined = sum(n for (name, labels), n in tally.items() if name == "shop.orders" and ("outcome", "declined") in labels)
        texts = {service: get(url)[0] for service, url in shop.endpoints.items()}
        check(shop.stop() == 0, "the shop did not end well")
        spans = list(spans_of(shop.traces))
        everything = "".join(p.read_text() for p in shop.traces.iterdir())
        check(orders == ORDERS and 0 < declined < orders, f"{orders} orders, {declined} declined")

        named = collections.Counter(s["who"] for s in spans)
        slow = named.pop(SLOW, 0)
        check(named == {who: requests if who == (GATEWAY, "request") else orders for who in PARENTS}, f"{named}; {orders} orders")
        check_parents(spans)
        check(check_traces(spans, orders, declined) == slow, "a slow path without a check-out")
        check("4000 0000 0000" not in everything and "4000+0000" not in everything, "a card's number is in a file")
        check_exposition(texts, orders, slow)
        check_trees(shop.traces, declined, slow)
        check_merged(shop.traces, spans, orders)
    print(f"{len(spans)} spans of {requests} requests, {orders} of them orders: {declined} declined, {slow} checked for fraud")


run(main)
