#!/usr/bin/env python3
"""tools/traces, with files that are made up: what is missing, in a circle, damaged, a stranger's, or of another day or host."""
import json
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "traces"
MS = 1_000_000


def span(trace, id_, parent, start, end, name=None, **more):
    of = {"traceId": trace * 32, "spanId": id_ * 16, "name": name or f"span {id_}", "startTimeUnixNano": str(10**18 + start * MS),
          "endTimeUnixNano": str(10**18 + end * MS), **more}
    return {**of, "parentSpanId": parent * 16} if parent else of


def otlp(service, *spans):
    who = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": who, "scopeSpans": [{"scope": {"name": "s"}, "spans": spans}]}]})


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="apm-traces-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def write(self, name, *lines):
        (self.directory / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    def run_tool(self, *arguments, status=0):
        ran = subprocess.run([sys.executable, TOOL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, encoding="utf-8", timeout=120)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran.stdout, ran.stderr


class Trees(Files):
    def tree(self, *arguments):
        return self.run_tool("tree", *arguments, self.directory)[0]

    def test_across_services(self):
        failed = {"status": {"code": 2, "message": "no"}, "attributes": [{"key": "n", "value": {"intValue": "7"}},
                                                                       {"key": "t", "value": {"stringValue": "x"}}]}
        event = {"events": [{"timeUnixNano": str(10**18 + 25 * MS), "name": "retry",
                             "attributes": [{"key": "ok", "value": {"boolValue": False}}]}]}
        self.write("a.jsonl", otlp("front", span("1", "b", "a", 10, 40), span("1", "a", "", 0, 50)))
        self.write("b.jsonl.1", otlp("back", span("1", "d", "b", 32, 33), span("1", "c", "b", 20, 30, **failed, **event)))
        self.assertEqual(self.tree().splitlines(), [
            f"trace {'1' * 32}: 4 spans of front, back; 50.0 ms; 1 with an error",
            " 50.0 ms  front  span a",
            " 30.0 ms  front  └─ span b",
            " 10.0 ms  back      ├─ span c n=7 t=\"x\"  ERROR: no",
            "                    │     +5.00 ms retry ok=false",
            " 1.00 ms  back      └─ span d"])

    def test_lines_as_long_as_a_terminal(self):
        text = {"attributes": [{"key": "t", "value": {"stringValue": "x" * 60}}]}
        self.write("a.jsonl", otlp("s", span("1", "a", "", 0, 1, **text, status={"code": 2, "message": "no"})))
        self.assertEqual([line for line in self.tree("--columns", "40").splitlines()][1:], [
            ' 1.00 ms  s  span a t="xxxxx…  ERROR: no'])
        self.assertEqual(len(self.tree().splitlines()[1]), 95)

    def test_what_is_asked_for(self):
        error = {"status": {"code": 2}}
        self.write("a.jsonl", otlp("s", span("1", "a", "", 0, 1), span("2", "b", "", 5, 6, **error),
                                   span("3", "c", "", 3, 4, "slow"), span("4", "d", "9", 7, 8, "slow", **error)))

        def traces(*arguments):
            return [line[6] for line in self.tree(*arguments).splitlines() if line.startswith("trace ")]
        self.assertEqual(traces(), list("1324"))
        self.assertEqual(traces("--error"), list("24"))
        self.assertEqual(traces("--span", "slow"), list("34"))
        self.assertEqual(traces("--error", "--span", "slow"), ["4"])
        self.assertEqual(traces("--trace", "33"), ["3"])
        self.assertEqual(traces("--error", "--most", "1"), ["2"])       # of the later one a parent is missing
        self.assertEqual(traces("--most", "2"), list("32"))
        self.assertEqual(self.run_tool("tree", "--span", "none", self.directory, status=1)[1], "traces: there is no such trace\n")

    def test_what_is_missing_or_in_a_circle(self):
        self.write("a.jsonl", otlp("s", span("1", "a", "f", 0, 9), span("1", "b", "a", 1, 2), span("2", "c", "d", 10, 19),
                                   span("2", "d", "e", 11, 18), span("2", "e", "c", 12, 17), span("3", "b", "b", 20, 21)))
        self.assertEqual([line[10:] for line in self.tree().splitlines() if line and not line.startswith("trace ")], [
            f"s  span a  (its parent {'f' * 16} is not here)", "s  └─ span b",
            "s  span c", "s  └─ span e", "s     └─ span d", f"s  span b  (its parent {'b' * 16} is not here)"])

    def test_strangers_and_damage(self):
        self.write("a.jsonl", otlp("s\x1b[2J", span("1", "a", "", 0, 9, "n\r\u0085", attributes=[
            {"key": "k\x07", "value": {"stringValue": "\x1b]0;" + "y" * 500}}, {"key": "empty", "value": {}}])),
            otlp("s", span("1", "b", "a", 1, 2))[:-5], "[1]", '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}')
        text, complaints = self.run_tool("tree", self.directory)
        self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        self.assertIn("s\\x1b[2J  n\\r\\x85 k\\x07=", text)
        self.assertIn(" empty=null", text)
        self.assertLess(max(map(len, text.splitlines())), 300)
        self.assertEqual(complaints, "".join(f"traces: {self.directory}/a.jsonl:{n}: this is no OTLP/JSON\n" for n in (2, 3, 4)))

    def test_three_thousand_levels(self):
        self.write("a.jsonl", otlp("s", *({**span("1", "a", "", 0, 1), "spanId": f"{n:016x}", "parentSpanId": f"{n - 1:016x}"}
                                          for n in range(1, 3001))))
        self.assertEqual(len(self.tree().splitlines()), 3001)


class Chrome(Files):
    @staticmethod
    def meta(pid, what, **of):
        return json.dumps({"ph": "M", "pid": pid, "tid": pid, "name": what, "args": of}, separators=(",", ":"))

    @staticmethod
    def slice(pid, tid, ts, dur, id_, parent=None, name="x"):
        args = {"pid": 5, "span_id": id_ * 16, **({"parent_span_id": parent * 16} if parent else {})}
        event = {"ph": "X", "pid": pid, "tid": tid, "ts": None, "dur": None, "name": name, "args": args}
        return json.dumps(event, separators=(",", ":")).replace('"ts":null', f'"ts":{ts}').replace('"dur":null', f'"dur":{dur}')

    def file(self, name, pid, seconds, process, *lines, whole=True):
        lines = [self.meta(pid, "process_name", name=process), self.meta(pid, "time_zero", unix_seconds=seconds), *lines]
        self.write(name, "[", lines[0], *("," + line for line in lines[1:]), *("]",) * whole)

    def merge(self, *paths):
        out = self.directory / "all.json"
        said, complaints = self.run_tool("merge", "-o", out, *(paths or [self.directory]))
        return json.loads(out.read_text(encoding="utf-8"), parse_float=Decimal), said, complaints

    def slices(self, events):
        return {e["args"]["span_id"][0]: (e["pid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"}

    def test_files_of_two_days(self):
        self.file("a.json", 7, 86_400, "one", self.slice(7, 1, "165212299795.649", 2000, "a", name='"ts":3,"pid":4'),
                  self.slice(7, 3, "165212299800", 2, "c", "a"))
        self.file("b.json", 8, 172_800, "two", self.slice(8, 2, "78812300000.125", "0.5", "b", "a"))
        events, said, _ = self.merge()
        self.assertEqual(self.slices(events), {"a": (7, Decimal("165212299795.649"), 2000), "c": (7, 165212299800, 2),
                                               "b": (8, Decimal("165212300000.125"), Decimal("0.5"))})
        self.assertEqual({e["args"]["unix_seconds"] for e in events if e["name"] == "time_zero"}, {86_400})
        self.assertEqual([e["name"] for e in events if e["ph"] == "X"], ['"ts":3,"pid":4', "x", "x"])
        arrows = [(e["ph"], e["pid"], e["tid"], e["ts"], e["id"], e.get("bp")) for e in events if e["ph"] in "sf"]
        at = Decimal("165212300000.125")
        self.assertEqual(arrows, [("s", 7, 1, at, "b" * 16, None), ("f", 8, 2, at, "b" * 16, "e")])
        self.assertEqual(said, f"{self.directory}/all.json: 3 spans of one, two; 1 arrows between processes\n")
        self.assertEqual(self.merge()[0], events)       # what was merged is not merged again
        (self.directory / "all.json").rename(self.directory / "before.json")
        self.assertEqual(self.merge()[0], events)       # whatever its name

    def test_two_hosts(self):
        """A pid of two processes; and clocks that are apart: an arrow stays within its slices, or is not drawn."""
        self.file("a.json", 1, 0, "one", self.slice(1, 1, 100, 50, "a"), self.slice(1, 1, 10, 5, "e", "d"))
        self.file("a.json.1", 1, 0, "one", self.slice(1, 1, 1, 5, "f"))
        self.file("b.json", 1, 0, "two", self.slice(1, 1, 90, 20, "b", "a"), self.slice(1, 1, 20, 5, "c", "a"),
                  self.slice(1, 1, 300, 5, "d"))
        events, _, _ = self.merge(*(self.directory / name for name in ("a.json", "a.json.1", "b.json")))
        self.assertEqual({k: v[0] for k, v in self.slices(events).items()},
                         {**dict.fromkeys("aef", 1), **dict.fromkeys("bcd", 1_000_001)})
        self.assertEqual([e["args"]["pid"] for e in events if e["ph"] == "X"], [5] * 6)
        self.assertEqual(self.slices(self.merge()[0]).keys(), set("abcdef"))    # of a directory, what was rotated away, too
        self.assertEqual([(e["ph"], e["pid"], e["ts"], e["id"][0]) for e in events if e["ph"] in "sf"],
                         [("s", 1, 100, "b"), ("f", 1_000_001, 100, "b")])

    def test_what_died(self):
        self.file("a.json", 3, 0, "one", self.slice(3, 1, 5, 5, "a"), self.slice(3, 1, 7, 1, "b")[:-9], whole=False)
        events, _, complaints = self.merge()
        self.assertEqual(self.slices(events), {"a": (3, 5, 5)})
        self.assertEqual(complaints, f"traces: {self.directory}/a.json:5: this is no event\n")

    def test_refusals(self):
        self.write("a.json", '{"traceEvents": []}')
        for arguments, status, said in (
                (["merge", "-o", "x", self.directory], 1,
                 f"traces: {self.directory}/a.json is not what the back end `file` writes for Chrome's viewer\n"),
                (["merge", self.directory], 2, "traces: the following arguments are required: --output/-o; see traces --help\n"),
                (["tree", self.directory], 1, f"traces: there is no *.jsonl or *.jsonl.[0-9]* in {self.directory}\n"),
                (["tree", "--most", "0", "x"], 2, "traces: argument --most: '0' is no number above zero; see traces --help\n"),
                (["tree", "/nowhere"], 1, "traces: there is no /nowhere\n")):
            self.assertEqual(self.run_tool(*arguments, status=status)[1], said)
        self.assertEqual(list(self.directory.glob("all*")), [])


if __name__ == "__main__":
    unittest.main()
