#!/usr/bin/env python3
"""Shows what CTest reported.

usage: results.py failures FILE.xml           the output of each test that failed
       results.py table DIR PHASE...          one line per phase, what was skipped and why; exits with 1 if anything failed
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def tests(path):
    """Yields (name, status, output): status is run, fail or notrun."""
    for case in xml.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status == "notrun" and (case.find("skipped") is None or not is_skip(case)):
            status = "fail"            # such as an executable that was not built
        yield case.get("name"), status, (case.findtext("system-out") or "").strip()


def is_skip(case):
    return "SKIP" in case.find("skipped").get("message", "")


def reason(output):
    """The line in which a skipped test says why."""
    lines = [line for line in output.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("skipped")), lines[-1] if lines else "no reason given")


def show_failures(path):
    for name, status, output in tests(path):
        if status == "fail":
            print(f"--- {name} failed ---\n{output}\n")


def show_table(directory, phases):
    failed, remarks = False, []
    print(f"\n{'phase':10} {'passed':>8} {'failed':>8} {'skipped':>8} {'time':>8}")
    for phase in phases:
        def note(kind):
            path = directory / f"{phase}.{kind}"
            return path.read_text().strip() if path.exists() else ""

        seconds = int(note("seconds") or 0)
        time = f"{seconds // 60}:{seconds % 60:02}"
        if note("skipped") or note("broken"):
            failed |= bool(note("broken"))
            print(f"{phase:10} {note('broken') or 'skipped':>26} {time:>8}")
            remarks += [f"{phase}: {note('skipped')}"] * bool(note("skipped"))
            continue
        results = list(tests(directory / f"{phase}.xml"))
        if not results:
            failed = True                          # nothing tested is nothing shown
            remarks.append(f"{phase}: FAILED, there is no test in this phase")
        count = [sum(status == wanted for _, status, _ in results) for wanted in ("run", "fail", "notrun")]
        failed |= count[1] > 0
        print(f"{phase:10} {count[0]:8} {count[1]:8} {count[2]:8} {time:>8}")
        remarks += [f"{phase}: {name}: {reason(output)}" for name, status, output in results if status == "notrun"]
        remarks += [f"{phase}: {name}: FAILED" for name, status, _ in results if status == "fail"]
        for name, status, output in results:      # tests that ran but left something out say so in a line of their own
            if status == "run":
                remarks += [f"{phase}: {name}: {line}" for line in output.splitlines() if line.startswith("skipped ")]
    if remarks:
        print("\nskipped or failed:\n  " + "\n  ".join(remarks))
    print("\nFAILED" if failed else "\nall passed")
    return failed


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "failures":
        show_failures(sys.argv[2])
    elif len(sys.argv) > 3 and sys.argv[1] == "table":
        sys.exit(show_table(Path(sys.argv[2]), sys.argv[3:]))
    else:
        sys.exit(__doc__)
