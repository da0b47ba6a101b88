#!/usr/bin/env python3
"""A Node service with OpenTelemetry's own SDK calls the C++ shop, and is called by it: one trace, the right parents, the same
decision everywhere, what travels with the trace as it was sent. Both ways, in W3C's headers and in B3's.

    node-front -> shop-gateway -> shop-orders -> node-bank -> shop-payment

usage: interop.py SHOP WORK_DIRECTORY [CASE...]
"""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from harness import Program, check, need_npm_packages, run  # noqa: E402

# Of one release of OpenTelemetry JS, which takes Node from 18.19 on; the next ones have no sampler-composite, or need Node 22.
PACKAGES = ["@opentelemetry/api@1.9.1", "@opentelemetry/core@2.11.0", "@opentelemetry/sdk-trace-base@2.11.0",
            "@opentelemetry/context-async-hooks@2.11.0", "@opentelemetry/propagator-b3@2.11.0",
            "@opentelemetry/sampler-composite@0.222.0", "@opentelemetry/instrumentation-http@0.222.0"]
MANY = 200          # orders where decisions are counted
HALF = 1 << 55      # of the 56 random bits of a trace

# What is recorded of one order, from the first process to the last; children in the order of the alphabet.
FROM_ORDERS = """\
shop-orders SERVER POST /orders
  shop-orders INTERNAL checkout
    shop-orders CLIENT POST /payments
      node-bank SERVER POST
        node-bank CLIENT POST
          shop-payment SERVER POST /payments
            shop-payment CLIENT bank.authorize
    shop-orders INTERNAL receipt.write"""
FROM_FRONT = """\
node-front INTERNAL order
  node-front CLIENT POST
    shop-gateway SERVER request
  node-front CLIENT POST
    shop-gateway SERVER request
      shop-gateway CLIENT POST /orders
""" + "\n".join("        " + line for line in FROM_ORDERS.splitlines())
KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}
SAMPLED, RANDOM, REMOTE_IS_KNOWN, REMOTE = 1, 2, 0x100, 0x200     # of a span's flags in OTLP

Span = collections.namedtuple("Span", "process trace id parent kind name state flags")


# --- the processes --------------------------------------------------------------------------------------------------------

