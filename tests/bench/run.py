#!/usr/bin/env python3
"""The parts of tools/bench that are pure: intervals, verdicts, comparisons, tables."""
import json
import random
import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lib"))
import bench  # noqa: E402
import bench_rows  # noqa: E402
import timing  # noqa: E402
from bench_report import Row, compare, judge, markdown, measured, number, ratio, text  # noqa: E402


def row(ours=10, theirs=10, budget="", interval=None, what="a span", **more):
    return Row("spans", what, ours, peer="two reads", theirs=theirs, budget=budget, interval=interval, **more)


class Interval(unittest.TestCase):
    def test_holds_the_median_and_lies_within_the_values(self):
        for n in range(1, 40):
            low, median, high = timing.interval(range(n))
            self.assertTrue(0 <= low <= median <= high <= n - 1, n)

    def test_of_few_values_is_all_of_them(self):
        self.assertEqual(timing.interval([3, 1, 2]), (1, 2, 3))

    def test_is_that_of_the_tables(self):    # ranks for 95 %: 2 and 9 of 10, 4 and 12 of 15, 6 and 15 of 20
        for n, low, high in ((10, 2, 9), (15, 4, 12), (20, 6, 15)):
            self.assertEqual(timing.interval(range(1, n + 1))[::2], (low, high))

    def test_contains_the_true_median_19_times_of_20(self):
        draw = random.Random(1)
        hits = 0
        for _ in range(1000):
            low, _, high = timing.interval([draw.expovariate(1) for _ in range(15)])
            hits += low <= 0.6931 <= high
        self.assertGreaterEqual(hits, 940)

    def test_ratio_of_what_is_not_paired(self):
        low, middle, high = timing.bootstrap_ratio([20, 21, 19, 20, 22], [10, 10, 11, 9, 10])
        self.assertEqual(middle, 2)
        self.assertTrue(low <= 2 <= high)


class Measured(unittest.TestCase):
    def test_turns_the_ratio_where_more_is_better(self):
        self.assertAlmostEqual(measured("g", "w", [10.0, 11, 9], "p", [50.0, 55, 45], ">= 4").value, 5)
        self.assertAlmostEqual(measured("g", "w", [10.0, 11, 9], "p", [50.0, 55, 45], "<= 4").value, 0.2)

    def test_the_interval_is_of_the_same_ratio(self):
        for budget in ("", "<= 1", ">= 1"):
            one = measured("g", "w", [10.0, 11, 9, 10, 10], "p", [50.0, 55, 45, 50, 50], budget)
            self.assertTrue(one.interval[0] <= one.value <= one.interval[1], budget)

    def test_what_never_varies_is_exact(self):
        self.assertIsNone(measured("g", "w", [96, 96, 96], unit="B").interval)
        self.assertIsNotNone(measured("g", "w", [96, 97, 96], unit="B").interval)


class Judge(unittest.TestCase):
    def test_nothing_required(self):
        self.assertEqual(judge(row()), "")

    def test_at_most(self):
        self.assertEqual(judge(row(12, 10, "<= 1.25", (1.1, 1.24))), "pass")
        self.assertEqual(judge(row(13, 10, "<= 1.25", (1.26, 1.4))), "SHORT")

    def test_at_least(self):
        self.assertEqual(judge(row(1, 6, ">= 5", (5.5, 6.5))), "pass")
        self.assertEqual(judge(row(1, 4, ">= 5", (3.5, 4.5))), "SHORT")

    def test_straddling(self):
        self.assertEqual(judge(row(12, 10, "<= 1.25", (1.1, 1.3))), "pass (straddles)")
        self.assertEqual(judge(row(13, 10, "<= 1.25", (1.2, 1.4))), "SHORT (straddles)")

    def test_the_budget_itself_passes(self):
        self.assertEqual(judge(row(5, 4, "<= 1.25")), "pass")

    def test_without_a_peer_the_budget_is_of_ours(self):
        self.assertEqual(judge(Row("g", "w", 64, "B", budget="<= 64")), "pass")


class Compare(unittest.TestCase):
    def test_equal_is_silent(self):
        self.assertEqual(compare([row()], [row()]), [])

    def test_within_the_intervals_is_neither(self):
        line, = compare([row(11, 10, interval=(1.0, 1.2))], [row(10, 10, interval=(0.9, 1.15))])
        self.assertNotRegex(line, "better|worse")

    def test_within_one_interval_is_neither(self):
        line, = compare([row(11, 10, interval=(0.95, 1.2))], [row(10, 10, interval=(0.99, 1.01))])
        self.assertNotRegex(line, "better|worse")

    def test_outside_both(self):
        old = row(10, 10, interval=(0.99, 1.01))
        self.assertIn("worse", compare([row(12, 10, interval=(1.19, 1.21))], [old])[0])
        self.assertIn("better", compare([row(8, 10, interval=(0.79, 0.81))], [old])[0])

    def test_where_more_is_better(self):
        old = row(1, 10, ">= 5", (9, 11))
        self.assertIn("better", compare([row(1, 20, ">= 5", (19, 21))], [old])[0])

    def test_the_ratio_of_the_ratios(self):
        self.assertIn("x 1.200", compare([row(12, 10)], [row(10, 10)])[0])

    def test_any_change_of_what_is_exact(self):
        old, new = (Row("g", "site", n, "B") for n in (96, 97))
        self.assertIn("worse", compare([new], [old])[0])
        self.assertIn("better", compare([old], [new])[0])

    def test_new_and_gone(self):
        lines = compare([row(what="new one")], [row(what="old one")])
        self.assertRegex(lines[0], "new one.*new")
        self.assertEqual(lines[1:], ["  not measured now, but then: old one / two reads"])
        lines = compare([], [row(what=str(n)) for n in range(5)])
        self.assertEqual(lines, ["  not measured now, but then: 0 / two reads, 1 / two reads, 2 / two reads and 2 more"])


