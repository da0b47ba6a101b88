"""A project that uses the installed apm and its overhead check, built and asked by a test."""
import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path


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


def options(doc):
    """(this test's options, what goes to CMake), with an empty build directory; ends with 77 where nothing can be counted."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--ctest", default="ctest")
    parser.add_argument("--cmake", default="cmake")
    given, flags = parser.parse_known_args()
    shutil.rmtree(given.build, ignore_errors=True)
    if not shutil.which("valgrind") or not Path("/usr/include/valgrind/callgrind.h").exists():
        print("skipped: there is no valgrind with its headers")
        sys.exit(77)
    return given, flags


class Project:
    def __init__(self, source, name, options, flags, *more):
        self.build, self.options = options.build / name, options
        self.configured = run(options.cmake, "-S", source, "-B", self.build, *flags, *more)
        self.directory = self.build / "overhead.overhead"

    def ctest(self, code=0):
        return run(self.options.ctest, "--output-on-failure", "-V", code=code, cwd=self.build)

    def variants(self):
        """[({sources that are on}, {sources that are off})] of each program that is on but for one file."""
        rules = (self.build / "build.ninja").read_text()
        linked = re.findall(r"^build overhead\.overhead/overhead\.without\.\d+: (.*)$", rules, re.M)
        return [tuple(set(re.findall(rf"overhead\.{mode}\.(?!probe)\w+\.dir/(?:\./)?(\S+)\.o", line)) for mode in ("on", "off"))
                for line in sorted(linked)]

    def make_variants(self):
        run(self.options.cmake, "--build", self.build, "--target", "overhead.variants")

    def only(self, part, code, environment=None, **other):
        """Runs the tool by hand, on what the function wrote and on `other`."""
        check = self.directory / "check.json"
        asked = self.directory / "asked.json"
        asked.write_text(json.dumps({**json.loads(check.read_text()), **other}))
        tests = json.loads(run(self.options.ctest, "--show-only=json-v1", cwd=self.build))["tests"]
        tool = next(word for test in tests for word in test["command"] if word.endswith("/overhead"))
        return run(sys.executable, tool, asked, "--only", part, code=code, env=environment)