class Service(Program):
    """One of the shop's, or Node in front of it or between. `settings` are OTEL_* by what follows OTEL_."""

    def __init__(self, name, *command, directory, **settings):
        usual = {"PROPAGATORS": "tracecontext,baggage", "TRACES_SAMPLER": "parentbased_always_on", "TRACES_SAMPLER_ARG": "1"}
        env = {f"OTEL_{key}": value for key, value in {**usual, **settings}.items()}
        super().__init__(*command, env={**env, "OTEL_SERVICE_NAME": "", "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
                                        "NODE_PATH": str(Case.modules), "APM_TRACE_DIRECTORY": str(directory)})
        self.name = name
        self._file = directory / f"{name}.jsonl"

    def url(self):
        return self.line(rf"^{self.name}: (http://127\.0\.0\.1:\d+)")[1]

    def said(self):
        """Node's lines, once it has ended."""
        lines = self.rest()
        check("that is all" in lines, f"{self.name} was cut short:\n" + "\n".join(lines[-20:]))
        return [json.loads(line) for line in lines if line.startswith("{")]

    def spans(self):
        """The shop's file."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        for resource in (r for line in lines for r in json.loads(line)["resourceSpans"]):
            (name,) = [a["value"]["stringValue"] for a in resource["resource"]["attributes"] if a["key"] == "service.name"]
            check(name == self.name, f"{self.name} says that it is {name}")
            for s in (s for scope in resource["scopeSpans"] for s in scope["spans"]):
                yield Span(self.name, s["traceId"], s["spanId"], s.get("parentSpanId", ""), s["kind"], s["name"],
                           s.get("traceState", ""), s["flags"])


class Case:
    """All of them, with settings of their own; after the `with` block, what they recorded."""
    shop = modules = None

    def __init__(self, all_of_them=None, **settings):
        self._settings = {name: {**(all_of_them or {}), **settings.get(name, {})}
                          for name in ("front", "gateway", "orders", "bank", "payment")}
        self.spans, self.front, self.bank = [], [], []

    def __enter__(self):
        with contextlib.ExitStack() as self._stack:
            self._start_all()
            self._stack = self._stack.pop_all()     # all are up: they stay
        return self

    def _start_all(self):
        self._directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="apm-interop-")))
        payment = self._start("payment", self.shop, "--role", "payment", "--threads", 16)
        bank = self._start("bank", "node", HERE / "service.js", "bank", payment.url())
        self.bank_url = bank.url()
        orders = self._start("orders", self.shop, "--role", "orders", "--payment", self.bank_url, "--threads", 16)
        self.orders_url = orders.url()
        gateway = self._start("gateway", self.shop, "--orders", 0, "--seconds", 600, "--port", 0, "--orders-url", self.orders_url)
        self.gateway_url = gateway.url()
        self._all = [gateway, orders, bank, payment]

    def __exit__(self, *failure):
        if failure[0]:
            return self._stack.__exit__(*failure)
        with self._stack:
            for service in self._all:       # each before those that it has connections to
                check(service.stop() == 0, f"{service.name} did not end well")
                self.spans += service.spans()
                if service.name == "node-bank":
                    self.bank = service.said()
            self._take_spans("node-bank", self.bank)
            self.received = [s for s in self.bank if "received" in s]
            self._by_id = {s.id: s for s in self.spans}
            check(len(self._by_id) == len(self.spans), "two spans have one id")

    def _start(self, role, *command):
        name = ("node-" if command[0] == "node" else "shop-") + role
        return self._stack.enter_context(Service(name, *command, directory=self._directory, **self._settings[role]))

    def _take_spans(self, process, lines):
        for s in (s["span"] for s in lines if "span" in s):
            flags = s["flags"] | (REMOTE_IS_KNOWN | (REMOTE if s["remote"] else 0))
            self.spans.append(Span(process, s["traceId"], s["spanId"], s["parentSpanId"], s["kind"], s["name"], s["traceState"],
                                   flags))

    def place_orders(self, count, at_once=4):
        """By Node, in front of the shop."""
        with self._start("front", "node", HERE / "service.js", "front", self.gateway_url, count, at_once) as front:
            self.front = front.said()
        self._take_spans("node-front", self.front)
        self.orders = sorted((o for o in self.front if "order" in o), key=lambda o: o["order"])
        check([o["order"] for o in self.orders] == list(range(count)) and all(o["statuses"] == [201, 200] for o in self.orders),
              f"not all orders were placed: {self.orders}")

    def ask_orders(self, headers=(), url=None):
        """By hand, the service `orders`, or another that is named. Headers are pairs, for some may be there twice."""
        address = urllib.parse.urlsplit(url or self.orders_url)
        path, body = ("/payments" if url else "/orders"), "customer=1&items=1&cents=100&method=cash"
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        connection.putrequest("POST", path)
        for name, value in [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", len(body)), *headers]:
            connection.putheader(name, str(value))
        connection.endheaders(body.encode())
        status = connection.getresponse().status
        connection.close()
        check(status == 200, f"{path} says {status} to {headers}")

    # --- what there is to say of all traces -------------------------------------------------------------------------------

    def traces(self, process=None):
        return {s.trace for s in self.spans if process in (None, s.process)}

    def only(self, traces):
        self.spans = [s for s in self.spans if s.trace in traces]

    def tree(self, trace, outside=""):
        """As text; the parent of the first span is `outside`. Fails where a span's parent is not there or of another trace."""
        spans = [s for s in self.spans if s.trace == trace]
        children = collections.defaultdict(list)
        for s in spans:
            parent = self._by_id.get(s.parent)
            known = parent.trace == trace if parent else s.parent == outside
            check(known, f"{s} is an orphan: its parent is {parent or 'nowhere'}")
            remote = parent.process != s.process if parent else outside != ""
            check(s.flags & ~RANDOM == SAMPLED | REMOTE_IS_KNOWN | (REMOTE if remote else 0), f"{s}: the flags are wrong")
            children[s.parent if parent else None].append(s)

        def text(s, depth):
            below = sorted(text(child, depth + 1) for child in children[s.id])
            return "\n".join(["  " * depth + f"{s.process} {KINDS[s.kind]} {s.name}", *below])
        return "\n".join(sorted(text(s, 0) for s in children[None]))

    def check_tree(self, trace, expected, outside=""):
        found = self.tree(trace, outside)
        check(found == expected, f"the trace {trace} is\n{found}\n\nand should be\n{expected}")

    def check_parents_on_the_wire(self):
        """What a span of Node's said to the shop is its own ids, and one server of the shop's heard it."""
        told = {line["spanId"]: ids_of(line["sent"]) for line in self.front + self.bank if "sent" in line}
        for s in self.spans:
            if s.process.startswith("node-") and s.kind == 3:
                heard = [h for h in self.spans if h.parent == s.id]
                check(told[s.id][:2] == (s.trace, s.id) and len(heard) == 1 and heard[0].kind == 2 and
                      heard[0].process.startswith("shop-"), f"{s} said {told[s.id]} and was heard by {heard}")


