"""Times Google Benchmark programs, and says how sure it is: medians with intervals, ratios of what ran side by side."""
import json
import math
import os
import random
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def run(program, filter_=".", repetitions=1, seconds=0.1):
    """Runs a program, its repetitions shuffled. Returns {case: [ns per iteration]}: processor time, which a busy machine does not
    stretch; of N threads, the time as if each had a core to itself, since waiting for another's cache line is processor time;
    wall time where a case asks for it (/real_time), and what it measured itself (/manual_time). Raises RuntimeError with what
    the program said."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.json")
        command = [str(program), f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}",
                   f"--benchmark_filter={filter_}", "--benchmark_enable_random_interleaving=true",
                   f"--benchmark_out={report}", "--benchmark_out_format=json"]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if ran.returncode != 0:
            raise RuntimeError(f"{program} failed, exit code {ran.returncode}:\n{ran.stderr}")
        text = report.read_text() if report.exists() else ""    # empty if the filter left nothing
    times = {}
    for one in json.loads(text)["benchmarks"] if text else []:
        if one["run_type"] != "iteration" or one.get("error_occurred"):
            continue
        threads = int(re.search(r"/threads:(\d+)|$", one["run_name"]).group(1) or 0)
        wall = re.search("/(real|manual)_time", one["run_name"])
        time = one["cpu_time"] / threads if threads else one["real_time" if wall else "cpu_time"]
        times.setdefault(one["run_name"], []).append(time * UNITS[one["time_unit"]])
    return times


def in_turn(names, count):
    """[(round, name)]: all of them in each round, in another order, so that what disturbs one disturbs all."""
    for i in range(count):
        order = list(names)
        random.Random(i).shuffle(order)
        for name in order:
            yield i, name


def rounds(programs, count, **how):
    """Runs programs, {name: path}, in turn: {name: {case: [ns of each round]}}."""
    times = {name: {} for name in programs}
    for _, name in in_turn(programs, count):
        for case, found in run(programs[name], **how).items():
            times[name].setdefault(case, []).append(statistics.median(found))
    return times


def interval(values):
    """(low, median, high): the median, and between which of the values it lies with 95 % confidence, whatever their distribution
    (order statistics: the k-th smallest and the k-th largest, k from the binomial distribution). Of fewer than 6, all."""
    values, n = sorted(values), len(values)
    k, tail = 0, 0.5 ** n
    while k + 1 <= n // 2 and tail <= 0.025:
        k += 1
        tail += 0.5 ** n * math.comb(n, k)
    k = max(k - 1, 0)
    return values[k], statistics.median(values), values[n - 1 - k]


def ratio(a, b):
    """(low, median, high) of a / b, of values that were measured in the same rounds, in that order."""
    return interval([x / y for x, y in zip(a, b)])


def bootstrap_ratio(a, b, draws=2000):
    """(low, ratio of the medians, high) of a / b, measured side by side but not in pairs: 95 % of what other samples of the same
    values would have given. The same each time it is called."""
    draw = random.Random(1)

    def median_again(values):
        return statistics.median(draw.choices(values, k=len(values)))

    found = sorted(median_again(a) / median_again(b) for _ in range(draws))
    return found[draws // 40], statistics.median(a) / statistics.median(b), found[-1 - draws // 40]


def noise(samples):
    """How far values of one case lie apart, as a part of their median: the middle half of all, over all cases."""
    spreads = []
    for values in samples:
        if len(values) >= 3:
            low, _, high = statistics.quantiles(values, n=4)
            spreads.append((high - low) / statistics.median(values))
    return statistics.median(spreads) if spreads else 0.0


def readable(ns):
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= scale:
            return f"{ns / scale:.2f} {unit}"
    return f"{ns:.2f} ns"


def machine():
    """What it was measured on, for a report."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {"processor": model[1] if model else "unknown", "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}
