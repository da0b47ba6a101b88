"""The files that the back end `file` writes for Chrome's viewer, of several processes, as one."""
import json
import re
from collections import namedtuple
from decimal import Decimal

Merged = namedtuple("Merged", "spans arrows processes")
Slice = namedtuple("Slice", "pid tid start end parent")     # times in nanoseconds


MERGED = "merged_from_several"      # an event that says so: what is in such a file is in others, too


class NotOurs(Exception):
    pass


class File:
    """One file's events, each a line as it was written: numbers keep all of their digits."""

    def __init__(self, path):
        self.path, self.seconds, self.pid, self.process, self.merged = path, None, None, "", False
        for _, event in self.events():      # who it is stands first
            self.pid = event["pid"]
            if event["ph"] == "M" and event["name"] == "process_name":
                self.process = event["args"]["name"]
            if event["ph"] == "M" and event["name"] == "time_zero":
                self.seconds = event["args"]["unix_seconds"]
            self.merged = self.merged or event["name"] == MERGED
            if event["ph"] != "M":
                break

    def events(self, complain=None):
        with open(self.path, encoding="utf-8", errors="replace") as text:
            if text.readline() != "[\n":
                raise NotOurs(f"{self.path} is not what the back end `file` writes for Chrome's viewer")
            for number, line in enumerate(text, 2):
                line = line.rstrip("\n").removeprefix(",")
                if line in ("", "]"):
                    continue
                try:
                    event = json.loads(line, parse_float=Decimal)
                    yield line, {key: event[key] for key in ("ph", "pid", "tid", "name")} | event
                except (ValueError, KeyError, TypeError):
                    if complain:        # a program that was killed may have left half a line
                        complain(f"{self.path}:{number}: this is no event")


def nanoseconds(microseconds):
    return int(Decimal(microseconds) * 1000)


def number_processes(files):
    """Each file's pid in the merged one: its own, unless another process has that (on another host, in another container)."""
    taken, pids = {}, []
    for f in files:
        rotated = re.sub(r"\.json(\.\d+)?$", "", str(f.path))
        pid = f.pid
        while taken.setdefault(pid, rotated) != rotated:
            pid += 1_000_000
        pids.append(pid)
    return pids


def end_of_arrow(phase, at, when, child):
    event = {"ph": phase, "pid": at.pid, "tid": at.tid, "ts": None, "cat": "call", "name": "call", "id": child}
    if phase == "f":
        event["bp"] = "e"
    time = f"{when // 1000}.{when % 1000:03}"
    return json.dumps(event, separators=(",", ":")).replace('"ts":null', f'"ts":{time}')


def arrows(slices):
    """From a span to its child in another process. Each end lies in its slice, and not against the time's direction: the clocks
    of two hosts may differ by more than a call takes, then there is none."""
    for child, to in slices.items():
        parent = slices.get(to.parent)
        if parent is None or parent.pid == to.pid:
            continue
        begins = min(max(to.start, parent.start), max(parent.start, parent.end - 1))
        if begins > max(to.start, to.end - 1):
            continue
        yield end_of_arrow("s", parent, begins, child)
        yield end_of_arrow("f", to, max(begins, to.start), child)


def merge(paths, output, complain):
    files = [f for f in (File(path) for path in paths) if f.pid is not None and not f.merged]
    if not files:
        raise NotOurs("there is no event in these files")
    zero = min((f.seconds for f in files if f.seconds is not None), default=0)
    slices, spans, drawn = {}, 0, 0
    partial = output.with_name(output.name + ".part")
    with open(partial, "w", encoding="utf-8") as out:
        between = "[\n"

        def put(line):
            nonlocal between
            out.write(between + line)
            between = "\n,"

        put(json.dumps({"ph": "M", "pid": 0, "tid": 0, "name": MERGED}))
        for order, (f, pid) in enumerate(zip(files, number_processes(files))):
            seconds = zero if f.seconds is None else f.seconds
            later = (seconds - zero) * 1_000_000
            for line, e in f.events(complain):
                # Of its keys these come first; what a name or an attribute says is behind them.
                line = re.sub(r'"pid":\d+', f'"pid":{pid}', line, count=1)
                if "ts" in e:
                    line = re.sub(r'"ts":(\d+)', lambda m: f'"ts":{int(m[1]) + later}', line, count=1)
                if e["ph"] == "M" and e["name"] == "time_zero":
                    line = line.replace(f'"unix_seconds":{seconds}', f'"unix_seconds":{zero}')
                if e["ph"] == "X":
                    start = nanoseconds(e["ts"]) + later * 1000
                    slices[e["args"]["span_id"]] = Slice(pid, e["tid"], start, start + nanoseconds(e["dur"]),
                                                         e["args"].get("parent_span_id"))
                spans += e["ph"] in "Xb"
                put(line)
            put(json.dumps({"ph": "M", "pid": pid, "tid": pid, "name": "process_sort_index", "args": {"sort_index": order}}))
        for line in arrows(slices):
            put(line)
            drawn += 1
        out.write("\n]\n")
    partial.replace(output)
    return Merged(spans, drawn // 2, list(dict.fromkeys(f.process for f in files)))
