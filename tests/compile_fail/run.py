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

Every case must be rejected, in few words. The file is compiled with no case defined, and once for each TWIN, and must be accepted
without a warning. All of this with APM_ENABLED=1 and with APM_ENABLED=0.

To save time, a file is first compiled with all of its cases at once. An error that names lines of one case, and of no other, belongs to
that case. A case that these errors do not show to be rejected as expected is then compiled alone, and that decides.
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
ERROR, NOTE = re.compile(r"^\S+: (?:fatal )?error: "), re.compile(r"^\S+: note: ")
CRASH = re.compile("internal compiler error|PLEASE submit a bug report")
MODES = 1, 0         # of APM_ENABLED
MAX_ERRORS = 6       # one mistake must not drown in what follows from it
MAX_LINES = 120      # of what the compiler said; after that it repeats itself


def compiled(path, enabled, *flags):
    """The finished compiler run."""
    return subprocess.run([COMPILER, "-std=c++20", "-fsyntax-only", *FLAGS, f"-DAPM_ENABLED={enabled}", *flags, str(path)],
                          capture_output=True, text=True, errors="replace",
                          env={**os.environ, "LC_ALL": "C"})      # plain quotes, no translation


def errors_in(said):
    """Each error with the notes after it, and with the lines before it that say where it comes from."""
    found, before = [], []
    for line in said.splitlines():
        before.append(line)
        if ERROR.match(line):
            found.append(before)
            before = []
        elif NOTE.match(line) and found:
            found[-1] += before
            before = []
    return ["\n".join(lines) for lines in found]


def lines_of_cases(path):
    """{case: its line numbers}: what stands between #ifdef CASE_x and the #else or #endif of it."""
    lines, case, depth = {}, None, 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if case is None and (match := re.match(r"#\s*ifdef CASE_(\w+)", line)):
            case, depth = match[1], 0
        elif case is not None and re.match(r"#\s*if", line):
            depth += 1
        elif case is not None and re.match(r"#\s*(else|elif|endif)", line):
            if depth == 0:
                case = None
            depth -= bool(re.match(r"#\s*endif", line))
        elif case is not None:
            lines.setdefault(case, set()).add(number)
    return lines


def rejected_together(path, cases, enabled):
    """Those of a file's cases that a compilation of all of them shows to be rejected as expected."""
    ran = compiled(path, enabled, *(f"-DCASE_{name}" for name in cases), *["-ferror-limit=0"] * ("clang" in COMPILER))
    if CRASH.search(ran.stderr):
        return set()
    case_at = {line: case for case, lines in lines_of_cases(path).items() for line in lines}
    errors = {}
    for error in errors_in(ran.stderr):
        named = {case_at.get(int(line)) for line in re.findall(rf"{re.escape(str(path))}:(\d+)", error)} - {None}
        if len(named) == 1:
            errors.setdefault(*named, []).append(error)
    return {case for case, own in errors.items()
            if len(own) <= MAX_ERRORS and all(re.search(pattern, "\n".join(own)) for pattern in cases[case])}


class Job:
    """A case, which must be rejected with expected, or a twin (expected is None)."""

    def __init__(self, path, macro=None, expected=None):
        self.path, self.macro, self.expected = path, macro, expected

    def run(self, enabled):
        """Compiles it alone. Returns what went wrong, or nothing."""
        flags = [f"-D{self.macro}"] if self.macro else []
        flags += ["-Wall", "-Wextra", "-Wpedantic", "-Werror"] if self.expected is None else []
        ran = compiled(self.path, enabled, *flags)
        lines = ran.stderr.splitlines()
        said = "\n".join(lines[:MAX_LINES] + [f"... and {len(lines) - MAX_LINES} lines more"] * (len(lines) > MAX_LINES))
        if self.expected is None:
            return "" if ran.returncode == 0 else f"expected: accepted without a warning\nthe compiler said:\n{said}\n"
        if CRASH.search(ran.stderr):
            return f"expected: an error\nthe compiler crashed:\n{said}\n"
        missing = [pattern for pattern in self.expected if not re.search(pattern, ran.stderr)]
        errors = sum(bool(ERROR.match(line)) for line in lines)
        if ran.returncode != 0 and not missing:
            return "" if errors <= MAX_ERRORS else f"expected: at most {MAX_ERRORS} errors\nthe compiler said {errors}:\n{said}\n"
        wanted = "".join(f"expected: {p}   {'<- not found' if p in missing else '(found)'}\n" for p in self.expected)
        return wanted + (f"the compiler said:\n{said}\n" if ran.returncode else "the compiler accepted it\n")

    def run_modes(self, modes):
        said = {mode: self.run(mode) for mode in modes}
        title = f"FAILED {self.path.name} {self.macro or 'without a case'}, {COMPILER}, APM_ENABLED="
        if len(set(said.values())) == 1 and len(said) == 2 and said[1]:
            return f"{title}1 and 0\n{said[1]}"
        return "".join(f"{title}{mode}\n{problem}" for mode, problem in said.items() if problem)


def twins_and_cases(path, family):
    """The twins of one file, and {case: what has to be said}. Raises ValueError where the file contradicts itself."""
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
    return [Job(path), *(Job(path, twin) for twin in twins)], cases


def main():
    started = time.monotonic()
    family = "clang" if "clang" in Path(COMPILER).name else "gcc"
    # An expected text must be the compiler's own, not our source line quoted by it.
    FLAGS.append("-fno-caret-diagnostics" if family == "clang" else "-fno-diagnostics-show-caret")
    jobs, cases, failed = [], {}, 0
    for path in FILES:
        try:
            twins, cases[path] = twins_and_cases(path, family)
            jobs += [(twin, MODES) for twin in twins]
        except ValueError as problem:
            failed += 1
            print(f"FAILED {problem}")
    twins, alone = len(jobs), 0
    with ThreadPoolExecutor(2) as pool:
        together = {(path, mode): pool.submit(rejected_together, path, cases[path], mode) for path in cases for mode in MODES}
        for path in cases:
            for name, expected in cases[path].items():
                if modes := [mode for mode in MODES if name not in together[path, mode].result()]:
                    jobs.append((Job(path, f"CASE_{name}", expected), modes))
                    alone += len(modes)
        for problem in pool.map(lambda job: job[0].run_modes(job[1]), jobs):
            if problem:
                failed += 1
                print(problem)
    print(f"{COMPILER}: {sum(map(len, cases.values()))} rejections and {twins} twins in {len(FILES)} files, in both modes: "
          f"{failed} failed, {alone} had to be compiled alone, {time.monotonic() - started:.0f} s")
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
