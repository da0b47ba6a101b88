#!/usr/bin/env python3
"""Builds tests/overhead/traps against the installed apm: the check falls into none of them.

What is not said here goes to CMake.
"""
import json
import os
import sys
from pathlib import Path

from project import Project, expect, options


def main():
    given, flags = options(__doc__)
    traps = Project(Path(__file__).resolve().parent / "traps", "traps", given, flags)
    expect(" ".join(traps.configured.split()), "left_out.cpp> of b is not looked at: a generator expression names it")
    without = traps.variants()
    if without != [({"b/work.cpp", "bench.cpp"}, {"a/work.cpp"}), ({"a/work.cpp", "bench.cpp"}, {"b/work.cpp"})]:
        sys.exit(f"the variants are not everything on but one file: {without}")

    expect(traps.only("off", 0), "overhead: passed")
    traps.make_variants()
    said = traps.only("count", 1)
    expect(said, "gives_up: the benchmark gave up (SkipWithError); there is nothing to judge",
           "another_thread: on costs ", "not counted: two_threads/threads:2: it has several threads")
    rows = [line.split() for line in said.splitlines()]
    overhead = {row[0]: float(row[3]) for row in rows if len(row) > 4 and row[0] in ("one", "batch", "fixture/many/10", "another_thread")}
    print(overhead)
    if abs(overhead["batch"] - overhead["one"]) > 0.5 or abs(overhead["fixture/many/10"] - 10 * overhead["one"]) > 15:
        sys.exit("a turn of a batch, or a tenth of one of ten, is not what one costs")
    if overhead["another_thread"] < 900 * overhead["one"]:
        sys.exit("what another thread did was not counted")

    wrong = given.build / "wrong.json"
    for text in ("", "{}", "[]", json.dumps({"cases": 1})):
        wrong.write_text(text)
        expect(traps.only("count", 1, baseline=str(wrong)), "wrong.json is not a report of this check's")
    wrong.write_text(json.dumps({"cases": {"one": {"time": {}}, "gone": {"overhead": 1, "new": {}, "grown": {}}}}))
    expect(traps.only("count", 1, baseline=str(wrong)), "gone: it is in wrong.json, and gone")
    empty = given.build / "empty"
    empty.mkdir()
    expect(traps.only("count", 1, environment={**os.environ, "PATH": str(empty)}), "there is no valgrind")
    expect(traps.only("count", 1, budget=["oen=3"]), "BUDGET oen=3: there is no such case; there are one, batch, ")


if __name__ == "__main__":
    main()
