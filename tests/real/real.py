#!/usr/bin/env python3
"""Other people's servers receive what probe.cpp recorded, and have exactly that.

usage: real.py collector|outage|victoria_metrics PROBE PEERS      PEERS: where fetch.py put them

collector           an OpenTelemetry Collector: every field of every span and data point, over protobuf, gzip, JSON, and deltas
outage              the collector is gone for a while: nothing is lost
victoria_metrics    a VictoriaMetrics: every value of every series
"""
import ast
import json
import math
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections import Counter
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
import fetch  # noqa: E402
from harness import PATIENCE, Program, attributes, check, environment, get, own_port, run, skip, until  # noqa: E402

ORDERS = 1000
DELTA, CUMULATIVE = 1, 2
HERE = "127.0.0.1"


# --- the peers --------------------------------------------------------------------------------------------------------

def need_peer(name, directory):
    """The program, if fetch.py could get it; prints what it was made of."""
    made_of = fetch.made(name, directory)
    if not made_of:
        reason = Path(directory) / f"{name}.absent"
        skip(f"{name}: {reason.read_text().strip()}" if reason.exists() else f"{name} is not there; fetch.py gets it")
    print(made_of)
    return Path(directory) / name


class Collector(Program):
    """OpenTelemetry's receiver on `port`; what it was sent is appended to `file`."""

    def __init__(self, program, port, file):
        self.url = f"http://{HERE}:{port}"
        super().__init__(program, f"{HERE}:{port}", file)

    def __enter__(self):
        self.line("ready$", 20)
        return self

    def kill(self):
        self._process.kill()
        self._process.wait()


def read_requests(file):
    """What a collector received so far. JSON has one -0, which is a double's."""
    lines = file.read_text().split("\n")[:-1]  # the last one may be half written
    return [json.loads(line, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits)) for line in lines]


class VictoriaMetrics(Program):
    def __init__(self, program, directory):
        port = own_port()
        self.url = f"http://{HERE}:{port}"
        super().__init__(program, f"-httpListenAddr={HERE}:{port}", f"-storageDataPath={directory}", "-loggerLevel=WARN")

    def __enter__(self):
        until(self._ready, "VictoriaMetrics is ready")
        return self

    def _ready(self):
        return self.answers(self.url + "/health")

    def series(self, selector):
        """{(name, labels): [value, ...]} in the order of time."""
        get(self.url + "/internal/force_flush")
        text, _ = get(f"{self.url}/api/v1/export?" + urllib.parse.urlencode({"match[]": selector, "reduce_mem_usage": 1}))
        result = {}
        for line in text.splitlines():
            one = json.loads(line)
            labels = dict(one["metric"])
            key = labels.pop("__name__"), frozenset(labels.items())
            result.setdefault(key, []).extend(zip(one["timestamps"], one["values"]))
        return {key: [value for _, value in sorted(points)] for key, points in result.items()}


# --- what the probe says ----------------------------------------------------------------------------------------------

def probe_environment(variables):
    """Ours, without what would change where telemetry goes. None unsets what is set here."""
    merged = {**environment(),
              "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp",
              "APM_RING_BYTES": str(1 << 20),     # of spans that wait: none is to be dropped
              **variables}
    return {name: value for name, value in merged.items() if value is not None}


def run_probe(program, mode, orders, variables):
    """What it says that it recorded, between which times of day."""
    before = time.time_ns()
    done = subprocess.run([program, mode, str(orders)], env=probe_environment(variables), capture_output=True, text=True,
                          timeout=300)
    said = done.stdout + done.stderr
    check(done.returncode == 0, f"the probe ended with {done.returncode}:\n{said[-3000:]}")
    check(not done.stderr, f"the probe complains: {done.stderr[-3000:]}")
    word, _, recorded = done.stdout.strip().split("\n")[-1].partition(" ")
    check(word == "recorded", f"the probe does not say what it recorded:\n{said[-3000:]}")
    return json.loads(recorded), before, time.time_ns()


def text(digits):
    """As OTLP has to have it: what is no UTF-8 is U+FFFD."""
    return bytes.fromhex(digits).decode(errors="replace")


def said_attributes(listed):
    read = {"int": int, "bool": bool, "double": float.fromhex, "text": text, "ints": lambda v: [int(n) for n in v],
            "doubles": lambda v: [float.fromhex(n) for n in v]}
    return [(text(name), kind, repr(read[kind](value))) for name, kind, value in listed]


