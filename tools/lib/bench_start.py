"""How long does a process take from its start to its end? Spawned again and again, by turns, and waited for."""
import os
import time

import timing
from bench_report import measured

PROGRAMS = ("rows", "rows_not", "runtime", "runtime_not")
# The environment of the user may have settings of apm; they are not what is measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("APM_", "OTEL_"))}


def run_ns(program):
    start = time.perf_counter_ns()
    process = os.posix_spawn(program, [program], ENVIRONMENT)
    _, status = os.waitpid(process, 0)
    spent = time.perf_counter_ns() - start
    if status != 0:
        raise RuntimeError(f"{program} ended with status {status}")
    return spent


def measure(options, say):
    count = 60 if options.quick else 300
    say(f"start and end of processes, {count} times each")
    times = {name: [] for name in PROGRAMS}
    for i, name in timing.in_turn(PROGRAMS, count + 5):
        spent = run_ns(str(options.directory / f"bench-start_{name}"))
        if i >= 5:                                 # the first read the disk
            times[name].append(spent)
    rows = (("process of 200 rows that records once", "rows"), ("the same, with a runtime that serves", "runtime"))
    return [measured("starting and ending", what, times[name], "an empty process, same libraries", times[f"{name}_not"],
                     paired=True) for what, name in rows], []
