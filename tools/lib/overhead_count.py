"""Counts the instructions of a benchmark's loops under callgrind, and says which functions and headers they belong to."""
import collections
import concurrent.futures
import os
import re
import subprocess
import tempfile
from pathlib import Path

import callgrind

ITERATIONS = 100        # few enough for the spans of one loop to fit in a thread's ring
REPETITIONS = 3         # the last of them counts: what happens only at first has happened

# Which instrument the instructions inlined from a header of apm's belong to: by its name, or its folder. Headers not named here
# are the shared store's.
INSTRUMENTS = {
    "counters": {"counter.hpp", "updown.hpp"},
    "gauges": {"gauge.hpp", "metrics/observation.hpp"},
    "histograms": {"histogram.hpp", "buckets.hpp"},
    "spans": {"span.hpp", "tracing/", "traced.hpp", "coroutine.hpp", "detail/ring.hpp", "detail/random.hpp"},
    "clock": {"detail/clock.hpp", "detail/timeline.hpp"},
}
STORE, REST = "store and labels", "the rest"
ORDER = (*INSTRUMENTS, STORE, REST)


def instrument(file):
    """Of a source file's path."""
    match = re.search(r"/apm/((detail/|metrics/|tracing/)?\w+\.hpp)$", file)
    if not match:
        return REST
    return next((name for name, headers in INSTRUMENTS.items() if headers & {match[1], match[2]}), STORE)


def parsed(text):
    """(iterations or None, {function: instructions}, {file: instructions}) of one dump."""
    functions, files = collections.Counter(), collections.Counter()
    for function, file, _, n in callgrind.costs(text):
        functions[callgrind.plain(function)] += n
        files[file] += n
    turns = re.fullmatch(r"iterations ([1-9]\d*)", callgrind.trigger(text))
    return int(turns[1]) if turns else None, dict(functions), dict(files)


def listed(program):
    """[case] as the program names them while it is counted."""
    ran = subprocess.run([program, "--benchmark_list_tests=true"],
                         env=environment(), capture_output=True, text=True, errors="replace")
    if ran.returncode != 0:
        raise RuntimeError(f"{program} --benchmark_list_tests failed, exit code {ran.returncode}: {ran.stderr.strip()[:200]}")
    return [line for line in ran.stdout.splitlines() if line.strip()]


def environment():
    # The dynamic linker's look-ups happen before the loop.
    return {**os.environ, "APM_OVERHEAD_ITERATIONS": str(ITERATIONS), "LD_BIND_NOW": "1"}


def short(case):
    """Without what says how long it is to run: that is our business."""
    return re.sub(r"/(iterations|min_time|min_warmup_time):[\d.]+", "", case)


def count(program, case, later):
    """{"instructions", "functions", "instruments"}, all per iteration, of one case; raises RuntimeError with what went wrong."""
    exact = "^" + re.sub(r"([.*+?^$|()\[\]{}\\])", r"\\\1", case) + "$"
    with tempfile.TemporaryDirectory() as directory:
        ran = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", program,
             f"--benchmark_filter={exact}", f"--benchmark_repetitions={REPETITIONS}", "--benchmark_min_time=0.001", *later],
            env=environment(), capture_output=True, text=True, errors="replace")
        texts = [path.read_text(errors="replace") for path in by_number(Path(directory))]
    if any(callgrind.trigger(text) == "it gave up" for text in texts):
        raise RuntimeError(f"{short(case)}: the benchmark gave up (SkipWithError); there is nothing to judge")
    dumps = [parsed(text) for text in texts]
    dumps = [dump for dump in dumps if dump[0] and dump[1]]     # of all threads: what the loop has others do is its own doing
    if ran.returncode != 0 or not dumps:
        if "unhandled dwarf2" in ran.stderr:
            raise RuntimeError(f"{short(case)}: valgrind cannot read clang's DWARF 5 of a library that the benchmark links: "
                               "name it in TARGETS, or compile it with -gdwarf-4")
        said = dict.fromkeys(line for line in ran.stderr.splitlines() if not line.startswith("=="))
        raise RuntimeError(f"{short(case)}: valgrind counted nothing (exit code {ran.returncode}): {' '.join(said)[:200]}")
    turns, functions, files = dumps[-1]
    instruments = collections.Counter()
    for file, n in files.items():
        instruments[instrument(file)] += n / turns
    return {"instructions": sum(functions.values()) / turns, "instruments": dict(instruments),
            "functions": {name: n / turns for name, n in functions.items()}}