def said_spans(recorded):
    spans = {}
    for s in recorded["spans"]:
        spans[s["id"]] = {
            **s, "name": text(s["name"]), "message": text(s["message"]), "start": int(s["start"]), "end": int(s["end"]),
            "scope": {"probe": ("probe", "2.0", "https://example.org/schema/2"), "": ("", "", "")}[s["scope"]],
            "attributes": said_attributes(s["attributes"]),
            "events": [{"time": int(e["time"]), "name": text(e["name"]), "attributes": said_attributes(e["attributes"])}
                       for e in s["events"]],
            "links": [{**k, "attributes": said_attributes(k["attributes"])} for k in s["links"]]}
    check(len(spans) == len(recorded["spans"]), "a span's id was given twice")
    return spans


def exponential_index(value, scale):
    """i for a value in (base^i, base^(i+1)], base = 2^(2^-scale), in exact arithmetic: v^(2^scale) <= 2^(i+1)."""
    power = Fraction(value) ** (1 << scale)
    index = math.floor(math.log2(value) * (1 << scale)) - 2
    while power > Fraction(2) ** (index + 1):
        index += 1
    return index


def said_metrics(recorded):
    """{(name, attributes): what the point has to say}, and {name: (help, unit, kind)}."""
    points, families = {}, {}
    for m in recorded["metrics"]:
        families[m["name"]] = m["help"], m["unit"], m["kind"]
        for p in m["points"]:
            key = m["name"], frozenset(said_attributes(p["attributes"]))
            check(key not in points, f"the probe says {key} twice")
            if m["kind"] == "histogram":
                counts = [0] * (len(p["bounds"]) + 1)
                for v in p["values"]:
                    counts[sum(bound < v for bound in p["bounds"])] += 1
                points[key] = {"count": len(p["values"]), "sum": math.fsum(p["values"]), "counts": counts, "bounds": p["bounds"]}
            elif m["kind"] == "exponential":
                threshold = 2.0 ** p["lowest"]
                counts = Counter(p["highest"] << p["scale"] if v > 2.0 ** p["highest"] else exponential_index(v, p["scale"])
                                 for v in p["values"] if v > threshold)
                points[key] = {"count": len(p["values"]), "sum": math.fsum(p["values"]), "scale": p["scale"],
                               "counts": dict(counts), "zero": sum(v <= threshold for v in p["values"]), "threshold": threshold}
            elif "int" in p:
                points[key] = {"int": int(p["int"])}
            else:
                points[key] = {"double": float.fromhex(p["double"])}
    return points, families


# --- what a collector received ----------------------------------------------------------------------------------------

def check_resource(resource):
    found = {name: v for name, _, v in attributes(resource)}
    expected = {"service.name": "probe", "service.version": "3.1", "a.text": 'a "text" \\ ä\n', "telemetry.sdk.name": "apm",
                "telemetry.sdk.language": "cpp"}
    for name, value in expected.items():
        check(found.get(name) == repr(value), f"the resource's {name} is {found.get(name)}, and should be {value!r}")
    return found


def scopes(requests, signal, resources):
    """(scope, what it has) for each of each request."""
    for request in requests:
        if request["signal"] != signal:
            continue
        for resource in request["request"].get(f"resource{signal.capitalize().replace('Traces', 'Spans')}", []):
            resources.append(check_resource(resource["resource"]))
            for scope in resource[f"scope{signal.capitalize().replace('Traces', 'Spans')}"]:
                of = scope.get("scope", {})
                yield (of.get("name", ""), of.get("version", ""), scope.get("schemaUrl", "")), scope


def received_spans(requests, resources):
    spans = []
    for name, scope in scopes(requests, "traces", resources):
        for s in scope["spans"]:
            dropped = [s.get(f"dropped{what}Count", 0) for what in ("Attributes", "Events", "Links")]
            check(dropped == [0, 0, 0], f"{s['name']}: {dropped} dropped")
            spans.append({
                "trace": s["traceId"], "id": s["spanId"], "parent": s.get("parentSpanId") or "0" * 16, "flags": s.get("flags", 0),
                "name": s["name"], "kind": s["kind"], "start": int(s["startTimeUnixNano"]), "end": int(s["endTimeUnixNano"]),
                "status": s.get("status", {}).get("code", 0), "message": s.get("status", {}).get("message", ""), "scope": name,
                "attributes": attributes(s),
                "events": [{"time": int(e["timeUnixNano"]), "name": e["name"], "attributes": attributes(e)}
                           for e in s.get("events", [])],
                "links": [{"trace": k["traceId"], "id": k["spanId"], "flags": k.get("flags", 0), "attributes": attributes(k)}
                          for k in s.get("links", [])]})
    return spans


