#!/usr/bin/env python3
"""Builds examples/overhead_in_ci against the installed apm: the check passes, and fails in the right words with each fault.

What is not said here goes to CMake.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "overhead_in_ci"


def run(*command, code=0, **how):
    """What it printed; ends this test where the exit code is another."""
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="replace", **how)
    if ran.returncode != code:
        sys.exit(f"{' '.join(map(str, command))}: exit code {ran.returncode}, not {code}:\n{ran.stdout}")
    return ran.stdout


def expect(text, *parts):
    for part in parts:
        if part not in text:
            sys.exit(f"this is not said: {part}\nbut this:\n{text}")


class Project:
    def __init__(self, name, options, flags, *more):
        self.build, self.options = options.build / name, options
        run(options.cmake, "-S", EXAMPLE, "-B", self.build, *flags, *more)
        self.directory = self.build / "overhead.overhead"

    def ctest(self, code=0):
        return run(self.options.ctest, "--output-on-failure", "-V", code=code, cwd=self.build)

    def variants(self):
        """[({sources that are on}, {sources that are off})] of each program that is on but for one file."""
        rules = (self.build / "build.ninja").read_text()
        linked = re.findall(r"^build overhead\.overhead/overhead\.without\.\d+: (.*)$", rules, re.M)
        return [tuple({Path(name).name for name in re.findall(rf"overhead\.{mode}\.till\w*\.dir/(\S+)\.o", line)}
                      for mode in ("on", "off")) for line in sorted(linked)]

    def only(self, part, code, **other):
        """Runs the tool by hand, on what the function wrote and on `other`."""
        check = self.directory / "check.json"
        check.write_text(json.dumps({**json.loads(check.read_text()), **other}))
        tests = json.loads(run(self.options.ctest, "--show-only=json-v1", cwd=self.build))["tests"]
        tool = next(word for test in tests for word in test["command"] if word.endswith("/overhead"))
        return run(sys.executable, tool, check, "--only", part, code=code)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--ctest", default="ctest")
    parser.add_argument("--cmake", default="cmake")
    options, flags = parser.parse_known_args()
    shutil.rmtree(options.build, ignore_errors=True)
    if not shutil.which("valgrind") or not Path("/usr/include/valgrind/callgrind.h").exists():
        print("skipped: there is no valgrind with its headers")
        sys.exit(77)

    good = Project("good", options, flags)
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

    locked = Project("locked", options, flags, "-DLOCK_IN_HOT_PATH=ON", f"-DOVERHEAD_BASELINE={good.directory / 'report.json'}")
    run(options.cmake, "--build", locked.build, "--target", "overhead.variants")
    said = locked.only("count", 1)
    expect(said, "sell: on costs ", " instructions an iteration more than off, 40 allowed; new there: pthread_mutex_lock ",
           "sell: the overhead grew by ", " since report.json; more there: pthread_mutex_lock ")
    print("\n".join(said.splitlines()[-2:]))

    evaluates = Project("evaluates", options, flags, "-DMACRO_EVALUATES=ON")
    said = evaluates.only("off", 1)
    expect(said, "sale.cpp: with APM off, till::sell(unsigned int, till::Payment) is ", "without the macros ",
           "; it calls till::price_in_cents(unsigned int), which is not called without them")
    print(said.splitlines()[-1])

    off = Project("off", options, flags, "-DAPM_ENABLED=OFF")
    expect(off.ctest(), "skipped: this build has APM_ENABLED=OFF")


if __name__ == "__main__":
    main()
