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
    # Of what nothing can beat: the address of a 64-bit word in a register, and the same of an array indexed by two labels.
    ("counter / ++ by pointer", "hot_path", "counter_add", "raw_add_by_pointer", "<= 2.5"),
    ("counter, 2 constant labels / ++ by pointer", "hot_path", "counter_add_constant_labels", "raw_add_by_pointer", "<= 2.5"),
    ("counter, 2 constant labels / ++ of a thread_local", "hot_path", "counter_add_constant_labels", "raw_add", "<= 2.5"),
    ("counter, 2 labels / ++ in an array of thread_locals", "hot_path", "counter_add_labels", "raw_add_by_labels", "<= 2.5"),
    ("counter, bound handle / ++ by pointer", "hot_path", "counter_add_bound", "raw_add_by_pointer", "<= 2.5"),
    ("counter, bound handle of text / ++ by pointer", "hot_path", "counter_add_bound_text", "raw_add_by_pointer", ""),
    ("gauge / ++ by pointer", "hot_path", "gauge_set", "raw_add_by_pointer", ""),
    ("shared atomic / our counter", "hot_path", "shared_add", "counter_add", ""),
    # Of prometheus-cpp.
    ("counter, 2 constant labels / prometheus-cpp, look-up", "hot_path", "counter_add_constant_labels", "prometheus_counter_constant_labels", ">= 200"),
    ("counter, 2 labels / prometheus-cpp, look-up", "hot_path", "counter_add_labels", "prometheus_counter_labels", ""),
    ("counter, text / prometheus-cpp, look-up", "hot_path", "counter_add_text", "prometheus_counter_labels", ""),
    ("counter, text, 2 labels / prometheus-cpp, look-up", "hot_path", "counter_add_text_and_labels", "prometheus_counter_labels", ""),
    ("counter, 400 statuses / prometheus-cpp, look-up", "hot_path", "counter_add_wide_label", "prometheus_counter_labels", ""),
    ("counter, bound handle / prometheus-cpp, kept", "hot_path", "counter_add_bound", "prometheus_counter_kept", ""),
    ("counter, bound handle of text / prometheus-cpp, kept", "hot_path", "counter_add_bound_text", "prometheus_counter_kept", ""),
    # Histograms.
    ("histogram, 14 bounds / our counter", "hot_path", "histogram_record", "counter_add", "<= 8"),
    ("histogram, 14 bounds / prometheus-cpp", "hot_path", "histogram_record", "prometheus_histogram", ">= 5"),
    ("histogram, 14 bounds, 2 labels / prometheus-cpp", "hot_path", "histogram_record_labels", "prometheus_histogram", ">= 5"),
    ("histogram, 14 bounds, doubles / prometheus-cpp", "hot_path", "histogram_record_double", "prometheus_histogram", ""),
    ("histogram, base 2, 113 bounds / prometheus-cpp, 14", "hot_path", "histogram_record_base2", "prometheus_histogram", ""),
    # Two threads, as throughput: 2 is two threads that do not disturb each other.
    ("two threads on a counter / one", "contention", "counter_add/real_time/threads:2", "counter_add/real_time/threads:1", ">= 1.9"),
    ("two threads on a histogram / one", "contention", "histogram_record/real_time/threads:2", "histogram_record/real_time/threads:1", ""),
    ("two threads on a text label / one", "contention", "counter_add_text/real_time/threads:2", "counter_add_text/real_time/threads:1", ""),
    ("two threads on a shared atomic / one", "contention", "shared_add/real_time/threads:2", "shared_add/real_time/threads:1", ""),
    ("two threads on prometheus-cpp's counter / one", "contention", "prometheus_counter_kept/real_time/threads:2", "prometheus_counter_kept/real_time/threads:1", ""),
    # Off the hot path.
    ("text in a full table / text", "slow_paths", "counter_add_text_at_limit", "counter_add_text", ""),
    ("overflow series / text", "slow_paths", "counter_add_overflow", "counter_add_text", ""),
    ("a new series / text", "slow_paths", "counter_add_new_series/iterations:65536", "counter_add_text", ""),
    ("a shared block / our counter", "slow_paths", "counter_add_shared_block", "counter_add_constant_labels", ""),
    ("not a number, refused / taken", "slow_paths", "histogram_record_nan", "histogram_record_double", ""),
    ("a thread that records once / that does not", "slow_paths", "thread_that_records_once/process_time", "thread_that_records_nothing/process_time", ""),
    # Spans. "root": no span above it; others have one.
    ("span / two reads of the clock", "spans", "span_child", "two_clock_reads", "<= 1.25"),
    ("span, root / two reads of the clock", "spans", "span_root", "two_clock_reads", "<= 1.25"),
    ("span, 10 deep / two reads of the clock", "spans", "span_child_10_deep", "two_clock_reads", "<= 1.25"),
    ("span, 3 attributes / two reads of the clock", "spans", "span_3_attributes", "two_clock_reads", "<= 1.4"),
    ("span, an attribute by name / two reads of the clock", "spans", "span_named_attribute", "two_clock_reads", ""),
    ("span, an event (a third read) / two reads of the clock", "spans", "span_event", "two_clock_reads", ""),
    ("span of a string literal / two reads of the clock", "spans", "span_quick_look", "two_clock_reads", ""),
    ("span, measured / two reads of the clock", "spans", "span_measured", "two_clock_reads", ""),
    ("span, measured / prometheus-cpp, two reads and a histogram", "spans", "span_measured", "prometheus_timer", ""),
    ("span, not sampled / two reads of the clock", "spans", "span_unsampled", "two_clock_reads", "<= 0.15"),
    ("span, 3 attributes, not sampled / two reads", "spans", "span_unsampled_3_attributes", "two_clock_reads", "<= 0.15"),
    ("span, root, not sampled / two reads of the clock", "spans", "span_unsampled_root", "two_clock_reads", ""),
    ("span, measured, not sampled / two reads of the clock", "spans", "span_measured_unsampled", "two_clock_reads", ""),
    ("span, switched off at run time / two reads", "spans", "span_switched_off", "two_clock_reads", "<= 0.05"),
    ("two steady_clock::now() / two reads of the clock", "spans", "two_steady_clock_reads", "two_clock_reads", ""),
    # Looking.
    ("page of 100,000 series / prometheus-cpp", "scrape", "page", "prometheus_page", ">= 5"),
    ("snapshot of 100,000 series / prometheus-cpp", "scrape", "collect", "prometheus_collect", ""),
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