def received_metrics(requests, resources):
    """(name, (help, unit, kind), temporality, attributes, from, to, what it says, exemplars) for each point of the probe."""
    for name, scope in scopes(requests, "metrics", resources):
        if name[0] == "apm":
            continue            # about itself
        check(name == ("probe", "2.0", "https://example.org/schema/2"), f"the scope is {name}")
        for m in scope["metrics"]:
            kind, of = next((k, m[k]) for k in ("sum", "gauge", "histogram", "exponentialHistogram") if k in m)
            if kind == "sum" and not of.get("isMonotonic"):
                kind = "updown"
            for p in of["dataPoints"]:
                if kind == "histogram":
                    said = {"count": int(p.get("count", 0)), "sum": p.get("sum"), "counts": [int(n) for n in p["bucketCounts"]],
                            "bounds": p["explicitBounds"]}
                elif kind == "exponentialHistogram":
                    positive = p.get("positive", {})
                    buckets = enumerate(positive.get("bucketCounts", []), positive.get("offset", 0))
                    counts = {i: int(n) for i, n in buckets if int(n)}
                    check(not p.get("negative"), f"{m['name']} has negative buckets")
                    said = {"count": int(p.get("count", 0)), "sum": p.get("sum"), "scale": p.get("scale", 0), "counts": counts,
                            "zero": int(p.get("zeroCount", 0)), "threshold": p.get("zeroThreshold", 0)}
                elif "asInt" in p:
                    said = {"int": int(p["asInt"])}
                else:
                    said = {"double": float(p["asDouble"])}
                family = m.get("description"), m.get("unit", ""), kind.replace("exponentialHistogram", "exponential")
                yield (m["name"], family, of.get("aggregationTemporality", 0), frozenset(attributes(p)),
                       int(p.get("startTimeUnixNano", 0)), int(p["timeUnixNano"]), said, p.get("exemplars", []))


def added(a, b):
    """Two deltas of one series."""
    def sum_of(what, x, y):
        if what in ("bounds", "scale", "threshold"):
            check(x == y, f"{what}: {x} and then {y}")
            return x
        if isinstance(x, dict):
            return dict(Counter(x) + Counter(y))
        return [m + n for m, n in zip(x, y)] if isinstance(x, list) else x + y
    check(a.keys() == b.keys(), f"{a} and then {b}")
    return {what: sum_of(what, a[what], b[what]) for what in a}


def check_equal(expected, found, what):
    check(not (lost := expected.keys() - found.keys()), f"{len(lost)} {what} are missing, such as {list(lost)[:3]}")
    check(not (extra := found.keys() - expected.keys()), f"{len(extra)} {what} were never recorded, such as {list(extra)[:3]}")
    for key, e in expected.items():
        check(found[key] == e, f"{key} is\n{found[key]}, and should be\n{e}")


def check_spans(recorded, requests, resources):
    spans = received_spans(requests, resources)
    expected = said_spans(recorded)
    found = {s["id"]: s for s in spans}
    check(len(found) == len(spans), "a span came twice, though all requests were answered")
    check_equal(expected, found, "spans")
    return len(found)


def grown(before, after):
    """Is what a sum or a histogram said `before` a part of what it says `after`?"""
    return all(n <= m for n, m in zip(before["counts"], after["counts"])) if isinstance(before.get("counts"), list) else \
        all(n <= after["counts"].get(i, 0) for i, n in before["counts"].items()) if "counts" in before else \
        list(before.values()) <= list(after.values())


