#!/usr/bin/env python3
"""What the back end `file` writes for Chrome's viewer keeps the rules of the format, and says what the program did.

usage: chrome_trace.py TRACES      TRACES: the program of traces.cpp

The rules: an array that needs at most its bracket; slices of a thread nest; what begins asynchronously ends; both ends of an
arrow lie in slices of their threads; each file names its process and its living threads.
"""
import json
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

from harness import check, run

KNOWN = {"M", "X", "i", "b", "n", "e", "s", "f"}
ASYNCHRONOUS = {"overlap"}    # the spans that traces.cpp lets begin in one span and end in another


class Slice:
    def __init__(self, event):
        self.start = event["ts"]
        self.end = event["ts"] + event["dur"]
        self.tid = event["tid"]
        self.name = event["name"]
        self.args = event["args"]

    def has(self, time):
        return self.start <= time < self.end or self.start == time == self.end


def load(path, ended):
    """The events of a file. Times are exact: a double has no room for all of a time's digits."""
    text = path.read_text(encoding="utf-8")
    check(text.startswith("[\n"), f"{path.name} begins with {text[:10]!r}")
    check(text.endswith("\n]\n") == ended, f"{path.name} ends with {text[-10:]!r}")
    events = json.loads(text if ended else text + "]", parse_float=Fraction, object_pairs_hook=unique)
    for e in events:
        check(e["ph"] in KNOWN, f"{path.name}: no such phase: {e}")
        check(isinstance(e["pid"], int) and isinstance(e["tid"], int) and isinstance(e["name"], str), f"{path.name}: {e}")
        check(e["ph"] == "M" or isinstance(e["ts"], (int, Fraction)) and e["ts"] >= 0, f"{path.name}: a time is missing: {e}")
        check(e["ph"] in "Msf" or isinstance(e["cat"], str), f"{path.name}: a category is missing: {e}")
        check(e["ph"] not in "bnesf" or isinstance(e["id"], str), f"{path.name}: an id is missing: {e}")
        check(e["ph"] != "i" or e["s"] == "t", f"{path.name}: an instant's scope is missing: {e}")
    return events


def unique(pairs):
    check(len(pairs) == len(dict(pairs)), f"a key is there twice: {pairs}")
    return dict(pairs)


def check_names(path, events):
    names = [e for e in events if e["ph"] == "M"]
    check([e["args"]["name"] for e in names if e["name"] == "process_name"] == ["traces"], f"{path.name}: the process's name")
    check(events[0]["name"] == "process_name", f"{path.name} begins with {events[0]}")
    named = [e["tid"] for e in names if e["name"] == "thread_name"]
    check(len(named) == len(set(named)), f"{path.name}: a thread is named twice")
    pid = events[0]["pid"]
    if any(e["tid"] == pid for e in events if e["ph"] == "X"):
        check(pid in named, f"{path.name}: the main thread has no name")


def check_nesting(slices):
    threads = defaultdict(list)
    for s in slices:
        threads[s.tid].append(s)
    for of_thread in threads.values():
        stack = []
        for s in sorted(of_thread, key=lambda s: (s.start, -s.end)):
            while stack and stack[-1].end <= s.start:
                stack.pop()
            check(not stack or s.end <= stack[-1].end, f"{s.name} at {float(s.start)} overlaps {stack and stack[-1].name}")
            stack.append(s)


def check_asynchronous(path, events):
    under_way = {}
    for e in events:
        key = e["ph"] in "bne" and (e["pid"], e["cat"], e["id"])
        if e["ph"] == "b":
            check(key not in under_way, f"{path.name}: begins twice: {e}")
            under_way[key] = e["ts"]
        elif e["ph"] in "ne":
            check(key in under_way and e["ts"] >= under_way[key], f"{path.name}: did not begin: {e}")
            if e["ph"] == "e":
                del under_way[key]
    check(not under_way, f"{path.name}: never ends: {under_way}")


def check_arrows(path, events, slices):
    """From each parent to each child on another thread whose slices are in this file, and nowhere else."""
    by_id = {s.args["span_id"]: s for s in slices}
    expected = {s.args["span_id"] for s in slices
                if (p := by_id.get(s.args.get("parent_span_id"))) and p.tid != s.tid and p.start < s.end}
    ends = {phase: {e["id"]: e for e in events if e["ph"] == phase} for phase in "sf"}
    for phase in "sf":
        check(len(ends[phase]) == sum(e["ph"] == phase for e in events), f"{path.name}: an arrow is there twice")
        check(ends[phase].keys() == expected,
              f"{path.name}: {len(ends[phase])} arrows ({phase}) for {len(expected)} children on other threads")
    for child in expected:
        begins, end, to = ends["s"][child], ends["f"][child], by_id[child]
        source = by_id[to.args["parent_span_id"]]
        check((begins["cat"], begins["name"]) == (end["cat"], end["name"]) and end["bp"] == "e", f"{path.name}: {begins} {end}")
        check(begins["ts"] <= end["ts"], f"{path.name}: an arrow back in time: {begins} {end}")
        check(begins["tid"] == source.tid and source.has(begins["ts"]), f"{path.name}: {begins} is not in its slice")
        check(end["tid"] == to.tid and to.has(end["ts"]), f"{path.name}: {end} is not in its slice")
    return len(expected)


