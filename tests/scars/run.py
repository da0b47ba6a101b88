#!/usr/bin/env python3
"""Builds the programs beside this script and runs them: each survives something that a peer of ours did not.

usage: run.py COMPILER --build DIR [-FLAG]... [FILE.cpp]...        all programs by default

A program is one file; it passes when it exits with 0, within its time. Its first lines may say:

    // FLAGS -O2 -ffast-math        for compiling and linking it
    // WITH part.inc                linked with this file, which is compiled as C++: once before the program, once after it
    // REPEAT 30                    run so often, times TESTS_REPEAT of the environment; one failure fails it
    // NOT-UNDER address,thread why left out under one of these sanitizers
"""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIRECTIVE = re.compile(r"^// (FLAGS|WITH|REPEAT|NOT-UNDER) (.*)$", re.MULTILINE)
# A fork leaves threads behind, and its child may have threads of its own: that is what some programs are about.
ENVIRONMENT = {**os.environ, "TSAN_OPTIONS": "die_after_fork=0:report_thread_leaks=0:" + os.environ.get("TSAN_OPTIONS", "")}
SECONDS = 300     # for one run; they take a fraction of it, unless one hangs


def run(path):
    """Returns (failures, reason for skipping), both as text."""
    said = {word: rest for word, rest in DIRECTIVE.findall(path.read_text())}
    sanitizers, _, why = said.get("NOT-UNDER", "").partition(" ")
    if any(sanitizer in flag for flag in FLAGS if flag.startswith("-fsanitize=") for sanitizer in sanitizers.split(",") if sanitizer):
        return "", why
    command = [COMPILER, "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{HERE.parents[1] / 'include'}", "-pthread",
               *FLAGS, *said.get("FLAGS", "").split()]
    part = [str(HERE / said["WITH"])] if "WITH" in said else []
    orders = [[*part, str(path)], [str(path), *part]] if part else [[str(path)]]
    for number, sources in enumerate(orders):
        program = BUILD / f"{path.stem}-{number}"
        built = subprocess.run([*command, "-x", "c++", *sources, "-o", str(program), "-ldl"], capture_output=True, text=True)
        if built.returncode:
            return f"FAILED to build {path.name}\n{built.stderr}\n", ""
        for turn in range(int(said.get("REPEAT", "1")) * int(os.environ.get("TESTS_REPEAT", "1"))):
            try:
                ran = subprocess.run([str(program)], capture_output=True, text=True, timeout=SECONDS, errors="replace",
                                     env=ENVIRONMENT)
            except subprocess.TimeoutExpired:
                return f"FAILED {program.name}: hung for {SECONDS} s in run {turn + 1}\n", ""
            if ran.returncode:
                return f"FAILED {program.name}: exit code {ran.returncode} in run {turn + 1}\n{ran.stdout}{ran.stderr}\n", ""
    return "", ""


def main():
    started = time.monotonic()
    BUILD.mkdir(parents=True, exist_ok=True)
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for path, (failures, skipped) in zip(FILES, pool.map(run, FILES)):
            if skipped:
                print(f"skipped {path.name}: {skipped}")
            if failures:
                failed += 1
                print(failures)
    print(f"{COMPILER} {' '.join(FLAGS)}: {len(FILES)} programs, {failed} failed, {time.monotonic() - started:.0f} s")
    return failed > 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) < 3 or arguments[1] != "--build":
        sys.exit(__doc__)
    COMPILER, BUILD = arguments[0], Path(arguments[2])
    FLAGS = [argument for argument in arguments[3:] if argument.startswith("-")]
    FILES = [Path(argument) for argument in arguments[3:] if not argument.startswith("-")] or sorted(HERE.glob("*.cpp"))
    sys.exit(main())
