#!/usr/bin/env python3
"""Other people's parsers read our exposition: promtool has no more to say than we know, and Debian's python3-prometheus-client
finds in both formats what was recorded.

usage: page.py promtool|client SHOP SEEDS
"""
import re
import subprocess
import sys
import time
from pathlib import Path

from harness import Program, Shop, check, get, need_program, need_prometheus_client, run

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ENDPOINTS = {"/predict", 'a "quoted" one', "back\\slash\\", "two\nlines", "caf\u00e9"}


class Seeds(Program):
    def __init__(self, program):
        super().__init__(program)
        self.url = self.line(r"(http://\S+)").group(1)


def promtool(shop, seeds):
    """Base units everywhere: not a word. Rows in milliseconds: the words that promtool has for those, and no others."""
    lint = [need_program("promtool", "prometheus"), "check", "metrics"]
    known = Path(__file__).with_name("seeds.promtool").read_text().splitlines()
    endpoints = [(f"shop-{service}", url, []) for service, url in shop.endpoints.items()]
    for name, url, expected in *endpoints, ("seeds", seeds.url, known):
        text, _ = get(url)
        ran = subprocess.run(lint, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        said = sorted(ran.stdout.splitlines())
        check(said == sorted(expected), f"{name}: promtool says\n" + "\n".join(said))
        print(f"{name}: {len(text.splitlines())} lines, {len(said)} complaints, as expected")


def samples(families):
    result = {}
    for family in families:
        for s in family.samples:
            key = s.name, frozenset(s.labels.items())
            check(key not in result, f"{key} is there twice")
            result[key] = s.value
    return result


def check_exemplars(families):
    """Of calls i = 0, 7, 14, ... with trace feed:i and span i + 1, which took 0.7 ms * i: the values lie in their buckets."""
    counters = buckets = 0
    for s in (s for family in families for s in family.samples if s.exemplar):
        e = s.exemplar
        check(set(e.labels) == {"trace_id", "span_id"}, f"{s}")
        high, i, span = int(e.labels["trace_id"][:16], 16), int(e.labels["trace_id"][16:], 16), int(e.labels["span_id"], 16)
        check(high == 0xFEED and i % 7 == 0 and span == i + 1, f"{s}")
        check(abs(time.time() - float(e.timestamp)) < 300, f"{s} is of another time")
        if s.name == "api_calls_total":
            check(e.value == 1, f"{s}")
            counters += 1
        else:
            check(s.name == "api_latency_ms_bucket" and abs(e.value - 0.7 * i) < 1e-9, f"{s}")
            bounds = [0, 1, 5, 10, 50, 100, 500, 1000, float("inf")]
            bound = float(s.labels["le"])
            check(bounds[bounds.index(bound) - 1] < e.value <= bound or i == 0, f"{s}")
            buckets += 1
    check(counters == 10 and buckets >= 20, f"{counters} counters and {buckets} buckets have exemplars")


def client(shop, seeds):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
    from prometheus_client.parser import text_string_to_metric_families as parse_text

    tally = {("shop_orders_total", labels): float(n) for (name, labels), n in shop.tally().items() if name == "shop.orders"}
    for name, url in *shop.endpoints.items(), ("seeds", seeds.url):
        text, text_type = get(url)
        openmetrics, openmetrics_type = get(url, OPENMETRICS)
        check(text_type.startswith("text/plain; version=0.0.4"), f"text is called {text_type}")
        check(openmetrics_type.startswith("application/openmetrics-text; version=1.0.0"), f"OpenMetrics is called {openmetrics_type}")
        in_text, in_openmetrics = samples(parse_text(text)), samples(parse_openmetrics(openmetrics))
        # The library's own rows move with every collection; OpenMetrics has creation times, and target_info as `target`.
        moves = re.compile(r"^apm_|^otel_sdk_|_created$")
        for key in {k for k in in_text.keys() | in_openmetrics.keys() if not moves.search(k[0])}:
            check(in_text.get(key) == in_openmetrics.get(key),
                  f"{name}: {key} is {in_text.get(key)} in text and {in_openmetrics.get(key)} in OpenMetrics")
        if name in shop.endpoints:
            found = {k: v for k, v in in_text.items() if k[0] == "shop_orders_total" and v}
            check(found == (tally if name == "orders" else {}), f"{name}: {found}, the load placed {tally}")
        else:
            calls = {}
            for (sample, labels), value in in_text.items():
                if sample == "api_calls_total":
                    endpoint = dict(labels)["endpoint"]
                    calls[endpoint] = calls.get(endpoint, 0) + value
            check(calls == {e: 200 for e in ENDPOINTS}, f"calls by endpoint: {calls}")
            tasks = in_text["task_execution_time_milliseconds_sum", frozenset()]
            check_exemplars(parse_openmetrics(openmetrics))
            check(tasks == 1.1 * 999 * 1000 / 2, f"the tasks took {tasks} ms")
        print(f"{name}: {len(in_text)} samples in text, {len(in_openmetrics)} in OpenMetrics")


def main():
    what, shop, seeds = sys.argv[1:]
    if what == "client":
        need_prometheus_client()
    with Shop(shop, 200) as shop, Seeds(seeds) as seeds:
        shop.line("^counters")
        {"promtool": promtool, "client": client}[what](shop, seeds)


run(main)