def by_number(directory):
    """callgrind's files, in the order in which it wrote them: out.<dump>."""
    found = [(int(match[1]), path) for path in directory.iterdir() if (match := re.fullmatch(r"out\.(\d+)", path.name))]
    return [path for _, path in sorted(found)]


def count_all(programs, later=(), jobs=2):
    """{case: {program: its count}}, and lists of lines: what was left out, what went wrong."""
    counts, threads, wrong = {}, re.compile(r"/threads:([2-9]|1\d)"), []
    cases = listed(programs["on"])
    left_out = [f"{short(case)}: it has several threads" for case in cases if threads.search(case)]
    cases = [case for case in cases if not threads.search(case)]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {case: {name: pool.submit(count, program, case, later) for name, program in programs.items()} for case in cases}
    for case, both in running.items():
        try:
            counts[short(case)] = {name: one.result() for name, one in both.items()}
        except RuntimeError as e:
            wrong.append(str(e))
    return counts, left_out, wrong


# --- what is said of it -----------------------------------------------------------------------------------------------

def compared(on, off):
    """{"on", "off", "overhead", "instruments", "new", "grown"} of one case."""
    more = {name: n - off["functions"].get(name, 0) for name, n in on["functions"].items()}
    shares = {name: on["instruments"].get(name, 0) - off["instruments"].get(name, 0) for name in ORDER}
    ranked = sorted((name for name in more if more[name] >= 0.5), key=lambda name: -more[name])
    return {"on": round(on["instructions"], 2), "off": round(off["instructions"], 2),
            "overhead": round(on["instructions"] - off["instructions"], 2),
            "instruments": {name: round(n, 2) for name, n in shares.items()},
            "new": {name: round(more[name], 1) for name in ranked if not off["functions"].get(name)},
            "grown": {name: round(more[name], 1) for name in ranked if off["functions"].get(name)}}


def where(one):
    """The functions that make the most of it."""
    kind, functions = ("new there", one["new"]) if one["new"] else ("grown", one["grown"])
    return f"{kind}: {named(functions)}" if functions else ""


def named(functions, most=4):
    """The largest of {function: instructions}; what is one function to a reader, such as instances of a template, is one here."""
    together = collections.Counter()
    for name, n in functions.items():
        together[callgrind.bare(name)] += n
    return ", ".join(f"{name} {n:.0f}" for name, n in together.most_common(most) if n >= 0.5)


def over_budget(case, one, budget):
    if budget is None or one["overhead"] <= budget:
        return None
    said = f"{case}: on costs {one['overhead']:.0f} instructions an iteration more than off, {budget:g} allowed"
    return "; ".join(part for part in (said, where(one)) if part)


def grown_since(case, one, before, tolerance, name):
    """`before` is the same case in an earlier report; tolerance (per cent, instructions): what counts as none."""
    if before is None:
        return None
    growth, allowed = one["overhead"] - before["overhead"], max(tolerance[1], abs(before["overhead"]) * tolerance[0] / 100)
    if growth <= allowed:
        return None
    news = {f: n - {**before["new"], **before["grown"]}.get(f, 0) for f, n in {**one["new"], **one["grown"]}.items()}
    more = named(news)
    return (f"{case}: the overhead grew by {growth:.0f} ({before['overhead']:.0f} to {one['overhead']:.0f}) since {name}"
            + (f"; more there: {more}" if more else ""))
