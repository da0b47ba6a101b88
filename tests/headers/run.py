#!/usr/bin/env python3
"""Compiles every header of the library alone, those that record without exceptions and RTTI; all of them behind the macros of other
libraries; and what users write, with the warnings that users have. Knows what apm.hpp brings along.

usage: run.py COMPILER [recording]          recording: only those that apm.hpp brings into every file of a program
"""
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
USES = HERE / "uses.hpp"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
STRICT = ["-fno-exceptions", "-fno-rtti"]
# What users may ask for, who include our headers by -I: of g++ all that finds mistakes, of clang all that there is, but
CAREFUL = {
    "g++-12": """-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wuseless-cast -Wnull-dereference
        -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wcast-align -Wcast-qual -Woverloaded-virtual -Wnon-virtual-dtor
        -Wextra-semi -Wredundant-decls -Wundef -Wformat=2 -Wdouble-promotion -Wzero-as-null-pointer-constant""".split(),
    "clang++-22": ["-Weverything", *(f"-Wno-{name}" for name in (
        "c++98-compat", "c++98-compat-pedantic", "pre-c++14-compat", "pre-c++17-compat", "pre-c++20-compat",
        "pre-c++17-compat-pedantic", "pre-c++20-compat-pedantic", "c++98-compat-local-type-template-args",
        "c++98-compat-unnamed-type-template-args",  # C++20 is what we are written in
        "unsafe-buffer-usage",                      # any use of a pointer
        "padded", "nrvo", "weak-vtables",           # remarks on what objects look like
        "comma", "float-equal", "ctad-maybe-unsupported",     # ways to write what is meant
        "switch-enum", "switch-default",            # which contradict each other and -Wcovered-switch-default
        "unique-object-duplication", "global-constructors",   # one for each module, and before main, is what is meant
        "shadow-field",                             # a row may have any name, of a member of its schema's base too
        "disabled-macro-expansion",                 # libcurl's macros
        "deprecated-copy-with-dtor",                # an aggregate cannot declare copies
    ))],
}

# All that <apm/apm.hpp> brings into every file of a user's program, directly or through another header: a new one is a decision,
# to be written down here. (<atomic> and <string_view> alone cost more to compile than all of it.)
STANDARD = set("compare concepts cstddef cstdint cstdlib initializer_list type_traits typeinfo utility".split())
BOOST = {"describe", "hana", "preprocessor"}
# What <apm/runtime.hpp> must not bring into the file that owns main: it is compiled once, in the library behind apm::runtime.
# (With it, that file took 38 s to compile; without, less than two.)
HEAVY = {"thread", "mutex", "condition_variable", "future", "iostream", "fstream", "regex", "random", "filesystem", "map"}
# A standard header has no ending, and what is its own lies in a directory below it; others are the system's and the compiler's.
REACHED = re.compile(r"/(?:c\+\+/\d+|v1)/(?P<standard>[a-z_]+)$|/boost/(?P<boost>\w+)/|/include/(?:[\w-]+-linux-gnu/)?(?P<other>fmt|curl|prometheus|protozero|microhttpd\.h|zlib\.h)(?:/|$)")
MISSING = re.compile(r"fatal error: '?(?!apm/)([^':]+)'?(?:: No such file| file not found)")
OTHERS = re.compile(r"^#include <((?!apm/)[^>]+)>", re.M)
# Which parts of impl/all.ipp are compiled; without them, it is the runtime alone.
BACKENDS = [f"-DAPM_BACKEND_{name}=1" for name in ("OTLP", "PROMETHEUS", "FILE", "CONSOLE")]


def compile_alone(header, *flags):
    """Returns the finished compiler run on a file that includes nothing but header."""
    return subprocess.run([COMPILER, "-std=c++20", f"-I{INCLUDE}", *flags, "-x", "c++", "-"],
                          input=f"#include <{header}>\n", capture_output=True, text=True)


def check_behind_macros(headers):
    """Returns failures, as text. What is not ours is included first: some of it does not stand such macros itself."""
    sources = [*(INCLUDE / header for header in headers), USES]
    others = sorted({name for source in sources for name in OTHERS.findall(source.read_text())})
    lines = [*(f"#include <{name}>" for name in others), '#include "hostile.hpp"',
             *(f"#include <{header}>" for header in headers), '#include "uses.hpp"']
    ran = subprocess.run([COMPILER, "-std=c++20", f"-I{INCLUDE}", f"-I{HERE}", *BACKENDS, "-w", "-fsyntax-only", "-x", "c++", "-"],
                         input="\n".join(lines) + "\n", capture_output=True, text=True)
    return f"FAILED behind tests/headers/hostile.hpp, with {COMPILER}\n{ran.stderr}\n" if ran.returncode else ""


