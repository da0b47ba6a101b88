#!/usr/bin/env python3
"""OpenTelemetry's own decoder reads our OTLP/protobuf, and finds in it what the program recorded, and what our OTLP/JSON says.

usage: otlp_decode.py OTLP_BYTES WORK_DIRECTORY      OTLP_BYTES: the program of otlp_bytes.cpp
"""
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import check, run
from otlp_json import compare, recorded, transformer, written

# Each request is decoded, and encoded again to the same bytes: nothing unknown, nothing twice, nothing out of order, no length
# longer than it has to be. As plain JSON it is our own of the same. (protobufjs knows proto3's, in which bytes are base64; OTLP
# has hexadecimal ids instead.)
READER = r"""
const assert = require("assert"), fs = require("fs");
const collector = require(process.argv[2]).opentelemetry.proto.collector;
const types = {spans: collector.trace.v1.ExportTraceServiceRequest, metrics: collector.metrics.v1.ExportMetricsServiceRequest};
const ids = new Set(["traceId", "spanId", "parentSpanId"]);
function plain(value) {
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    const inHex = v => /^([0-9a-f]{16}){1,2}$/.test(v) ? v : Buffer.from(v, "base64").toString("hex");
    return Object.fromEntries(Object.entries(value).filter(([, v]) => !(Array.isArray(v) && v.length === 0))
                                                   .map(([key, v]) => [key, ids.has(key) ? inHex(v) : plain(v)]));
}
const requests = {spans: [], metrics: []};
for (const [kind, type] of Object.entries(types)) {
    for (let n = 0; fs.existsSync(`${process.argv[3]}/${kind}-${n}.protobuf`); ++n) {
        const name = `${process.argv[3]}/${kind}-${n}`, bytes = fs.readFileSync(`${name}.protobuf`);
        const read = type.decode(bytes);
        assert.strictEqual(type.verify(read), null);
        assert(bytes.equals(type.encode(read).finish()), `${name}: encoded again, it is something else`);
        const found = plain(type.toObject(read, {longs: String, bytes: String, json: true}));
        assert.deepStrictEqual(found, plain(JSON.parse(fs.readFileSync(`${name}.json`, "utf8"))), name);
        requests[kind].push(found);
    }
}
process.stdout.write(JSON.stringify(requests, (key, v) => Object.is(v, -0) ? "-0" : v));
"""


def check_metrics(lines, requests):
    expected = []
    for line in lines:
        kind, said = line.split("\t")
        if kind == "metrics":
            expected.append((int(said), []))
        else:
            expected[-1][1].append(json.loads(said))
    check(len(requests) == len(expected) == 3, f"{len(requests)} requests of metrics, and should be {len(expected)}")
    for n, (request, (points, metrics)) in enumerate(zip(requests, expected)):
        (resource,) = request["resourceMetrics"]
        (scope,) = resource["scopeMetrics"]
        check(scope["scope"] == {"name": "metrics", "version": "2"} and scope["schemaUrl"] == "https://example.org/schema/2",
              f"the scope is {scope['scope']}")
        found = {m["name"]: m for m in scope["metrics"]}
        check([m["name"] for m in scope["metrics"]] == [m["name"] for m in metrics], f"there are {list(found)}")
        for e in metrics:
            check(found[e["name"]] == e, f"metrics-{n}: there is\n{json.dumps(found[e['name']])}, and should be\n{json.dumps(e)}")
        data = ("sum", "gauge", "histogram", "exponentialHistogram")
        counted = sum(len(m[d]["dataPoints"]) for m in found.values() for d in data if d in m)
        check(counted == points, f"metrics-{n} has {counted} points, and says {points}")


def main():
    program, directory = sys.argv[1:]
    types = transformer(Path(directory).resolve())
    seed = str(random.randrange(1 << 31))
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="apm-otlp-") as output:
        said = subprocess.run([program, output, seed], capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
        reader = Path(output) / "read.js"
        reader.write_text(READER)
        done = subprocess.run([shutil.which("node"), reader, types, output], capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"OpenTelemetry's types do not read it:\n{done.stderr}")
    requests = json.loads(done.stdout)
    metrics = next(i for i, line in enumerate(said) if line.startswith("metrics\t"))
    expected = {s["id"]: s for s in recorded(said[:metrics])}
    found = {s["id"]: s for s in written(requests["spans"])}
    check(len(expected) > 300, f"only {len(expected)} spans recorded")
    compare(expected, found)
    check_metrics(said[metrics:], requests["metrics"])
    print(f"{len(found)} spans in {len(requests['spans'])} requests, and all metrics, are what was recorded")


run(main)