class Shown(unittest.TestCase):
    def test_text(self):
        lines = text([row(12, 10, "<= 1.25", (1.1, 1.24)), Row("bytes", "site", 78.0, "B")]).splitlines()
        self.assertRegex(lines[3], r"^  a span +12\.00 ns +two reads +10\.00 ns +1\.20 \(1\.10 \.\. 1\.24\) +<= 1\.25 +pass$")
        self.assertRegex(lines[6], r"^  site +78 B$")

    def test_small_ratios_are_fractions_unless_there_is_a_budget(self):
        self.assertEqual(ratio(row(1, 200, interval=(0.004, 0.00625))), "1/200 (1/250 .. 1/160)")
        self.assertEqual(ratio(row(1, 50, "<= 0.05")), "0.020")

    def test_numbers(self):
        self.assertEqual([number(x) for x in (273.2, 27.32, 2.732, 0.2732, 0.02732)], ["273", "27.3", "2.73", "0.27", "0.027"])

    def test_markdown(self):
        self.assertEqual(markdown([row(12, 10, "<= 1.25", (1.1, 1.24))]).splitlines(), [
            "**spans**", "", "| what | ours | compared with | ratio | budget |", "|---|---|---|---|---|",
            "| a span | 12.00 ns | two reads, 10.00 ns | 1.20 (1.10 .. 1.24) | <= 1.25 pass |"])

    def test_markdown_of_chosen_rows(self):
        lines = markdown([row(what="b"), row(what="a")], {"An a": "a / two reads", "Not there": "c"}).splitlines()
        self.assertEqual(lines[2:], ["| An a | 10.00 ns | two reads, 10.00 ns | 1.00 |  |"])

    def test_readme(self):
        before, after = "text\n<!-- bench: cost -->\n", "<!-- /bench -->\nmore\n"
        self.assertEqual(bench.replace_between(f"{before}| old |\n{after}", "cost", "| new |"), f"{before}| new |\n{after}")
        self.assertIsNone(bench.replace_between("no markers", "cost", "| new |"))
        self.assertIsNone(bench.replace_between(before, "cost", "| new |"))

    def test_rows_survive_a_file(self):
        there = row(12, 10, "<= 1.25", (1.1, 1.24))
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "base.json")
            path.write_text(json.dumps({"rows": [{**vars(there), "label": there.label, "verdict": judge(there)}]}))
            self.assertEqual(compare([there], bench.load(path)), [])


class Rows(unittest.TestCase):
    all = bench.wanted(None)

    def test_cases_exist(self):
        for _, program, (_, case, _, baseline, _) in self.all:
            ours = "propagation" if program.endswith("_propagation") else "spans"     # what a peer's program has beside it
            sources = [f"bench/{program.split()[0]}.cpp"] + [f"bench/{ours}.cpp"] * program.startswith("peer_")
            code = "".join((ROOT / source).read_text() for source in sources)
            for name in (case, baseline):
                self.assertRegex(code, rf"\b{re.escape(name.split('/')[0])}\b", program)

    def test_nothing_is_said_twice(self):
        said = [(group, row[0], row[2]) for group, _, row in self.all]
        self.assertEqual(len(said), len(set(said)))

    def test_the_readme_names_rows(self):
        labels = {f"{row[0]} / {row[2]}" for _, _, row in self.all}
        for label in bench_rows.README.values():
            self.assertTrue(label in labels or label.startswith("g++: "), label)
        self.assertEqual([label for label in bench_rows.SHORT if label not in bench_rows.README], [])

    def test_threads_that_took_turns_show_nothing(self):
        name = "two threads on a counter"
        rows = [chosen for chosen in self.all if chosen[2][0] == name]
        (_, program, (_, case, _, baseline, _)), = rows
        found, missing, errors = bench.timed_rows(rows, {(program, baseline): [1.0]}, {})
        self.assertEqual((found, errors), ([], []))
        self.assertIn(name, missing.pop())

    def test_a_missing_case_is_short_and_a_missing_peer_is_not(self):
        rows = [("spans", "spans", ("span", "span_child", "two reads", "two_clock_reads", "<= 1.25")),
                ("spans", "peer_tracy", ("span", "span_child", "Tracy", "tracy_zone", "")),
                ("spans", "peer_lttng in a session", ("span", "span_child", "LTTng", "lttng", ""))]
        found, missing, errors = bench.timed_rows(rows, {}, {"peer_lttng in a session": "lttng-tools"})
        self.assertEqual((found, missing), ([], {"Tracy", "lttng-tools"}))
        self.assertEqual(len(errors), 1)


if __name__ == "__main__":
    unittest.main()
