#!/usr/bin/env python3
"""Reads object code.

usage: run.py off COMPILER     APM off leaves the same object file as no instrumentation at all
       run.py hot COMPILER     hot paths are as short as hot.cpp says
       run.py self COMPILER    both checks can fail
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c++20", f"-I{HERE.parents[1] / 'include'}", "-c"]


def compiled(compiler, source, *flags):
    """The object file's path; the name is the same each time, since objects may contain it."""
    directory = tempfile.mkdtemp()
    output = Path(directory, "object.o")
    ran = subprocess.run([compiler, *FLAGS, *flags, str(HERE / source), "-o", "object.o"], cwd=directory,
                         capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{compiler} {' '.join(flags)} {source}:\n{ran.stderr}")
    return output


def differences(a, b):
    """The sections and symbols in which two object files differ."""
    def table(path):
        sections = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True).stdout
        names = re.findall(r"^\s+\[\s*\d+\]\s+(\S+)\s+[A-Z]", sections, re.M)
        dump = {n: subprocess.run(["readelf", "-x", n, path], capture_output=True, text=True).stdout for n in names}
        dump["symbols"] = subprocess.run(["nm", "-C", path], capture_output=True, text=True).stdout
        return dump
    left, right = table(a), table(b)
    return [n for n in sorted(left.keys() | right.keys()) if left.get(n) != right.get(n)], left["symbols"], right["symbols"]


def same(compiler, with_flags, without_flags, quiet=False):
    with_, without = compiled(compiler, "off.cpp", *with_flags), compiled(compiler, "off.cpp", *without_flags)
    if with_.read_bytes() == without.read_bytes():
        return True
    if quiet:
        return False
    where, ours, theirs = differences(with_, without)
    print(f"{compiler} {' '.join(with_flags)}: differs from {' '.join(without_flags)} in {', '.join(where)}")
    print("symbols with:", ours, "symbols without:", theirs, sep="\n")
    return False


def off(compiler):
    ok = True
    for level in ("-O1", "-O2", "-O3", "-Os"):
        ok &= same(compiler, [level, "-DAPM_ENABLED=0"], [level, "-DABSENT"])
    ok &= same(compiler, ["-O0", "-DAPM_ENABLED=0", "-DMACROS_ONLY"], ["-O0", "-DABSENT"])
    return ok


def hot_paths(compiler, *flags):
    """Yields (function, what is wrong with it or "", instructions, limit)."""
    column = 0 if "clang" in compiler else 1
    limits = {}
    limit = None
    for line in (HERE / "hot.cpp").read_text().splitlines():
        if match := re.match(r"// HOT\((\d+), (\d+)\)", line):
            limit = int(match.group(column + 1))
        elif (match := re.match(r'extern "C" \w+ (\w+)\(.*\{', line)) and limit:
            limits[match.group(1)], limit = limit, None
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", compiled(compiler, "hot.cpp", "-O2", *flags)],
                          capture_output=True, text=True).stdout
    for function, body in re.findall(r"^[0-9a-f]+ <(\w+)>:\n((?:.+\n)+)", text, re.M):
        if function not in limits:
            continue
        instructions = [i.split("\t")[-1].strip() for i in body.splitlines()]
        hot = []
        for instruction in instructions:
            hot.append(instruction)
            if instruction.startswith("ret"):
                break
        wrong = [i for i in hot if i.startswith(("call", "lock"))]
        count = len(hot)
        problem = f"has {wrong[0]!r}" if wrong else f"has {count} instructions" if count > limits[function] else ""
        yield function, problem, count, limits[function]


def hot(compiler):
    ok, seen = True, 0
    if "SELF_TEST" not in (HERE / "hot.cpp").read_text():
        sys.exit("hot.cpp lost its self-test")
    for function, problem, count, limit in hot_paths(compiler):
        seen += 1
        print(f"{compiler}: {function}: {count} instructions, at most {limit}" + (f": {problem}" if problem else ""))
        ok &= not problem
    if seen != 6:
        print(f"{compiler}: {seen} functions found, 6 expected")
        ok = False
    return ok


def self_test(compiler):
    wrong = {f: p for f, p, _, _ in hot_paths(compiler, "-DSELF_TEST")}
    instrumented_differs = not same(compiler, ["-O2"], ["-O2", "-DABSENT"], quiet=True)
    return bool(wrong.get("wrong")) and instrumented_differs


if __name__ == "__main__":
    what, compiler = sys.argv[1:]
    if not shutil.which(compiler):
        print(f"skipped: there is no {compiler} here")
        sys.exit(77)
    sys.exit(0 if {"off": off, "hot": hot, "self": self_test}[what](compiler) else 1)
