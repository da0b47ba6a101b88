"""What does it cost to include apm? Front-end time of its headers and of the rows of a schema: processor time of the compiler,
which a busy machine stretches less than the clock on the wall."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import timing
from bench_report import measured

ROOT = Path(__file__).resolve().parents[2]
COMPILERS = ("g++", "clang++-14", "clang++-22")
HEADER = "#include <apm/apm.hpp>\n"
LEAST = "<atomic> and <string_view>"
PEERS = {LEAST: "", "prometheus-cpp": "<= 0.85", "opentelemetry-cpp": "<= 0.33"}
SOURCES = {
    "apm": HEADER,
    LEAST: "#include <atomic>\n#include <string_view>\n",
    "prometheus-cpp": "#include <prometheus/registry.h>\n#include <prometheus/counter.h>\n",
    "opentelemetry-cpp": "#include <opentelemetry/trace/provider.h>\n",
    "a main file": '#include <apm/runtime.hpp>\nint main() { apm::runtime apm{{.service = {.name = "bench"}}}; }\n',
    "a main file of prometheus-cpp":
        "#include <prometheus/exposer.h>\n#include <prometheus/registry.h>\n"
        'int main() { prometheus::Exposer e{"127.0.0.1:0"}; e.RegisterCollectable(std::make_shared<prometheus::Registry>()); }\n',
}
ROWS = (1, 10, 100, 400)


def compilers():
    return [compiler for compiler in COMPILERS if shutil.which(compiler)]


def command(compiler, *arguments):
    return [compiler, "-std=c++20", f"-I{ROOT / 'include'}", *arguments]


def schema(rows, more=""):
    """A schema of so many counters, 2 labels and 6 series each; `more` follows them."""
    lines = "\n".join(f'counter<Order> c{i}{{this, "bench.row{i}", "Row"}};' for i in range(rows))
    return HEADER + f"""
namespace s {{
BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
APM_FIELDS(Order, (Method, method), (Outcome, outcome));
APM_FIELDS(Visit, (int, visitor), (const char*, route), (double, share));
struct Schema : apm::schema<Schema> {{
static constexpr apm::scope scope{{.name = "bench"}};
{lines}
{more}
}};
inline constexpr auto& telemetry = apm::instruments<Schema>;
}}
using s::telemetry;
"""


def front_end_ns(compiler, name, directory):
    """Of one run of the compiler; None where it rejects the file."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command(compiler, "-fsyntax-only", name), cwd=directory, **quiet)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return 1e9 * (used.ru_utime + used.ru_stime) if process.returncode == 0 else None


def front_end_times(compiler, sources, repetitions):
    """{name: [ns]} of {name: text}, in turn, so that what disturbs one disturbs all; without those that do not compile, such
    as a peer's that is not installed."""
    times = {}
    with tempfile.TemporaryDirectory() as directory:
        files = {name: f"{i}.cpp" for i, name in enumerate(sources)}
        for name, file in files.items():
            Path(directory, file).write_text(sources[name])
            if front_end_ns(compiler, file, directory) is not None:      # and reads the disk
                times[name] = []
        for _, name in timing.in_turn(list(times), repetitions):
            times[name].append(front_end_ns(compiler, files[name], directory))
    return times


def rows_of(compiler, times):
    """The header beside others', and a schema beside the header: the rows of the table."""
    def row(what, ours, peer, theirs, budget=""):
        return measured("compile time of the front end", f"{compiler}: {what}", ours, peer, theirs, budget, paired=True)

    ours = times["apm"]
    for peer, budget in PEERS.items():
        if peer in times:
            yield row("apm/apm.hpp", ours, peer, times[peer], budget)
    main, peer = "a main file", "a main file of prometheus-cpp"
    if peer in times:
        yield row("a main file with apm::runtime", times[main], peer, times[peer], "<= 2.5")
    for n in ROWS:                       # the rows alone: without the header and without what declares their labels
        more = [max(t - empty, 0) for t, empty in zip(times[n], times[0])]
        yield row(f"{n} row{'s'[:n > 1]}", more, "the header alone", ours, "<= 1" if n == 400 else "")
    # Is it linear? Then a row costs the same among many as among few.
    yield row("a row, from 100 to 400", [(most - some) / 300 for most, some in zip(times[400], times[100])],
              "a row, from 10 to 100", [(some - few) / 90 for some, few in zip(times[100], times[10])])


def header_rows(compiler, repetitions):
    """Each public header alone."""
    names = sorted(path.relative_to(ROOT / "include").as_posix() for path in (ROOT / "include/apm").glob("*.hpp"))
    times = front_end_times(compiler, {LEAST: SOURCES[LEAST]} | {name: f"#include <{name}>\n" for name in names}, repetitions)
    group = f"front end of each header, {compiler}"
    return [measured(group, name, times[name], LEAST, times[LEAST], paired=True) for name in names if name in times]


def measure(options, say):
    sources = SOURCES | {n: schema(n) for n in (0, *ROWS)}
    found, missing = [], set()
    for compiler in compilers():
        say(f"front end, {compiler}: headers and schemas of 0 .. {ROWS[-1]} rows")
        times = front_end_times(compiler, sources, 3 if options.quick else 7)
        absent = sources.keys() - times.keys()
        if ours := absent - PEERS.keys() - {"a main file of prometheus-cpp"}:
            raise RuntimeError(f"{compiler} rejects the header, or a schema: {sorted(map(str, ours))}")
        missing |= absent
        found += rows_of(compiler, times)
    for compiler in compilers() if options.full else compilers()[:0 if options.quick else 1]:
        say(f"front end, {compiler}: each header")
        found += header_rows(compiler, 3)
    return found, [f"{name}'s headers" for name in sorted(missing)]