def check_warnings():
    """Returns (failures, reason for skipping), both as text: of every door and of what the library is compiled from; of what users
    write, optimized, since some warnings come from the optimizer, with APM on and off."""
    doors = sorted(str(path.relative_to(INCLUDE)) for path in {*INCLUDE.glob("apm/*.hpp"), *INCLUDE.glob("apm/backend/*.hpp")})
    everything = "".join(f"#include <{header}>\n" for header in [*doors, "apm/impl/all.ipp"])
    record = '#include "uses.hpp"\nint main(int n, char** v) { uses::metrics(n, *v); return uses::spans(n, *v); }\n'
    failures = ""
    for text, flags in [(everything, ["-fsyntax-only", *BACKENDS]),
                        *((record, ["-O2", "-c", "-o", os.devnull, f"-DAPM_ENABLED={on}"]) for on in (1, 0))]:
        ran = subprocess.run([COMPILER, "-std=c++20", f"-I{INCLUDE}", f"-I{HERE}", *CAREFUL[COMPILER], "-Werror", *flags,
                              "-x", "c++", "-"], input=text, capture_output=True, text=True)
        if needed := MISSING.search(ran.stderr):
            return "", f"needs <{needed.group(1)}>, which is not installed"
        if ran.returncode:
            failures += f"FAILED with a user's warnings: {COMPILER} {' '.join(flags)}\n{ran.stderr}\n"
    return failures, ""


def reached_from(header):
    listed = compile_alone(header, "-M")
    return listed.stdout.replace("\\\n", " ").split() if listed.returncode == 0 else []


def brought(paths):
    """{(standard, boost or other; name)} of those headers that are not ours, nor the system's."""
    return {(match.lastgroup, match[match.lastgroup]) for match in map(REACHED.search, paths) if match}


def check(header, records):
    """Returns (failures, reason for skipping), both as text."""
    failures = ""
    for flags in {"apm/runtime.hpp": [[], STRICT]}.get(header, [STRICT if records else []]):
        ran = compile_alone(header, "-fsyntax-only", *WARNINGS, *flags)
        if ran.returncode == 0:
            continue
        needed = MISSING.search(ran.stderr)
        if needed and header.startswith(("apm/backend/", "apm/instrument/")):
            return "", f"needs <{needed.group(1)}>, which is not installed"
        failures += f"FAILED {header} alone with {COMPILER} {' '.join(flags)}\n{ran.stderr}\n"
    return failures, ""


def main():
    started = time.monotonic()
    headers = every = sorted(str(path.relative_to(INCLUDE))
                             for path in {*INCLUDE.rglob("*.hpp"), *INCLUDE.glob("apm/schema/*.hpp")})
    reached = reached_from("apm/apm.hpp")
    recording = {header for header in headers
                 if header.startswith("apm/schema/") or any(path.endswith("include/" + header) for path in reached)}

    if "recording" in sys.argv[2:]:
        headers = sorted(recording)
    explained = set()     # a mistake in a low header fails many: the compiler's words are printed once
    failed = []
    for kind, name in sorted(brought(reached) ^ ({("standard", x) for x in STANDARD} | {("boost", x) for x in BOOST})):
        failed.append(name)
        print(f"FAILED <apm/apm.hpp> reaches {kind} header <{name}>, which is not written down in tests/headers/run.py"
              if (kind, name) in brought(reached) else
              f"FAILED <apm/apm.hpp> no longer reaches {kind} header <{name}>: take it out of tests/headers/run.py")
    for kind, name in sorted(brought(reached_from("apm/runtime.hpp"))):
        if kind == "other" or (kind == "standard" and name in HEAVY):
            failed.append(name)
            print(f"FAILED <apm/runtime.hpp> reaches <{name}>, which belongs into include/apm/impl")
    with ThreadPoolExecutor(2) as pool:
        present = []
        for header, (failures, skipped) in zip(headers, pool.map(lambda h: check(h, h in recording), headers)):
            if skipped:
                print(f"skipped {header}: {skipped}")
            else:
                present.append(header)
            if failures:
                failed.append(header)
                cause = next((line for line in failures.splitlines() if "error:" in line), failures)
                print(f"FAILED {header}, as above: {cause}" if cause in explained else failures)
                explained.add(cause)
    if present == every:                               # so all is there that the library is compiled from
        present += [f"apm/impl/{path.name}" for path in INCLUDE.glob("apm/impl/*.ipp") if path.name != "all.ipp"]
    if failures := check_behind_macros(present):
        failed.append("hostile.hpp")
        print(failures)
    if COMPILER in CAREFUL:
        failures, skipped = check_warnings()
        if skipped:
            print(f"skipped a user's warnings: {skipped}")
        if failures:
            failed.append("warnings")
            print(failures)
    print(f"{COMPILER}: {len(headers)} headers alone, {len(recording)} of them with {' '.join(STRICT)}: "
          f"{len(failed)} failed, {time.monotonic() - started:.0f} s")
    return bool(failed)


if __name__ == "__main__":
    COMPILER = sys.argv[1]
    if not shutil.which(COMPILER):
        print(f"skipped: there is no {COMPILER}")
        sys.exit(77)
    sys.exit(main())
