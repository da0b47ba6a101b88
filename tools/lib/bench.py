#!/usr/bin/env python3
"""Measures what apm costs, and prints one table: ours, the peer or the limit it is compared with, their ratio with a 95 %
interval, the budget, and whether it is kept. SHORT falls short; where the interval lies on both sides of the budget, the
result says so. Exits with 1 if something falls short beyond doubt.

What counts are ratios: a case and what it is compared with run side by side, their repetitions shuffled together, so that a
busy or a slow machine changes both alike. Nanoseconds are for orientation. A ratio is ours divided by theirs, and where the
budget says ">=", theirs divided by ours.
"""
import argparse
import dataclasses
import datetime
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import bench_compile
import bench_lttng
import bench_memory
import bench_report
import bench_rows
import bench_size
import bench_start
import timing

ROOT = Path(__file__).resolve().parents[2]
TABLE_BEGIN, TABLE_END = "<!-- bench: {} -->", "<!-- /bench -->"        # of a table in a document: its name
# Those that are no Google Benchmark programs: what --filter may call them, and who measures.
PHASES = (("starting and ending", bench_start), ("memory", bench_memory), ("compile time: front end", bench_compile),
          ("bytes: call site, row", bench_size))


def parse():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="", type=Path, help=argparse.SUPPRESS)      # where the programs are: tools/bench knows
    parser.add_argument("--quick", action="store_true", help="a few short repetitions: a look, not a measurement")
    parser.add_argument("--full", action="store_true", help="each header on every compiler, not on the first one only")
    parser.add_argument("--filter", metavar="REGEX", help="only rows and programs' cases that match")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, for --compare")
    parser.add_argument("--compare", type=Path, metavar="BASE.json", help="print what changed since; exits with 0")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, in Markdown")
    parser.add_argument("--update-readme", action="store_true",
                        help="write the tables of bench/README.md (costs, what off leaves) and the few figures of README.md")
    return parser.parse_args()


def progress():
    """A function that says what begins, and how long ago all began."""
    start = time.monotonic()

    def say(what):
        print(f"[{time.monotonic() - start:4.0f} s] {what}", file=sys.stderr, flush=True)
    return say


# --- the programs -----------------------------------------------------------------------------------------------------

def wanted(filter_):
    """[(group, program, row)] of bench_rows.TIMED."""
    return [(group, program, row)
            for group, programs in bench_rows.TIMED.items() for program, rows in programs.items() for row in rows
            if not filter_ or re.search(filter_, f"{group}: {row[0]} / {row[2]} ({program}: {row[1]})")]


def run_programs(rows, options, say):
    """({(program, case): [ns]}, {program: why it did not run}): the cases that the rows need, and those that the filter names."""
    needed = {}
    for _, program, (_, case, _, baseline, _) in rows:
        needed.setdefault(program, set()).update((case, baseline))
    if options.filter:
        for _, program, _ in wanted(None):
            needed.setdefault(program, set())
    samples, absent = {}, {}
    for program, cases in needed.items():
        path, in_session = options.directory / f"bench-{program.split()[0]}", program.endswith(" in a session")
        if not path.exists():
            continue                                     # the rows say whose it would have been
        say(f"{program}: {len(cases) or 'what the filter names'}{' cases' * bool(cases)}")
        how = {"repetitions": 5, "seconds": 0.02} if options.quick else {"repetitions": 15, "seconds": 0.05}
        pattern = "|".join([f"^{re.escape(case)}$" for case in sorted(cases)] + [options.filter] * bool(options.filter))
        if not in_session:
            samples |= {(program, case): times for case, times in timing.run(path, pattern, **how).items()}
            continue
        try:
            with bench_lttng.session("apm_bench:*"):
                samples |= {(program, case): times for case, times in timing.run(path, pattern, **how).items()}
        except bench_lttng.NoSession as reason:
            absent[program] = str(reason)
    return samples, absent


def peer_of(*cases):
    return next((peer for prefix, peer in bench_rows.PEERS.items() for case in cases if case.startswith(prefix)), None)


def timed_rows(rows, samples, absent):
    """(rows of the table, what was not found, what should have been there)"""
    found, missing, errors = [], set(), []
    for group, program, (what, case, peer, baseline, budget) in rows:
        ours, theirs = samples.get((program, case)), samples.get((program, baseline))
        if ours and theirs:
            found.append(bench_report.measured(group, what, ours, peer, theirs, budget))
        elif program == "contention" and any(ran == program for ran, _ in samples):       # what is missing took turns: see there
            missing.add(f"a moment when two threads had a core each ({what})")
        elif reason := absent.get(program) or peer_of(case, baseline):
            missing.add(reason)
        else:
            errors.append(f"SHORT: {what} / {peer}: there is no case {baseline if ours else case} in {program}")
    return found, missing, errors


