#!/usr/bin/env python3
"""The shop's services one by one, between others: a caller that sends a trace context, a payment that is another program, one that
is not there; and that no process stays when another one dies.

usage: shop_services.py SHOP [off]      off: built with APM_ENABLED=0; nothing is measured, everything else is the same
"""
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from harness import SERVICES, Program, check, environment, own_port, run, until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ON = "off" not in sys.argv[2:]
FORM = {"customer": 7, "items": 2, "cents": 2499, "method": "card", "card": "4000 1234&x=%"}


class Payment(http.server.BaseHTTPRequestHandler):
    """Another program's: answers what it is told to, and keeps what it was sent."""
    protocol_version = "HTTP/1.1"
    status, seen, connections = 200, [], 0

    def setup(self):
        super().setup()
        Payment.connections += 1

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Payment.seen.append((self.path, dict(urllib.parse.parse_qsl(form)), self.headers.get("traceparent")))
        self.send_response(Payment.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def post(url, form, headers=None):
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


class Service(Program):
    def __init__(self, program, directory, role, *arguments):
        super().__init__(program, "--role", role, *arguments, env={"APM_TRACE_DIRECTORY": directory})
        self.role = role
        self.url = self.line(rf"shop-{role}: (http://127\.0\.0\.1:\d+), (.*)$").group(1)


def spans_of(directory, service):
    path = Path(directory) / f"shop-{service}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    spans = [s for line in lines for r in line["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]
    return sorted(spans, key=lambda s: int(s["startTimeUnixNano"]))


def check_kept_alive(orders):
    """One connection to orders is one thread there, which keeps one connection to payment."""
    before, ours = Payment.connections, http.client.HTTPConnection(orders.url.removeprefix("http://"), timeout=60)
    for _ in range(3):
        ours.request("POST", "/orders", urllib.parse.urlencode(FORM))
        sock = ours.sock
        check(ours.getresponse().read() and ours.sock and ours.sock is sock, "orders closes the connection")
    check(Payment.connections - before <= 1, f"three calls to payment took {Payment.connections - before} connections")