def check_metrics(recorded, requests, resources, temporality, before, after, all_at_once):
    """The last values, or the sums of the deltas, are what was recorded; every point is of a time at which it can have been so."""
    expected, families = said_metrics(recorded)
    spans = {s["id"]: s["trace"] for s in recorded["spans"]}
    weighed = {(m["name"], frozenset(said_attributes(p["attributes"])), span): value for m in recorded["metrics"]
               for p in m["points"] if "spans" in p for span, value in zip(p["spans"], p["values"])}
    values, ends, exemplars, points = {}, {}, 0, 0
    for name, family, how, labels, start, end, said, marked in received_metrics(requests, resources):
        points += 1
        key, kind = (name, labels), family[2]
        check(family == families.get(name), f"{name} is {family}, and should be {families.get(name)}")
        wanted = {"gauge": 0, "updown": CUMULATIVE}.get(kind, temporality)
        check(how == wanted, f"{name}: temporality {how}, and should be {wanted}")
        check(kind == "gauge" or before <= start, f"{name} starts at {start}, before the program did: {before}")
        check(start <= end <= after, f"{name}: from {start} to {end}, looked at at {after}")
        if all_at_once and wanted != DELTA:
            check(said == expected.get(key), f"{key} is\n{said}, and should be\n{expected.get(key)}")
        if key in ends:
            check(ends[key][1] < end, f"{key}: two points of the same time, or out of order")
            if wanted == DELTA:
                check(ends[key][1] <= start, f"{key}: a delta from {start}, and the one before ends at {ends[key][1]}")
            elif wanted == CUMULATIVE:
                check(ends[key][0] == start, f"{key}: starts at {start}, and before that said {ends[key][0]}")
                check(kind == "updown" or grown(values[key], said), f"{key} shrinks from {values[key]} to {said}")
        ends[key] = start, end
        values[key] = added(values[key], said) if wanted == DELTA and key in values else said
        for e in marked:
            exemplars += 1
            check(spans.get(e["spanId"]) == e["traceId"], f"{name}: an exemplar of a span that was not recorded: {e}")
            check(weighed.get((*key, e["spanId"])) == e["asDouble"], f"{key}: that was not recorded in this span: {e}")
            check(before <= int(e["timeUnixNano"]) <= end, f"{name}: an exemplar of another time: {e}")
    check_equal(expected, values, "series")
    check(exemplars >= 4, f"{exemplars} exemplars, though the buckets of a histogram have some")
    return len(values), points


def test_collector(probe, peers):
    program = need_peer("collector", peers)
    protobuf, packed = "application/x-protobuf", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    as_json = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    deltas = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}
    # The endpoint alone is enough; the endpoint for Prometheus, which is there then, is to be in the way of nothing.
    no_more = {"OTEL_TRACES_EXPORTER": None, "OTEL_METRICS_EXPORTER": None, "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}
    for what, mode, variables, temporality, kind, encoding in (
            ("protobuf", "all", no_more, CUMULATIVE, protobuf, ""),
            ("protobuf, gzip", "all", packed, CUMULATIVE, protobuf, "gzip"),
            ("JSON", "all", as_json, CUMULATIVE, "application/json", ""),
            ("JSON, gzip", "all", {**as_json, **packed}, CUMULATIVE, "application/json", "gzip"),
            ("protobuf, three times", "times", {}, CUMULATIVE, protobuf, ""),
            ("protobuf, three times, deltas", "times", deltas, DELTA, protobuf, ""),
            ("JSON, three times, deltas", "times", {**as_json, **deltas}, DELTA, "application/json", "")):
        with tempfile.TemporaryDirectory(prefix="apm-real-") as directory:
            file = Path(directory) / "received"
            with Collector(program, own_port(), file) as collector:
                to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
                recorded, before, after = run_probe(probe, mode, ORDERS, {**to, **variables})
            requests = read_requests(file)
        check({r["signal"] for r in requests} == {"traces", "metrics"}, f"{what}: {len(requests)} requests")
        for r in requests:
            check((r["type"], r["encoding"]) == (kind, encoding), f"{what}: a request came as {r['type']}, {r['encoding']}")
            check(r["agent"], f"{what}: a request does not say whose it is")
        resources = []
        spans = check_spans(recorded, requests, resources)
        series, points = check_metrics(recorded, requests, resources, temporality, before, after, mode == "all")
        check(all(r == resources[0] for r in resources), f"{what}: not all have one resource: {resources}")
        print(f"{what}: {spans} spans, and {series} series in {points} points, in {len(requests)} requests of "
              f"{requests[0]['agent']}")


# --- a collector that is gone for a while -----------------------------------------------------------------------------

def test_outage(probe, peers):
    program = need_peer("collector", peers)
    port = own_port()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HERE}:{port}", "OTEL_BSP_SCHEDULE_DELAY": "100",
                 "OTEL_METRIC_EXPORT_INTERVAL": "200", "APM_SHUTDOWN_TIMEOUT": "60000"}

    def ids(requests):
        return Counter(s["spanId"] for _, scope in scopes(requests, "traces", []) for s in scope["spans"])

    with tempfile.TemporaryDirectory(prefix="apm-real-") as directory:
        file = Path(directory) / "received"
        with Program(probe, "stream", env=probe_environment(variables)) as stream:
            received = 0
            for end in ("asked", "killed", "the probe first"):
                with Collector(program, port, file) as collector:
                    until(lambda: len(ids(read_requests(file))) > received + 100, "spans arrive")
                    if end == "the probe first":
                        check(stream.stop() == 0, "the probe did not end well")
                    elif end == "killed":
                        collector.kill()        # maybe between a line in its file and its answer
                    else:
                        check(collector.stop() == 0, "the collector did not end well")
                received = len(ids(read_requests(file)))
                for _ in range(10 if end != "the probe first" else 0):
                    stream.line(r"^placed \d+$")    # every 0.1 s at most, while nothing answers
            recorded = json.loads(stream.line(r"^recorded (.*)$").group(1))
        requests = read_requests(file)
    spans = ids(requests)
    check(len(set(recorded["spans"])) == len(recorded["spans"]), "a span's id was given twice")
    check_equal(dict.fromkeys(recorded["spans"], True), dict.fromkeys(spans, True), "spans")
    sums = [(end, said["int"]) for name, _, _, labels, _, end, said, _ in received_metrics(requests, [])
            if name == "probe.closed" and {("paid", "bool", "True"), ("method", "text", repr("card"))} == labels]
    check(sums and sums[-1][1] == recorded["orders"], f"{sums[-3:]} orders arrived, {recorded['orders']} were placed")
    check(sums == sorted(sums) and [n for _, n in sums] == sorted(n for _, n in sums), "a sum went back")
    print(f"{len(spans)} spans, {sum(spans.values()) - len(spans)} of them twice, and {recorded['orders']} orders in {len(sums)} "
          "points, though the collector was gone twice")


