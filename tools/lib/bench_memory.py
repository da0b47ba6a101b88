"""How much memory does a thread or a series take? Asks bench/memory.cpp, several processes for each case."""
import subprocess

from bench_report import measured

# What, its case, what it is compared with, that one's case (or bytes).
CASES = (
    ("thread, 1 of 200 rows", "thread_1_row", "8 bytes a series (1,200)", 9600),
    ("thread, all of 200 rows", "thread_200_rows", "8 bytes a series (1,200)", 9600),
    ("thread that traces, one span", "thread_1_span", "", None),
    ("thread that traces, its ring full", "thread_full_ring", "", None),
    ("series of text, counter", "counters", "prometheus-cpp", "prometheus_counters"),
    ("series of text, histogram, 14 bounds", "histograms", "prometheus-cpp", "prometheus_histograms"),
)
KINDS = ("own count", "allocated", "resident")


def measure(options, say):
    program = options.directory / "bench-memory"
    say("memory: of threads and series")

    def ask(case):
        return map(float, subprocess.run([program, case], check=True, capture_output=True, text=True).stdout.split())

    there = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    repetitions = 3 if options.quick else 9
    # What is resident depends on where the allocator's pages lie: several processes.
    samples = {case: list(zip(*(ask(case) for _ in range(repetitions)))) for case in there}
    rows = []
    for what, case, peer, other in CASES:
        for n, kind in enumerate(KINDS):
            theirs = samples[other][n] if other in samples else [other] * repetitions if isinstance(other, int) else None
            known = theirs is not None and any(theirs)            # prometheus-cpp keeps no count of its own
            rows.append(measured("memory", f"{what}: {kind}", samples[case][n], peer, theirs if known else None, unit="B"))
    return rows, []