def between_others(program):
    """orders, called by us and calling us."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Payment)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours = f"http://127.0.0.1:{server.server_port}"
    traceparent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    with tempfile.TemporaryDirectory(prefix="apm-shop-") as directory:
        with Service(program, directory, "orders", "--payment", ours) as orders:
            for status, expected in (200, (200, "ok")), (402, (402, "declined")), (500, (502, "failed")), (404, (502, "failed")):
                Payment.status = status
                code, text = post(orders.url + "/orders", FORM, traceparent)
                check((code, dict(urllib.parse.parse_qsl(text))["outcome"]) == expected, f"payment says {status}: {code} {text}")
            check_kept_alive(orders)
            server.shutdown()
            server.server_close()
            check(post(orders.url + "/elsewhere", FORM)[0] == 404 and post(orders.url + "/orders", None)[0] == 404, "not 404")
            for wrong in {"items": "two"}, {"method": "gold"}, {"cents": "-1"}, {"items": ""}:
                check(post(orders.url + "/orders", {**FORM, **wrong})[0] == 400, f"{wrong} is accepted")
            check(orders.stop() == 0, "orders did not end well")
        check(len(Payment.seen) == 7, f"payment was asked {len(Payment.seen)} times")
        check(all(path == "/payments" and form == {k: str(v) for k, v in FORM.items()} for path, form, _ in Payment.seen),
              f"payment was sent {Payment.seen}")
        spans = spans_of(directory, "orders")
    if not ON:
        check(not spans and all(header is None for *_, header in Payment.seen), "something was traced")
        return
    served = [s for s in spans if s["name"] == "POST /orders" and s["traceId"] == TRACE]
    calls = {s["spanId"]: s for s in spans if s["name"] == "POST /payments"}
    check(len(served) == 4 and all(s["parentSpanId"] == CALLER and s["kind"] == 2 for s in served), f"served: {served}")
    check(len({s["traceId"] for s in spans} - {TRACE}) == 9, "what came without a context is not in traces of its own")
    for _, _, header in Payment.seen[:4]:
        span = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", header or "")
        check(span and span[1] in calls, f"payment was sent {header}, the spans of calls are {list(calls)}")
    said = [dict((a["key"], a["value"]) for a in s["attributes"]) for s in calls.values()]
    check([a["http.response.status_code"]["intValue"] for a in said[:4]] == ["200", "402", "500", "404"], f"{said}")
    check(all(a["url.full"]["stringValue"] == ours + "/payments" and a["server.address"]["stringValue"] == "127.0.0.1" and
              a["server.port"]["intValue"] == ours.rsplit(":", 1)[1] for a in said), f"{said}")
    check([s.get("status", {}).get("code") for s in served] == [None, None, 2, 2], "a server's error is what is above 499")


def without_payment(program):
    """Nothing listens where payment should be: the order fails, and the trace says why."""
    with tempfile.TemporaryDirectory(prefix="apm-shop-") as directory:
        with Service(program, directory, "payment") as payment:
            nowhere = payment.url
            check(post(nowhere + "/payments", FORM)[0] in (200, 402), "payment does not work alone")
            check(payment.stop() == 0, "payment did not end well")
        with Service(program, directory, "orders", "--payment", nowhere) as orders:
            check(post(orders.url + "/orders", FORM)[0] == 502, "an order was paid for without a payment")
            orders.stop()
        failed = [s["status"].get("message", "") for s in spans_of(directory, "orders") if s.get("status", {}).get("code") == 2]
        check(not ON or (len(failed) == 3 and any("connect" in m for m in failed)), f"the errors are {failed}")


def from_outside(program):
    """The whole shop, asked over the wire; its gateway is killed, and the services end by themselves."""
    with tempfile.TemporaryDirectory(prefix="apm-shop-") as directory:
        with Program(program, "--orders", 0, "--seconds", 600, "--port", 0, env={"APM_TRACE_DIRECTORY": directory}) as shop:
            urls = [shop.line(rf"shop-{service}: (http://127\.0\.0\.1:\d+), (.*)$") for service in SERVICES]
            check(all(("nothing is measured" in m[2]) == (not ON) for m in urls), f"{[m[0] for m in urls]}")
            gateway, headers = urls[2][1], {"traceparent": f"00-{TRACE}-{CALLER}-01"}
            lamp = {"customer": 900}
            check(post(gateway + "/product/lamp", None)[0] == 200, "there is no lamp")
            check(post(gateway + "/product/unicorn", None)[0] == 404, "there is a unicorn")
            check(post(gateway + "/checkout", lamp)[0] == 400, "an empty basket was paid for")
            check(post(gateway + "/basket/lamp?customer=900", {})[0] == 201, "the basket takes nothing")
            check(post(gateway + "/checkout", {**lamp, "method": "cash"}, headers)[0] == 200, "cash is always taken")
            check(post(gateway + "/checkout", {"customer": "me"})[0] == 400, "a check-out without a customer")
            # A gateway of its own before the services that are there.
            with Program(program, "--orders", 5, "--port", 0, "--orders-url", urls[1][1],
                         env={"APM_TRACE_DIRECTORY": directory}) as second:
                said = second.line(r"^shop-.*")[0]
                check(said.startswith("shop-gateway: ") and "shop-orders:" not in "\n".join(second.rest()), "it started others")
                check(second.stop() == 0, "it did not end well")
            children = Path(f"/proc/{shop.pid}/task/{shop.pid}/children").read_text().split()
            check(len(children) == 2, f"the shop's processes are {children}")
            os.kill(shop.pid, signal.SIGKILL)
            until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in children), "the services end with the gateway")
        if not ON:
            return
        # A killed gateway takes with it what it had not written; the others had the time to.
        paid = [s for s in spans_of(directory, "orders") if s["traceId"] == TRACE]
        names = [s["name"] for s in paid]
        check(names == ["POST /orders", "checkout", "POST /payments", "receipt.write"], f"orders has {names}")
        names = [s["name"] for s in spans_of(directory, "payment") if s["traceId"] == TRACE]
        check(names == ["POST /payments", "bank.authorize"], f"payment has {names}")


def ports_and_names(program):
    """An operator's port and name are the gateway's alone; the services have the ports that they are given."""
    metrics, port = own_port(), own_port(2)
    with tempfile.TemporaryDirectory(prefix="apm-shop-") as directory:
        says = {"APM_TRACE_DIRECTORY": directory, "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics), "OTEL_SERVICE_NAME": "ours"}
        with Program(program, "--orders", 1, "--service-port", port, env=says) as shop:
            for service, expected in ("payment", port + 1), ("orders", port), ("gateway", metrics):
                shop.line(rf"shop-{service}: .*, " + (f"metrics: http://127.0.0.1:{expected}/metrics$" if ON else ".*nothing"))
            shop.rest()
            check(shop.stop() == 0, "the shop did not end well")
        for service, name in ("payment", "shop-payment"), ("orders", "shop-orders"), ("gateway", "ours"):
            text = (Path(directory) / f"shop-{service}.jsonl").read_text() if ON else f'"{name}"'
            check(f'"{name}"' in text, f"{service} is not called {name}")


def bad_arguments(program):
    for arguments, said in ((["--role", "boss"], "--role needs gateway, orders or payment"),
                            (["--role", "orders"], "--role orders needs --payment URL"),
                            (["--payment", "localhost"], "--payment needs a URL such as http://127.0.0.1:8001"),
                            (["--payment", "http://127.0.0.1:99999"], "--payment needs a URL such as http://127.0.0.1:8001"),
                            (["--role", "payment", "--wait"],
                             "--seconds, --orders, --orders-url, --service-port, --wait and --tally are the gateway's"),
                            (["--threads", "257"], "--threads needs a number from 1 to 256"),
                            (["--port", "70000"], "--port needs a number from 0 to 65535"),
                            (["--what"], "what is --what? See shop --help")):
        ran = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        check((ran.returncode, ran.stdout) == (2, f"shop: {said}\n"), f"{arguments}: {ran.returncode} {ran.stdout}")
    with tempfile.TemporaryDirectory(prefix="apm-shop-") as directory, Service(program, directory, "payment") as payment:
        port = payment.url.rsplit(":", 1)[1]
        ran = subprocess.run([program, "--role", "payment", "--http-port", port], stdout=subprocess.PIPE, text=True, timeout=60,
                             stderr=subprocess.STDOUT, env=environment(APM_TRACE_DIRECTORY=directory))
        check((ran.returncode, ran.stdout) == (1, f"shop: cannot listen on 127.0.0.1:{port}; is the port in use?\n"), ran.stdout)


def main():
    program = sys.argv[1]
    between_others(program)
    without_payment(program)
    from_outside(program)
    ports_and_names(program)
    bad_arguments(program)
    print("each service answers as it should, alone and together")


run(main)
