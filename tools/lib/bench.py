#!/usr/bin/env python3
"""Runs the benchmarks and prints, for each row of the table below, the ratio measured and the ratio required.

Ratios only: a case and its baseline run in one process, their repetitions shuffled together, so that a busy or a slow
machine changes both alike. Nanoseconds are printed for orientation.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# What is compared. A row: label, program (bench/<program>.cpp), case, baseline case, and what is required:
#   "<= 2.5"   the case takes at most 2.5 times as long as its baseline
#   ">= 200"   the case is at least 200 times as fast as its baseline
#   ""         nothing; the ratio is printed
# Cases are named as Google Benchmark prints them. A row whose case is absent counts as short: nothing was shown.
ROWS = (
    ("counter, no labels / thread_local ++", "hot_path", "counter_add", "raw_add_by_pointer", "<= 2.5"),
    ("counter, 2 constant labels / thread_local ++", "hot_path", "counter_add_constant_labels", "raw_add_by_pointer", "<= 2.5"),
    ("counter, 2 labels of run time / array of thread_local", "hot_path", "counter_add_labels", "raw_add_by_labels", "<= 2.5"),
    ("counter, 2 constant labels / prometheus-cpp, look-up", "hot_path", "counter_add_constant_labels", "prometheus_counter_labels", ">= 200"),
    ("counter, 2 labels of run time / prometheus-cpp, look-up", "hot_path", "counter_add_labels", "prometheus_counter_labels", ""),
    ("counter, open text / prometheus-cpp, look-up", "hot_path", "counter_add_text", "prometheus_counter_labels", ""),
    ("counter, 401 statuses / thread_local ++", "hot_path", "counter_add_wide_label", "raw_add_by_pointer", ""),
    ("counter, bound handle / prometheus-cpp, kept reference", "hot_path", "counter_add_bound", "prometheus_counter_kept", ""),
    ("counter, bound handle of text / prometheus-cpp, kept", "hot_path", "counter_add_bound_text", "prometheus_counter_kept", ""),
    ("counter / shared atomic", "hot_path", "counter_add", "shared_add", ""),
    ("gauge / thread_local ++", "hot_path", "gauge_set", "raw_add_by_pointer", ""),
    ("histogram, 14 bounds / our counter", "hot_path", "histogram_record", "counter_add", "<= 8"),
    ("histogram, 14 bounds / prometheus-cpp", "hot_path", "histogram_record", "prometheus_histogram", ">= 5"),
    ("histogram, 14 bounds, doubles / prometheus-cpp", "hot_path", "histogram_record_double", "prometheus_histogram", ""),
    ("histogram, base 2, 113 bounds / prometheus-cpp, 14", "hot_path", "histogram_record_base2", "prometheus_histogram", ""),
    ("two threads on one counter / one thread", "contention", "counter_add/real_time/threads:2", "counter_add/real_time/threads:1", ">= 1.9"),
    ("two threads on one shared atomic / one thread", "contention", "shared_add/real_time/threads:2", "shared_add/real_time/threads:1", ""),
    ("overflow series / our counter", "slow_paths", "overflow_series", "counter_add", ""),
    ("shared fallback / our counter", "slow_paths", "shared_fallback", "counter_add", ""),
    ("refused value / our counter", "slow_paths", "refused_value", "counter_add", ""),
    ("a thread that records once / a thread", "slow_paths", "thread_that_records/real_time", "thread_only/real_time", ""),
    ("page of 100,000 series / prometheus-cpp", "scrape", "page", "prometheus_page", ">= 5"),
)


def median_ns(program, filter_, quick):
    """Runs one program. Returns {case: median time per iteration in ns}."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.json")
        repetitions, seconds = (3, 0.02) if quick else (9, 0.1)
        ran = subprocess.run([program, f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}",
                              "--benchmark_enable_random_interleaving=true", f"--benchmark_filter={filter_}",
                              f"--benchmark_out={report}", "--benchmark_out_format=json"],
                             capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{program} failed:\n{ran.stderr}")
        text = report.read_text()                  # empty if the filter left nothing
        runs = json.loads(text)["benchmarks"] if text else []
    times = {}
    for run in runs:
        if run["run_type"] == "iteration" and not run.get("error_occurred"):
            unit = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
            # CPU time, which a busy machine does not stretch; of N threads, the time as if each had a core to itself: waiting
            # for another's cache line is CPU time. Wall time where a case asks for it.
            threads = int(re.search(r"/threads:(\d+)|$", run["run_name"]).group(1) or 0)
            time = run["cpu_time"] / threads if threads else run["real_time" if "/real_time" in run["run_name"] else "cpu_time"]
            times.setdefault(run["run_name"], []).append(time * unit)
    return {case: statistics.median(all_times) for case, all_times in times.items()}


def judge(required, ours, theirs):
    """Returns (ratio as text, "pass", "SHORT" or "")."""
    if required.startswith(">="):
        return f"{theirs / ours:.1f} x", "pass" if theirs / ours >= float(required[2:]) else "SHORT"
    verdict = ("pass" if ours / theirs <= float(required.removeprefix("<=")) else "SHORT") if required else ""
    return f"{ours / theirs:.2f} x" if ours * 2 > theirs or required else f"1/{theirs / ours:.1f}", verdict


def readable(ns):
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= scale:
            return f"{ns / scale:.2f} {unit}"
    return f"{ns:.2f} ns"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the programs are")
    parser.add_argument("--quick", action="store_true", help="a few short repetitions: a look, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians and rows there too")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="run these cases only")
    options = parser.parse_args()

    medians = {}
    programs = sorted(path for path in options.directory.glob("bench-*") if path.is_file() and os.access(path, os.X_OK))
    for program in programs:
        name = program.name.removeprefix("bench-")
        print(f"running {name}", file=sys.stderr)
        medians |= {(name, case): ns for case, ns in median_ns(program, options.filter, options.quick).items()}
    if not medians:
        sys.exit("there are no benchmarks")

    results, short, compared = [], 0, set()
    print(f"{'what':56} {'time':>10} {'baseline':>10} {'ratio':>9} {'required':>9}")
    for label, program, case, baseline, required in ROWS:
        ours, theirs = medians.get((program, case)), medians.get((program, baseline))
        if ours is None or theirs is None:
            absent = case if ours is None else baseline
            if options.filter == ".":
                short += 1
                print(f"{label:56} there is no case {absent} in {program}")
            continue
        compared |= {(program, case), (program, baseline)}
        ratio, verdict = judge(required, ours, theirs)
        short += verdict == "SHORT"
        print(f"{label:56} {readable(ours):>10} {readable(theirs):>10} {ratio:>9} {required:>9} {verdict}")
        results.append({"label": label, "program": program, "case": case, "baseline": baseline, "ns": ours,
                        "baseline_ns": theirs, "required": required, "ratio": ratio, "verdict": verdict})
    for (program, case), ns in medians.items():
        if (program, case) not in compared:
            print(f"{program + ': ' + case:56} {readable(ns):>10}")
    if options.json:
        cases = [{"program": program, "case": case, "ns": ns} for (program, case), ns in medians.items()]
        options.json.write_text(json.dumps({"rows": results, "cases": cases}, indent=1) + "\n")
    return short > 0


if __name__ == "__main__":
    sys.exit(main())
