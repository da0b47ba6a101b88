#!/usr/bin/env python3
"""OpenTelemetry's own types read what the back end `file` writes, and find in it what the program recorded.

usage: otlp_json.py TRACES WORK_DIRECTORY      TRACES: the program of traces.cpp
"""
import codecs
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import attributes, check, need_npm_packages, run

# Has the types that protobufjs made of OTLP's .proto files. Older ones (0.57) do not know the flags of spans, newer ones (0.301)
# do not have the types any more.
TRANSFORMER = "@opentelemetry/otlp-transformer@0.208.0"

# Each line becomes an object of the type, then bytes on the wire, and then plain JSON again, which must be what it was: nothing
# unknown, nothing of a wrong type. protobufjs knows proto3's JSON, in which bytes are base64; OTLP has hexadecimal ids instead.
READER = r"""
const assert = require("assert"), fs = require("fs");
const root = require(process.argv[2]);
const TracesData = root.opentelemetry.proto.trace.v1.TracesData;
const ids = new Set(["traceId", "spanId", "parentSpanId"]);
function convert(value, from, to) {
    if (Array.isArray(value)) return value.map(v => convert(v, from, to));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, v]) => {
        if (!ids.has(key)) return [key, convert(v, from, to)];
        if (from === "hex") assert.match(v, /^[0-9a-f]+$/);
        return [key, Buffer.from(v, from).toString(to)];
    }));
}
// Which are the same as none.
function withoutEmptyLists(value) {
    if (Array.isArray(value)) return value.map(withoutEmptyLists);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).filter(([, v]) => !(Array.isArray(v) && v.length === 0))
                                                   .map(([key, v]) => [key, withoutEmptyLists(v)]));
}
const read = fs.readFileSync(process.argv[3], "utf8");
assert(read.endsWith("\n"));
const lines = read.slice(0, -1).split("\n").map(line => {
    const given = JSON.parse(line);
    const object = TracesData.fromObject(convert(given, "hex", "base64"));
    assert.strictEqual(TracesData.verify(object), null);
    const again = TracesData.decode(TracesData.encode(object).finish());
    const plain = convert(TracesData.toObject(again, {longs: String, bytes: String, json: true}), "base64", "hex");
    assert.deepStrictEqual(plain, withoutEmptyLists(given));
    return plain;
});
process.stdout.write(JSON.stringify(lines, (key, v) => Object.is(v, -0) ? "-0" : v));
"""


def transformer(directory):
    """Where the types are; installs them."""
    return need_npm_packages(directory, TRANSFORMER) / "@opentelemetry/otlp-transformer/build/src/generated/root.js"


# Python's own "replace" makes one of several bytes that begin a character and do not end it.
codecs.register_error("replace each", lambda error: ("\ufffd", error.start + 1))


def text(word):
    """As OTLP has to have it: each byte that is no UTF-8 is U+FFFD."""
    return "" if word == "-" else codecs.decode(word, "hex").decode(errors="replace each")


def recorded(lines):
    """What the program says: a dict for each span."""
    read = {"int": lambda w: int(w[0]), "ints": lambda w: [int(n) for n in w], "bool": lambda w: w[0] == "1",
            "double": lambda w: float.fromhex(w[0]), "doubles": lambda w: [float.fromhex(n) for n in w],
            "text": lambda w: text(w[0])}
    spans, owner = [], None
    for line in lines:
        kind, *words = line.split("\t")
        if kind == "span":
            owner = {"trace": words[0], "id": words[1], "parent": words[2], "flags": int(words[3]), "name": text(words[4]),
                     "kind": int(words[5]), "start": int(words[6]), "end": int(words[7]), "status": int(words[8]),
                     "message": text(words[9]), "scope": text(words[10]), "dropped": [int(w) for w in words[11:14]],
                     "attributes": [], "events": [], "links": []}
            spans.append(owner)
        elif kind == "event":
            owner = {"time": int(words[0]), "name": text(words[1]), "attributes": []}
            spans[-1]["events"].append(owner)
        elif kind == "link":
            owner = {"trace": words[0], "id": words[1], "flags": int(words[2]), "attributes": []}
            spans[-1]["links"].append(owner)
        elif kind == "attribute":
            owner["attributes"].append((text(words[0]), words[1], repr(read[words[1]](words[2:]))))
        else:
            check(kind == "total", line)
            check(words == [str(len(spans)), "0", "0"], f"{len(spans)} spans, but the program counts {words}")
    return spans


def written(lines):
    """The same of what was read."""
    spans = []
    for line in lines:
        check(len(line["resourceSpans"]) == 1, "one resource")
        resource = line["resourceSpans"][0]
        check(attributes(resource["resource"]) == [("service.name", "text", repr("traces")),
                                                   ("host.name", "text", repr('a "host" \\ ä\n'))], "the resource")
        for scope in resource["scopeSpans"]:
            name = "|".join([scope["scope"].get("name", ""), scope["scope"].get("version", ""), scope.get("schemaUrl", "")])
            for s in scope["spans"]:
                spans.append({
                    "trace": s["traceId"], "id": s["spanId"], "parent": s.get("parentSpanId", "0" * 16), "flags": s["flags"],
                    "name": s["name"], "kind": s["kind"], "start": int(s["startTimeUnixNano"]), "end": int(s["endTimeUnixNano"]),
                    "status": s.get("status", {}).get("code", 0), "message": s.get("status", {}).get("message", ""),
                    "scope": name, "attributes": attributes(s),
                    "dropped": [s.get(f"dropped{what}Count", 0) for what in ("Attributes", "Events", "Links")],
                    "events": [{"time": int(e["timeUnixNano"]), "name": e["name"], "attributes": attributes(e)}
                               for e in s.get("events", [])],
                    "links": [{"trace": k["traceId"], "id": k["spanId"], "flags": k["flags"], "attributes": attributes(k)}
                              for k in s.get("links", [])]})
        scopes = [(s["scope"].get("name"), s.get("schemaUrl")) for s in resource["scopeSpans"]]
        check(len(scopes) == len(set(scopes)), f"a scope is there twice: {scopes}")
    return spans


def compare(expected, found):
    """Both by the ids of spans."""
    check(expected.keys() == found.keys(), f"recorded {sorted(expected)}, written {sorted(found)}")
    for span, e in expected.items():
        for what, value in e.items():
            check(found[span][what] == value, f"{e['name']}: {what} is\n{found[span][what]}, and should be\n{value}")


def main():
    program, directory = sys.argv[1:]
    types = transformer(Path(directory).resolve())
    with tempfile.TemporaryDirectory(prefix="apm-traces-") as output:
        said = subprocess.run([program, "all", output], capture_output=True, text=True, check=True, timeout=120).stdout
        reader = Path(output) / "read.js"
        reader.write_text(READER)
        done = subprocess.run([shutil.which("node"), reader, types, Path(output) / "traces.jsonl"],
                              capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"OpenTelemetry's types do not accept it:\n{done.stderr}")
    lines = json.loads(done.stdout)
    expected = {s["id"]: s for s in recorded(said.splitlines())}
    found = {s["id"]: s for s in written(lines)}
    check(len(lines) == 3, f"{len(lines)} lines of 3 exports")
    check(len(expected) == 8, f"{len(expected)} spans recorded")
    compare(expected, found)
    print(f"{len(found)} spans in {len(lines)} lines are what was recorded")


if __name__ == "__main__":
    run(main)