def ids_of(headers):
    """Trace, span and what is said of sampling, in whichever format."""
    if "traceparent" in headers:
        _, trace, span, flags = headers["traceparent"].split("-")
        return trace, span, flags
    if "b3" in headers:
        trace, span, *state = headers["b3"].split("-")
        return trace, span, "-".join(state)
    return (headers.get("x-b3-traceid", ""), headers.get("x-b3-spanid", ""),
            "d" if headers.get("x-b3-flags") == "1" else headers.get("x-b3-sampled", ""))


def same(what, found, expected):
    check(found == expected, f"{what} is\n{found}\n\nand should be\n{expected}")


# --- one trace, right parents -----------------------------------------------------------------------------------------------

def check_orders(case, with_state, with_baggage, translated=False):
    """Each of Node's orders is one trace through five processes, and what Node sent came out behind the shop's as it was; but for
    the format, where that is `translated`."""
    same("the set of traces", case.traces(), {o["traceId"] for o in case.orders})
    sent = {s["traceId"]: s["sent"] for s in case.front if "sent" in s}
    received = {r["traceId"]: r for r in case.received}
    check(len(received) == len(case.received) == len(case.orders), "an order did not come out behind the shop's")
    for order in case.orders:
        trace = order["traceId"]
        case.check_tree(trace, FROM_FRONT)
        before, after = sent[trace], received[trace]
        state = f"rojo@shop={trace[16:]},congo=t61rcWkgMzE" if with_state else None
        same("tracestate as Node sent it", before.get("tracestate"), state)
        same("tracestate behind the shop", after["received"].get("tracestate"), state)
        same("baggage behind the shop", after["received"].get("baggage"), before.get("baggage"))
        same("baggage as Node read it again", after["baggage"], order["baggage"] if with_baggage else [])
        check(not with_baggage or "Zo%C3%AB%20%F0%9F%98%80" in before["baggage"], f"no interesting baggage: {before}")
        if not translated:
            same("the names of headers", sorted(after["received"]), sorted(before))
        # Node has no random flag, and so there is none in this trace.
        same("what is said of sampling", ids_of(after["received"])[2], "01" if "traceparent" in after["received"] else "1")
        (caller,) = [s for s in case.spans if s.id == ids_of(after["received"])[1]]
        same("who called Node", (caller.process, caller.name, caller.trace), ("shop-orders", "POST /payments", trace))
        for s in case.spans:
            if s.trace == trace and s.process.startswith("shop-"):
                same(f"the tracestate of {s}", s.state, state or "")
                check(not s.flags & RANDOM, f"{s}: nothing said that this trace is random")
    case.check_parents_on_the_wire()


TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def w3c():
    """Orders from Node; and requests by hand, which Node has to read behind a C++ hop as it reads them itself."""
    def parent(flags, trace=TRACE):
        return "traceparent", f"00-{trace}-{CALLER}-{flags}"
    by_hand = [     # headers, the flags that arrive, None: another trace
        ([parent("03")], "03"),
        ([parent("02")], "02"),
        ([parent("00")], "00"),
        ([parent("ff")], "03"),
        ([parent("01"), ("tracestate", "foo=1, bar=2"), ("tracestate", "ot=rv:00000000000000;p:8,dd=s:2;o:rum")], "01"),
        ([parent("01"), ("tracestate", ",".join(f"k{n}=v" for n in range(32)))], "01"),
        ([("traceparent", f"cc-{TRACE}-{CALLER}-01-what")], "01"),
        ([parent("01", TRACE.upper()), ("tracestate", "foo=1")], None),
        ([("TraceParent", parent("01")[1]), ("TraceState", "foo=1"), ("Baggage", "a=1")], "01"),
        ([parent("00"), ("tracestate", "foo=1"), ("baggage", "a=1;p=x;q, b = %C3%A9%20%25 ,c=d=e"),
          ("baggage", "d=%E2%82%AC")], "00"),
        ([parent("00"), ("baggage", ",".join(f"k{n}={n:0120d}" for n in range(64)))], "00"),   # as much as has to go through
        ([("baggage", "alone=1")], None),
    ]
    with Case() as case:
        for headers, _ in by_hand:
            case.ask_orders(headers)
            case.ask_orders(headers, case.bank_url)
        case.place_orders(8)
    hand, case.received = case.received[:2 * len(by_hand)], case.received[2 * len(by_hand):]
    for (headers, flags), behind, direct in zip(by_hand, hand[::2], hand[1::2]):
        trace, span, found = ids_of(behind["received"])
        same(f"flags behind the shop of {headers}", found, flags or "03")     # where the shop begins the trace, it is random
        same(f"whether {headers} goes on", trace == TRACE, flags is not None)
        same(f"baggage of {headers}", behind["baggage"], direct["baggage"])
        given = [m.strip() for name, value in headers if name.lower() == "tracestate" for m in value.split(",")]
        same(f"tracestate of {headers}", behind["received"].get("tracestate", ""), ",".join(given) if flags else "")
        if flags is None:
            case.check_tree(trace, FROM_ORDERS)
            same("random or not, of the shop's own traces",
                 {s.flags & RANDOM for s in case.spans if (s.process, s.trace) == ("shop-orders", trace)}, {RANDOM})
            check(trace != TRACE and direct["traceId"] != TRACE, "a trace was read from nothing")
        recorded = span in case._by_id
        same(f"whether {headers} is recorded", recorded, found in ("01", "03"))
    # All of them went on with one trace, from one caller: so many the shop recorded of it, and no more.
    goes_on = [flags for _, flags in by_hand if flags in ("01", "03")]
    whole = [s for s in case.spans if s.trace == TRACE]
    case.only({o["traceId"] for o in case.orders})
    first = [s for s in whole if s.process == "shop-orders" and s.parent == CALLER]
    same("the number of orders in the caller's trace", len(first), len(goes_on))
    check(all(s.parent == CALLER or s.parent in case._by_id for s in whole), "an orphan in the caller's trace")
    random = [s for s in whole if s.process == "shop-orders" and s.flags & RANDOM]
    same("random spans of orders", len(random), 4 * goes_on.count("03"))
    check_orders(case, True, True)


def b3(name, with_baggage, root):
    """The same in B3; and requests by hand: ids of 64 bits, debug, decisions without a trace. `root` is what those who are not
    asked do with a trace of their own, so that one sees who decided."""
    short, parent = TRACE[16:], "05e3ac9a4f6e3b90"

    def single(*parts):
        return [("b3", "-".join(parts))]

    def several(trace="", span="", sampled="", flags="", caller=""):
        headers = {"TraceId": trace, "SpanId": span, "Sampled": sampled, "Flags": flags, "ParentSpanId": caller}
        return [(f"X-B3-{name}", value) for name, value in headers.items() if value]

    asked, refused, undecided = "1", "0", {"always_on": "1", "always_off": "0"}[root]
    by_hand = [     # headers, the trace that goes on, what is said of sampling to the next
        (single(TRACE, CALLER, "1"), TRACE, asked),
        (single(TRACE, CALLER, "0"), TRACE, refused),
        (single(TRACE, CALLER, "d"), TRACE, "d"),
        (single(TRACE, CALLER), TRACE, undecided),
        (single(short, CALLER, "1"), short, asked),
        (single(short, CALLER, "1", parent), short, asked),
        (single(short, CALLER, "0", parent), short, refused),
        (single("0"), None, refused),
        (single("1"), None, asked),
        (single("d"), None, "d"),
        (several(TRACE, CALLER, "1", caller=parent), TRACE, asked),
        (several(TRACE, CALLER, "0"), TRACE, refused),
        (several(TRACE, CALLER, flags="1"), TRACE, "d"),
        (several(TRACE, CALLER), TRACE, undecided),
        (several(short, CALLER, "true"), short, asked),
        (several(short, CALLER, "0"), short, refused),
        (several(sampled="0"), None, refused),
        (several(sampled="1"), None, asked),
        (several(flags="1"), None, "d"),
    ]
    setting = {"PROPAGATORS": name + (",baggage" if with_baggage else "")}
    with Case({**setting, "TRACES_SAMPLER": f"parentbased_{root}"}, front={"TRACES_SAMPLER": "parentbased_always_on"}) as case:
        for headers, *_ in by_hand:
            case.ask_orders(headers)
        case.place_orders(4)
    hand, case.received = case.received[:len(by_hand)], case.received[len(by_hand):]
    sent = [s["sent"] for s in case.bank if "sent" in s]
    own = {o["traceId"] for o in case.orders}
    by_traces = collections.Counter()
    for (headers, expected, state), behind, onwards in zip(by_hand, hand, sent):
        trace, span, found = ids_of(behind["received"])
        same(f"who is told in which headers of {headers}", "b3" in behind["received"], name == "b3")
        check(len(trace) == 32 and len(span) == 16, f"no ids behind the shop of {headers}: {behind}")
        same(f"what is said of sampling behind the shop of {headers}", found, state)
        same(f"what Node says of it to the next of {headers}", ids_of(onwards)[2], state)
        same(f"the trace behind the shop of {headers}", trace, expected.zfill(32) if expected else behind["traceId"])
        same(f"the trace behind Node of {headers}", ids_of(onwards)[0], trace)
        same(f"whether {headers} is recorded", (span in case._by_id, behind["spanId"] in case._by_id), (state != refused,) * 2)
        if expected is None and state != refused:
            case.check_tree(trace, FROM_ORDERS)
            own.add(trace)
        elif expected and state != refused:
            by_traces[trace] += 1
    for trace, count in by_traces.items():
        same("the caller's trace", case.tree(trace, CALLER), "\n".join([FROM_ORDERS] * count))
    same("all traces", case.traces(), own | set(by_traces))
    case.only({o["traceId"] for o in case.orders})
    check_orders(case, False, with_baggage)