# --- what is made of it -----------------------------------------------------------------------------------------------

def load(path):
    rows = json.loads(path.read_text())["rows"]
    names = {field.name for field in dataclasses.fields(bench_report.Row)}
    return [bench_report.Row(**{name: value for name, value in row.items() if name in names}) for row in rows]


def about(samples):
    machine = timing.machine()
    noise = f"half of all repetitions lie within {100 * timing.noise(samples.values()):.1f} % of each other; " if samples else ""
    return machine, f"noise: {noise}{machine['cores']} cores, load {machine['load']}, {machine['processor']}"


def replace_between(text, name, table):
    """The text with the table between a document's markers of that name; None where they are not there."""
    before, begin, rest = text.partition(TABLE_BEGIN.format(name))
    _, end, after = rest.partition(TABLE_END)
    return f"{before}{begin}\n{table}\n{end}{after}" if begin and end else None


def update_readme(rows, remark, say):
    """What it costs, in short; what is left with APM off, which is compared once more; and the few figures of README.md."""
    say("comparing object files with APM off")
    ran = subprocess.run([sys.executable, ROOT / "tests/codegen/run.py", "table"], stdout=subprocess.PIPE, text=True, check=True)
    few = {label: bench_rows.README[label] for label in bench_rows.SHORT}
    tables = {("bench/README.md", "cost"): bench_report.markdown(rows, bench_rows.README) + f"\n\n{remark}",
              ("bench/README.md", "off"): ran.stdout.strip(),
              ("README.md", "short"): bench_report.markdown(rows, few)}
    for (document, name), table in tables.items():
        path = ROOT / document
        text = replace_between(path.read_text(), name, table)
        if text is None:
            print(f"{document} has no {TABLE_BEGIN.format(name)} with a {TABLE_END} behind it: nothing is written")
        else:
            path.write_text(text)


def main():
    options = parse()
    say, started = progress(), time.monotonic()
    chosen = wanted(options.filter)
    samples, absent = run_programs(chosen, options, say)
    rows, missing, errors = timed_rows(chosen, samples, absent)
    for title, phase in PHASES:
        if not options.filter or re.search(options.filter, title):
            more, not_found = phase.measure(options, say)
            rows += more
            missing |= set(not_found)
    say("done")
    if not rows and not samples:
        sys.exit("nothing matches")

    rows = [row for members in bench_report.groups(rows).values() for row in members]       # groups in one piece
    print(bench_report.text(rows))
    shown = {(program, case) for _, program, (_, case, _, baseline, _) in chosen for case in (case, baseline)}
    for (program, case), times in samples.items():
        if (program, case) not in shown:                                      # the filter named it
            print(f"  {program}: {case}: {timing.readable(timing.interval(times)[1])}")
    results = [bench_report.judge(row) for row in rows]
    short = results.count("SHORT") + len(errors)
    machine, remark = about(samples)
    print("\n".join(["", *errors, *(f"not found: {what}" for what in sorted(missing))]))
    print(f"{sum(map(bool, results)) + len(errors)} budgets: {results.count('pass')} kept, {short} fall short, "
          f"{sum('straddles' in result for result in results)} straddle theirs; {time.monotonic() - started:.0f} s")
    print(remark)

    today = datetime.date.today().isoformat()
    if options.json:
        cases = [{"program": program, "case": case, "interval": timing.interval(times), "samples": len(times)}
                 for (program, case), times in samples.items()]
        told = [dataclasses.asdict(row) | {"value": row.value, "result": result} for row, result in zip(rows, results)]
        report = {"date": today, "machine": machine, "remark": remark, "quick": options.quick, "not found": sorted(missing),
                  "short": errors, "rows": told, "cases": cases}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(bench_report.markdown(rows) + "\n")
    if options.update_readme:
        update_readme(rows, f"{today}; {remark}", say)
    if options.compare:
        measured = {(row.group, row.label) for row in rows}
        base = [row for row in load(options.compare) if not options.filter or (row.group, row.label) in measured]
        lines = bench_report.compare(rows, base)
        print("\n".join([f"\nsince {options.compare}:", *(lines or ["  nothing changed"])]))
        return 0
    return short > 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:                        # a program that failed
        sys.exit(str(error))
