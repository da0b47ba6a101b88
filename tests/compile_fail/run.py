#!/usr/bin/env python3
"""Compiles what must not compile, and checks that the compiler says why.

usage: run.py COMPILER [-FLAG]... [FILE.cpp]...        all files beside this script by default

A file holds cases and, beside each, a twin that differs in the mistake alone:

    // CASE unknown_label
    // EXPECT no label of this name                     a regular expression, searched in what the compiler prints
    // EXPECT-clang did you mean 'method'               for one compiler (gcc, clang) only; all that apply must match
    // TWIN                                             optional: the twin needs a macro of its own, TWIN_unknown_label
    #ifdef CASE_unknown_label
    void f() { shop::telemetry.orders.add(1, {.methode = Method::card}); }
    #else
    void f() { shop::telemetry.orders.add(1, {.method = Method::card}); }
    #endif

Every case is compiled with its macro defined and must be rejected, in few words. The file is compiled with no case defined, and once for
each TWIN, and must be accepted without a warning. All of this with APM_ENABLED=1 and with APM_ENABLED=0.
"""
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DIRECTIVE = re.compile(r"^\s*// (CASE|EXPECT-gcc|EXPECT-clang|EXPECT|TWIN)(?: (.*?))?\s*$")
CRASH = re.compile("internal compiler error|PLEASE submit a bug report")
MAX_ERRORS = 6       # one mistake must not drown in what follows from it
MAX_LINES = 120      # of what the compiler said; after that it repeats itself


class Job:
    """One run of the compiler: a case, which must be rejected with expected, or a twin (expected is None)."""

    def __init__(self, path, macro=None, expected=None):
        self.path, self.macro, self.expected = path, macro, expected

    def run(self, enabled):
        """Returns what went wrong, or nothing."""
        command = [COMPILER, "-std=c++20", "-fsyntax-only", *FLAGS, f"-DAPM_ENABLED={enabled}"]
        command += [f"-D{self.macro}"] if self.macro else []
        command += ["-Wall", "-Wextra", "-Wpedantic", "-Werror"] if self.expected is None else []
        ran = subprocess.run([*command, str(self.path)], capture_output=True, text=True, errors="replace",
                             env={**os.environ, "LC_ALL": "C"})      # plain quotes, no translation
        lines = ran.stderr.splitlines()
        said = "\n".join(lines[:MAX_LINES] + [f"... and {len(lines) - MAX_LINES} lines more"] * (len(lines) > MAX_LINES))
        if self.expected is None:
            return "" if ran.returncode == 0 else f"expected: accepted without a warning\nthe compiler said:\n{said}\n"
        if CRASH.search(ran.stderr):
            return f"expected: an error\nthe compiler crashed:\n{said}\n"
        missing = [pattern for pattern in self.expected if not re.search(pattern, ran.stderr)]
        errors = len(re.findall(r"^\S+: (?:fatal )?error: ", ran.stderr, re.MULTILINE))
        if ran.returncode != 0 and not missing:
            return "" if errors <= MAX_ERRORS else f"expected: at most {MAX_ERRORS} errors\nthe compiler said {errors}:\n{said}\n"
        wanted = "".join(f"expected: {p}   {'<- not found' if p in missing else '(found)'}\n" for p in self.expected)
        return wanted + (f"the compiler said:\n{said}\n" if ran.returncode else "the compiler accepted it\n")

    def run_both(self):
        on, off = self.run(1), self.run(0)
        title = f"FAILED {self.path.name} {self.macro or 'without a case'}, {COMPILER}, APM_ENABLED="
        if on and on == off:
            return f"{title}1 and 0\n{on}"
        return "".join(f"{title}{mode}\n{problem}" for mode, problem in ((1, on), (0, off)) if problem)


def jobs_of(path, family):
    """The cases and twins of one file. Raises ValueError where the file contradicts itself."""
    cases, twins, current = {}, [], None
    text = path.read_text()
    for line in text.splitlines():
        if not (match := DIRECTIVE.match(line)):
            continue
        word, rest = match.groups()
        if word == "CASE":
            current = rest
            cases[current] = []
        elif current is None:
            raise ValueError(f"{path.name}: {word} before the first CASE")
        elif word == "TWIN":
            twins.append(f"TWIN_{current}")
        elif word in ("EXPECT", f"EXPECT-{family}"):
            cases[current].append(rest)
    used = set(re.findall(r"\bCASE_(\w+)", text))
    if used != set(cases) or not cases:
        raise ValueError(f"{path.name}: declared by CASE and used as CASE_... differ: {sorted(used ^ set(cases)) or 'no case'}")
    for name, expected in cases.items():
        if not expected:
            raise ValueError(f"{path.name}: CASE {name} has no EXPECT for {family}")
    return [Job(path), *(Job(path, twin) for twin in twins),
            *(Job(path, f"CASE_{name}", expected) for name, expected in cases.items())]


def main():
    started = time.monotonic()
    family = "clang" if "clang" in Path(COMPILER).name else "gcc"
    # An expected text must be the compiler's own, not our source line quoted by it.
    FLAGS.append("-fno-caret-diagnostics" if family == "clang" else "-fno-diagnostics-show-caret")
    jobs, failed = [], 0
    for path in FILES:
        try:
            jobs += jobs_of(path, family)
        except ValueError as problem:
            failed += 1
            print(f"FAILED {problem}")
    with ThreadPoolExecutor(2) as pool:
        for problem in pool.map(Job.run_both, jobs):
            if problem:
                failed += 1
                print(problem)
    cases = sum(job.expected is not None for job in jobs)
    print(f"{COMPILER}: {cases} rejections and {len(jobs) - cases} twins in {len(FILES)} files, in both modes: "
          f"{failed} failed, {time.monotonic() - started:.0f} s")
    return failed > 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    COMPILER, FLAGS = sys.argv[1], [argument for argument in sys.argv[2:] if argument.startswith("-")]
    FILES = [Path(argument) for argument in sys.argv[2:] if not argument.startswith("-")]
    FILES = FILES or sorted(Path(__file__).resolve().parent.glob("*.cpp"))
    if not FILES or not shutil.which(COMPILER):
        print("skipped: there are no cases" if not FILES else f"skipped: there is no {COMPILER}")
        sys.exit(77)
    sys.exit(main())