def bridge():
    """Node in front speaks B3 only, Node behind W3C only; a service of the shop between them knows both."""
    with Case(front={"PROPAGATORS": "b3multi,baggage"}, gateway={"PROPAGATORS": "tracecontext,baggage,b3,b3multi"}) as case:
        case.place_orders(4)
    for line in case.front:
        check("sent" not in line or ("x-b3-traceid" in line["sent"] and "traceparent" not in line["sent"]), f"Node sent {line}")
    check(all("traceparent" in r["received"] and "x-b3-traceid" not in r["received"] for r in case.received), f"{case.received}")
    check_orders(case, False, True, translated=True)


# --- the same decision --------------------------------------------------------------------------------------------------------

def check_decisions(case, kept, all_of_them, expected):
    same("the number of traces", len(all_of_them), MANY)
    check(MANY // 4 < len(kept) < 3 * MANY // 4, f"{len(kept)} of {MANY} are kept")
    for process in {line.split()[0] for line in expected.splitlines()}:
        same(f"what {process} keeps", case.traces(process) - kept, set())
        same(f"what {process} does not keep", kept - case.traces(process), set())
    for trace in kept:
        case.check_tree(trace, expected)
    for r in case.received:
        same("what Node is told", int(ids_of(r["received"])[2], 16) & SAMPLED, int(ids_of(r["received"])[0] in kept))


def node_decides(sampler):
    """Node keeps half of what it begins; the shop follows, whatever each of its services would do with traces of its own."""
    with Case(front={"TRACES_SAMPLER": sampler, "TRACES_SAMPLER_ARG": "0.5"},
              orders={"TRACES_SAMPLER": "parentbased_always_off"},
              bank={"TRACES_SAMPLER": sampler, "TRACES_SAMPLER_ARG": "0.1"},
              payment={"TRACES_SAMPLER": "parentbased_probability", "TRACES_SAMPLER_ARG": "0.1"}) as case:
        case.place_orders(MANY, 8)
    kept = {o["traceId"] for o in case.orders if o["sampled"]}
    check_decisions(case, kept, {o["traceId"] for o in case.orders}, FROM_FRONT)
    states = {r["traceId"]: r["received"]["tracestate"] for r in case.received}
    for trace, state in states.items():
        if sampler == "parentbased_probability":
            same(f"the decision on {trace}", trace in kept, int(trace[-14:], 16) >= HALF)
        # Node's sampler puts its member at the front in each span.
        ours = "ot=th:8," if sampler == "parentbased_probability" and trace in kept else ""
        same(f"the tracestate of {trace}", state, f"{ours}rojo@shop={trace[16:]},congo=t61rcWkgMzE")
    for s in case.spans:
        same(f"the tracestate of {s}", set(s.state.split(",")), set(states[s.trace].split(",")))


def shop_decides(sampler, nodes):
    """The other way round: the trace begins in C++, and Node follows; so does the shop behind it."""
    with Case({"TRACES_SAMPLER": "parentbased_always_off"}, orders={"TRACES_SAMPLER": sampler, "TRACES_SAMPLER_ARG": "0.5"},
              bank={"TRACES_SAMPLER": nodes, "TRACES_SAMPLER_ARG": "0.1"}) as case:
        with concurrent.futures.ThreadPoolExecutor(8) as people:
            list(people.map(lambda _: case.ask_orders(), range(MANY)))
    by_trace = {r["traceId"]: ids_of(r["received"]) for r in case.received}
    kept = {trace for trace, (_, _, flags) in by_trace.items() if int(flags, 16) & SAMPLED}
    check_decisions(case, kept, set(by_trace), FROM_ORDERS)
    probability = sampler == "parentbased_probability"
    for r in case.received:
        trace, _, flags = by_trace[r["traceId"]]
        same(f"the flags of {trace}", flags, "03" if trace in kept else "02")     # random, as the shop's ids are
        same(f"the tracestate of {trace}", r["received"].get("tracestate"), "ot=th:8" if probability and trace in kept else None)
        if probability:
            same(f"the decision on {trace}", trace in kept, int(trace[-14:], 16) >= HALF)
    state = "ot=th:8" if probability else ""
    for s in case.spans:
        same(f"the tracestate of {s}", s.state, state)
        same(f"whether {s} is random", bool(s.flags & RANDOM), s.process == "shop-orders")  # Node forgets that


def less_and_less():
    """Consistent probability: Node keeps half; a service of the shop that keeps a quarter by its own rule keeps half of those,
    and says so to Node behind it. Requests by hand bring random bits of their own."""
    by_hand = [("ot=rv:ffffffffffffff", {"th:c", "rv:ffffffffffffff"}), ("ot=rv:c0000000000000", {"th:c", "rv:c0000000000000"}),
               ("ot=th:8;rv:bfffffffffffff", {"rv:bfffffffffffff"})]
    with Case(front={"TRACES_SAMPLER": "parentbased_probability", "TRACES_SAMPLER_ARG": "0.5"},
              orders={"TRACES_SAMPLER": "probability", "TRACES_SAMPLER_ARG": "0.25"},
              bank={"TRACES_SAMPLER": "parentbased_probability", "TRACES_SAMPLER_ARG": "1"}) as case:
        for given, _ in by_hand:
            case.ask_orders([("traceparent", f"00-{TRACE}-{CALLER}-01"), ("tracestate", given)])
        case.place_orders(MANY, 8)
    hand, case.received = case.received[:len(by_hand)], case.received[len(by_hand):]
    for (given, expected), r in zip(by_hand, hand):
        kept = "th:c" in expected
        same(f"ot behind {given}", set(r["received"]["tracestate"].removeprefix("ot=").split(";")), expected)
        same(f"the decisions after {given}", (ids_of(r["received"])[2], r["flags"]), ("01", 1) if kept else ("00", 0))
    same("the orders with random bits of their own", case.tree(TRACE, CALLER), "\n".join([FROM_ORDERS] * 2))
    for r in case.received:
        trace = r["traceId"]
        share = sum(int(trace[-14:], 16) >= threshold for threshold in (HALF, HALF + HALF // 2))
        kept = {"node-front", "shop-gateway"} if share else set()
        if share == 2:
            kept |= {"shop-orders", "node-bank", "shop-payment"}
            case.check_tree(trace, FROM_FRONT)
        same(f"who keeps {trace}", {s.process for s in case.spans if s.trace == trace}, kept)
        same(f"the tracestate of {trace}", sorted(r["received"]["tracestate"].split(",")),
             ["congo=t61rcWkgMzE"] + (["ot=th:c"] if share == 2 else []) + [f"rojo@shop={trace[16:]}"])


CASES = {
    "w3c": w3c,
    "b3": lambda: b3("b3", True, "always_off"),
    "b3multi": lambda: b3("b3multi", False, "always_on"),
    "bridge": bridge,
    "node decides by ratio": lambda: node_decides("parentbased_traceidratio"),
    "node decides by probability": lambda: node_decides("parentbased_probability"),
    "the shop decides by ratio": lambda: shop_decides("parentbased_traceidratio", "parentbased_traceidratio"),
    "the shop decides by probability": lambda: shop_decides("parentbased_probability", "parentbased_probability"),
    "less and less": less_and_less,
}


def main():
    program, directory, *chosen = sys.argv[1:]
    Case.shop, Case.modules = Path(program).resolve(), need_npm_packages(Path(directory).resolve(), *PACKAGES)
    for name in chosen or CASES:
        start = time.monotonic()
        try:
            CASES[name]()
        except AssertionError as failure:
            raise AssertionError(f"{name}: {failure}") from None
        print(f"{name}: well, in {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    run(main)
