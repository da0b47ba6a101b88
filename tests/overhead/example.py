#!/usr/bin/env python3
"""Builds examples/overhead_in_ci against the installed apm: the check passes, and fails in the right words with each fault.

What is not said here goes to CMake.
"""
import json
import sys
from pathlib import Path

from project import Project, expect, options

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "overhead_in_ci"


def main():
    given, flags = options(__doc__)
    good = Project(EXAMPLE, "good", given, flags)
    said = good.ctest()
    print((good.directory / "report.txt").read_text())
    expect(said, "sale.cpp: off is nothing: the object file is that of the source without its macros and apm, byte for byte",
           "stock.cpp: the macros are nothing", "stock.cpp:14", "of apm there remains nothing", "overhead: passed")
    without = good.variants()
    if without != [({"stock.cpp", "till_bench.cpp"}, {"sale.cpp"}), ({"sale.cpp", "till_bench.cpp"}, {"stock.cpp"})]:
        sys.exit(f"the variants are not everything on but one file: {without}")
    expect((good.directory / "report.md").read_text(), "### overhead: passed", "| sell |")
    expect((good.directory / "report.svg").read_text(), "what instrumentation costs", "sell")
    before = json.loads((good.directory / "report.json").read_text())["cases"]["sell"]["overhead"]
    again = good.only("count", 0)                     # from run to run, to the half of an instruction
    expect(again, f" {before:.1f} ")

    expect(good.only("off", 1, macros=[]), "sale.cpp: TILL_COUNT expands to apm's macros: name it in WRAPPER_MACROS")

    locked = Project(EXAMPLE, "locked", given, flags, "-DLOCK_IN_HOT_PATH=ON", f"-DOVERHEAD_BASELINE={good.directory / 'report.json'}")
    locked.make_variants()
    said = locked.only("count", 1)
    expect(said, "sell: on costs ", " instructions an iteration more than off, 40 allowed; new there: pthread_mutex_lock ",
           "sell: the overhead grew by ", " since report.json; more there: pthread_mutex_lock ")
    print("\n".join(said.splitlines()[-2:]))

    evaluates = Project(EXAMPLE, "evaluates", given, flags, "-DMACRO_EVALUATES=ON")
    said = evaluates.only("off", 1)
    expect(said, "sale.cpp: with APM off, till::sell(unsigned int, till::Payment) is ", "without the macros ",
           "; it calls till::price_in_cents(unsigned int), which is not called without them")
    print(said.splitlines()[-1])

    off = Project(EXAMPLE, "off", given, flags, "-DAPM_ENABLED=OFF")
    expect(off.ctest(), "skipped: this build has APM_ENABLED=OFF")


if __name__ == "__main__":
    main()