# --- VictoriaMetrics --------------------------------------------------------------------------------------------------

def as_victoria_has_it(points):
    """{(name, labels): value}. Buckets are cumulative, by their upper bound; of exponential ones each has its range."""
    series = {}
    for (name, labels), said in points.items():
        labels = {label: value.lower() if kind == "bool" else str(ast.literal_eval(value)) for label, kind, value in labels}

        def add(value, to=name, **more):
            series[to, frozenset({**labels, **more}.items())] = float(value)

        if "count" not in said:
            add(said["int"] if "int" in said else said["double"])
            continue
        add(said["count"], name + "_count")
        add(said["sum"], name + "_sum")
        if "bounds" in said:
            for i, bound in enumerate([*said["bounds"], math.inf]):
                add(sum(said["counts"][:i + 1]), name + "_bucket", le="+Inf" if bound == math.inf else f"{bound:g}")
        else:
            base = 2 ** (2 ** -said["scale"])
            if said["zero"]:
                add(said["zero"], name + "_bucket", vmrange=f"{0:.3e}...{said['threshold']:.3e}")
            for i, n in said["counts"].items():
                add(n, name + "_bucket", vmrange=f"{base ** i:.3e}...{base ** (i + 1):.3e}")
    return series


def test_victoria_metrics(probe, peers):
    program = need_peer("victoria-metrics", peers)
    resource = {"service.name": "probe", "service.version": "3.1", "a.text": 'a "text" \\ ä\n', "telemetry.sdk.name": "apm"}
    ours = {"method", "paid", "status", "route", "le", "vmrange"}
    for what, variables in (("protobuf", {}), ("protobuf, gzip", {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip"})):
        with tempfile.TemporaryDirectory(prefix="apm-real-") as directory, VictoriaMetrics(program, directory) as victoria:
            recorded, _, _ = run_probe(probe, "times", ORDERS, {
                "OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": victoria.url + "/opentelemetry/v1/metrics",
                **variables})
            expected = as_victoria_has_it(said_metrics(recorded)[0])
            check(len(expected) > 100, f"the probe says {len(expected)} series only")

            def as_older(label, value):     # a newer version lets the zero bucket begin below zero
                return re.sub(r"^-(.*)\.\.\.\1$", rf"{0:.3e}...\1", value) if label == "vmrange" else value

            def own(labels):
                return frozenset((label, as_older(label, value)) for label, value in labels if label in ours)

            def stored():
                """{(name, its own labels): (the last value, all labels)}"""
                return {(name, own(labels)): (float(values[-1]), dict(labels))
                        for (name, labels), values in victoria.series('{__name__=~"probe[.].*"}').items()}

            def values_of(series):
                return {key: value for key, (value, _) in series.items()}

            # New series take it a second to be found.
            end = time.monotonic() + PATIENCE
            while values_of(found := stored()) != expected and time.monotonic() < end:
                time.sleep(0.2)
            check_equal(expected, values_of(found), "series")
            for (name, _), (_, labels) in found.items():
                has = {label: labels.get(label) for label in resource}
                check(has == resource, f"{name}: the resource is {has}, and should be {resource}")
            print(f"{what}: {len(found)} series")


def main():
    what, probe, peers = sys.argv[1:]
    {"collector": test_collector, "outage": test_outage, "victoria_metrics": test_victoria_metrics}[what](probe, Path(peers))


if __name__ == "__main__":
    run(main)
