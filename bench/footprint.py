#!/usr/bin/env python3
"""What does it cost to have apm in a program: front-end time of its header, time and memory of its rows.

usage: footprint.py [--quick]      exits with 1 if a required ratio is not reached

Times are the compiler's processor time, which a busy machine stretches less than the clock on the wall; medians, the sources
in turn, so that what disturbs one disturbs all.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "#include <apm/apm.hpp>\n"
SOURCES = {
    "apm": HEADER,
    "prometheus-cpp": "#include <prometheus/registry.h>\n#include <prometheus/counter.h>\n",
    "<atomic> <string_view>": "#include <atomic>\n#include <string_view>\n",
}


def schema(rows):
    """A schema of so many rows, 2 labels and 6 series each, and a function that records into the first."""
    lines = "\n".join(f'counter<Order> c{i}{{this, "bench.row{i}", "Row"}};' for i in range(rows))
    return HEADER + f"""
namespace s {{
BOOST_DEFINE_ENUM_CLASS(Method, card, paypal, cash)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
APM_FIELDS(Order, (Method, method), (Outcome, outcome));
struct Schema : apm::schema<Schema> {{
static constexpr apm::scope scope{{.name = "bench"}};
{lines}
}};
inline constexpr auto& telemetry = apm::instruments<Schema>;
}}
void record() {{ s::telemetry.c0.add(1, {{.method = s::Method::card, .outcome = s::Outcome::ok}}); }}
"""


THREADS = """
#include <cstdio>
#include <thread>
#include <vector>
int main() {
    record();
    const auto one = apm::detail::process_root().bytes.load();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([] { record(); });
    for (auto& t : threads) t.join();
    const auto blocks = apm::detail::process_root().blocks.load();
    if (blocks > 1) std::printf("%llu\\n", static_cast<unsigned long long>((apm::detail::process_root().bytes.load() - one) / (blocks - 1)));
    else std::printf("%llu\\n", static_cast<unsigned long long>(one));
}
"""


def front_end_seconds(compiler, name, directory):
    """Processor time of one run of the compiler."""
    process = subprocess.Popen([compiler, "-std=c++20", f"-I{ROOT / 'include'}", "-fsyntax-only", name], cwd=directory,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(said)
    return used.ru_utime + used.ru_stime


def front_end_times(compiler, sources, repetitions):
    """{name: median seconds}"""
    times = {name: [] for name in sources}
    with tempfile.TemporaryDirectory() as directory:
        for i, text in enumerate(sources.values()):
            Path(directory, f"{i}.cpp").write_text(text)
        for repetition in range(repetitions + 1):
            for i, name in enumerate(sources):
                seconds = front_end_seconds(compiler, f"{i}.cpp", directory)
                if repetition > 0:                 # the first reads the disk
                    times[name].append(seconds)
    return {name: statistics.median(all_times) for name, all_times in times.items()}


def bytes_per_thread(compiler, rows):
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "a.cpp").write_text(schema(rows) + THREADS)
        subprocess.run([compiler, "-std=c++20", "-O1", f"-I{ROOT / 'include'}", "a.cpp", "-o", "a", "-pthread"], cwd=directory, check=True)
        return int(subprocess.run(["./a"], cwd=directory, check=True, capture_output=True, text=True).stdout)


SITES = {
    "none": "",
    "TRACE_SCOPE(row)": "TRACE_SCOPE(telemetry.step);",
    "TRACE_SCOPE(row, {3 attributes})": 'TRACE_SCOPE(telemetry.visit, {.visitor = n, .route = route, .share = 0.5});',
    'TRACE_SCOPE("literal")': 'TRACE_SCOPE("look");',
    "counter.add(1, {2 labels})": "telemetry.orders.add(1, {.method = s::Method::card, .outcome = s::Outcome::ok});",
}


def bytes_per_site(compiler):
    """{site: bytes of code and of exception tables that a second site adds to the same file}"""
    def size(site, functions, directory):
        text = schema(1).replace("struct Schema", "APM_FIELDS(Visit, (int, visitor), (const char*, route), (double, share));\nstruct Schema")
        text = text.replace('"Row"};', '"Row"};\ncounter<Order> orders{this, "orders", "O"};\nspan<> step{this, "step", "S"};\n'
                                       'span<Visit> visit{this, "visit", "V"};')
        text += "using s::telemetry;\nvoid work(int);\n"
        text += "".join(f"void f{i}([[maybe_unused]] int n, [[maybe_unused]] const char* route) {{ {site} work({i}); }}\n" for i in range(functions))
        Path(directory, "a.cpp").write_text(text)
        subprocess.run([compiler, "-std=c++20", "-O2", f"-I{ROOT / 'include'}", "-c", "a.cpp"], cwd=directory, check=True)
        sections = subprocess.run(["size", "-A", "a.o"], cwd=directory, check=True, capture_output=True, text=True).stdout
        return sum(int(line.split()[1]) for line in sections.splitlines()
                   if line.startswith((".text", ".gcc_except_table", ".eh_frame", ".rodata")))
    with tempfile.TemporaryDirectory() as directory:
        once = {name: size(site, 9, directory) - size(site, 1, directory) for name, site in SITES.items()}
    return {name: (bytes_ - once["none"]) // 8 for name, bytes_ in once.items() if name != "none"}


def main():
    repetitions = 3 if "--quick" in sys.argv else 9
    short = 0
    for compiler in ("g++", "clang++-14", "clang++-22"):
        if not shutil.which(compiler):
            continue
        sources = dict(SOURCES)
        if not Path("/usr/include/prometheus/registry.h").exists():
            del sources["prometheus-cpp"]
        times = front_end_times(compiler, sources, repetitions)
        for name in list(times)[1:]:
            ratio, required = times["apm"] / times[name], "<= 0.85" if name == "prometheus-cpp" else ""
            verdict = "" if not required else "pass" if ratio <= 0.85 else "SHORT"
            short += verdict == "SHORT"
            print(f"{compiler + ': front end of apm/apm.hpp / ' + name:56} {1000 * times['apm']:>7.0f} ms {1000 * times[name]:>7.0f} ms "
                  f"{ratio:>7.2f} x {required:>9} {verdict}")
        rows = front_end_times(compiler, {n: schema(n) for n in (1, 10, 100, 400)}, repetitions)
        text = ", ".join(f"{n}: {1000 * seconds:.0f} ms" for n, seconds in rows.items())
        print(f"{compiler + ': front end of a schema of so many rows':56} {text}")
    for compiler in ("g++", "clang++-22"):
        if shutil.which(compiler):
            for site, bytes_ in bytes_per_site(compiler).items():
                print(f"{compiler + ': bytes of a site of ' + site:56} {bytes_}")
    print(f"{'bytes per thread, 200 counters of 6 series':56} {bytes_per_thread('g++', 200)}")
    return short > 0


if __name__ == "__main__":
    sys.exit(main())