def recorded(lines):
    spans = {}
    for line in lines:
        kind, *words = line.split("\t")
        if kind == "span":
            spans[words[0]] = {"parent": words[1], "tid": int(words[2]), "name": words[3]}
        else:
            check(kind == "total" and words == [str(len(spans)), "0", "0"], f"{line}, of {len(spans)}")
    return spans


def examine(program, what, rotated):
    """Runs the program and looks at all its files. Returns how many slices, asynchronous spans and arrows there are."""
    with tempfile.TemporaryDirectory(prefix="apm-traces-") as output:
        done = subprocess.run([program, what, output], capture_output=True, text=True, timeout=120)
        check(done.returncode == (-signal.SIGKILL if what == "killed" else 0), f"{what}: exit status {done.returncode}")
        spans = recorded(done.stdout.splitlines()) if what != "all" else None
        paths = sorted(Path(output).glob("traces.json*"), key=lambda p: p.name)
        paths = [p for p in paths if not p.name.startswith("traces.jsonl")]
        check(len(paths) > 1 if rotated else len(paths) == 1, f"{len(paths)} files")
        slices, found, arrows, ticks = [], {}, 0, 0
        for path in paths:
            events = load(path, ended=what != "killed" or path.name != "traces.json")
            check_names(path, events)
            check_asynchronous(path, events)
            of_file = [Slice(e) for e in events if e["ph"] == "X"]
            slices += of_file
            arrows += check_arrows(path, events, of_file)
            ticks += sum(e["ph"] in "in" for e in events)
            for e in events:
                if e["ph"] in "Xb":
                    check(e["args"]["span_id"] not in found, f"a span is there twice: {e}")
                    found[e["args"]["span_id"]] = e
        check_nesting(slices)
        zeros = {e["args"]["unix_seconds"] for p in paths for e in load(p, p.name != "traces.json" or what != "killed")
                 if e["name"] == "time_zero"}
        check(len(zeros) == 1, f"the files have different zeros: {zeros}")
    if spans is None:
        return slices, found, zeros.pop()
    # Killed, too: what was still under way was not said.
    check(found.keys() == spans.keys(), f"{len(found)} spans of {len(spans)}")
    for span, e in found.items():
        said = spans[span]
        check(e["name"] == said["name"] and e["tid"] == said["tid"], f"{e} should be {said}")
        check(e["args"].get("parent_span_id", "0" * 16) == said["parent"], f"{e} should be {said}")
        check((e["ph"] == "b") == (said["name"] in ASYNCHRONOUS), f"no slice, or no asynchronous one: {e}")
    check(arrows > 20, f"{arrows} arrows")
    check(ticks > len(slices), f"{ticks} events of {len(slices)} slices")
    print(f"{what}: {len(paths)} files, {len(slices)} slices, {len(found) - len(slices)} asynchronous, {arrows} arrows")


def main():
    program, = sys.argv[1:]
    examine(program, "busy", rotated=True)
    examine(program, "killed", rotated=True)
    # Times and values that are known exactly.
    slices, found, zero = examine(program, "all", rotated=False)
    beginning = 1_754_870_400_123_456_789
    everything, = (s for s in slices if s.name == "everything")
    check(everything.start * 1000 + zero * 10**9 == beginning, f"it begins at {everything.start} us after {zero} s")
    check(everything.args["a.integer"] == str(-2**63), "an integer that no double holds is text")
    check(everything.args["integers"] == [0, -1, str(2**63 - 1), str(-2**63), str(2**53 + 1)], "integers")
    check(everything.args["reals"][4:] == ["NaN", "Infinity", "-Infinity"], "what JSON has no numbers for")
    check(everything.args["text"].endswith("\x7f € \U0001f408 \ufffd end"), "a text")
    broken, = (s for s in slices if s.name == 'received "anew"')
    check(broken.args["status"] == "error" and broken.args["status_message"] == "broken \ufffd pipe", "a status")
    check(len(found) == 8, f"{len(found)} spans")


run(main)
