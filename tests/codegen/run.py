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
sys.path.insert(0, str(HERE.parents[1] / "tools" / "lib"))
from object_code import differences, instructions, paths      # noqa: E402

FLAGS = ["-std=c++20", f"-I{HERE.parents[1] / 'include'}", "-c"]


def compiled(source, *flags):
    """The object file's bytes. Its name is the same each time, since objects may contain it."""
    with tempfile.TemporaryDirectory() as directory:
        ran = subprocess.run([COMPILER, *FLAGS, *flags, str(HERE / source), "-o", "object.o"], cwd=directory,
                             capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{COMPILER} {' '.join(flags)} {source}:\n{ran.stderr}")
        return Path(directory, "object.o").read_bytes()


# --- off --------------------------------------------------------------------------------------------------------------

def different(with_flags, without_flags):
    """Where two compilations of off.cpp differ; nothing if they are equal, byte for byte."""
    ours, theirs = compiled("off.cpp", *with_flags), compiled("off.cpp", *without_flags)
    return differences(ours, theirs, "there only with APM off", "there only without instrumentation")


def off():
    ok = True
    # Plain calls are nothing once there is an optimizer; macros and APM() are nothing without one too.
    for level, *flags in (["-O1"], ["-O2"], ["-O3"], ["-Os"], ["-O0", "-DMACROS_ONLY"]):
        if found := different([level, *flags, "-DAPM_ENABLED=0"], [level, "-DABSENT"]):
            ok = False
            print(f"{COMPILER} {' '.join([level, *flags])}: APM off is not the same object code as no instrumentation:")
            print("\n".join(f"    {line}" for line in found[:40]) + (f"\n    and {len(found) - 40} more" if found[40:] else ""))
    return ok


# --- hot --------------------------------------------------------------------------------------------------------------

def functions(code):
    """{name: its paths}"""
    return {name: paths(body) for name, body in instructions(code).items()}


def records(instruction):
    """Does it write to memory that is not the stack's?"""
    return re.match(r"(add|inc|sub|mov)\w*\s.*\((?!%rsp)[^()]*\)$|(add|inc|sub|mov)\w*\s.*\(%rip\)", instruction) is not None


def wrong_with(path, limit, calls):
    """{what is wrong with it as a hot path: where}"""
    locked = [i for i in path if i.startswith("lock") or re.match(r"xchg.*\(", i)]
    called = [i for i in path if i.startswith("call")]
    wrong = {}
    if locked:
        wrong["lock"] = locked[0]
    if len(called) > calls:
        wrong["call"] = called[-1]
    if len(path) > limit:
        wrong["instructions"] = str(len(path))
    if not any(records(i) for i in path):
        wrong["nothing recorded"] = path[-1]
    return wrong


def hot_path(all_paths, limit, calls):
    """The hot one: that with the least wrong, and of these the shortest. A cold side calls, or locks, or records nothing."""
    return min(all_paths, key=lambda path: (len(wrong_with(path, 10_000, calls)), len(path)))


def promises(self_test):
    """{function: (limit, calls, what has to be wrong)}, as hot.cpp says."""
    result, pending = {}, None
    for line in (HERE / "hot.cpp").read_text().splitlines():
        if match := re.match(r"// HOT\((\d+), (\d+)\)(?: CALLS\((\d+)\))?(?:: WRONG\((\w+)\))?", line):
            pending = int(match[1 if "clang" in COMPILER else 2]), int(match[3] or 0), match[4]
        elif pending and (match := re.match(r"\w+ (\w+)\(.*\{", line)):
            if bool(pending[2]) == self_test:
                result[match[1]] = pending
            pending = None
    return result


def hot():
    found, ok = functions(compiled("hot.cpp", "-O2")), True
    for function, (limit, calls, _) in promises(False).items():
        path = hot_path(found[function], limit, calls)
        wrong = wrong_with(path, limit, calls)
        print(f"{function}: {len(path)} instructions, at most {limit}" + "".join(f"; WRONG {w}: {at}" for w, at in wrong.items()))
        if wrong:
            ok = False
            print("\n".join(f"    {i}" for i in path))
    return ok


# --- self -------------------------------------------------------------------------------------------------------------

def self_test():
    found, ok = functions(compiled("hot.cpp", "-O2", "-DSELF_TEST")), True
    expected = promises(True)
    for function, (limit, calls, wanted) in expected.items():
        path = hot_path(found[function], limit, calls)
        if wanted not in wrong_with(path, limit, calls):
            ok = False
            print(f"{function}: {wanted} was not found wrong in {path}")
    if {wanted for _, _, wanted in expected.values()} != {"lock", "call", "instructions"}:
        ok = False
        print("hot.cpp lost a self-test")
    for flags, wanted in ((["-O2"], "section .note.apm: there only with APM off"),
                          (["-O2", "-DAPM_ENABLED=0", "-DONE_WORD"], "symbol one_word: there only with APM off"),
                          (["-O0", "-DAPM_ENABLED=0"], "section .text: differs")):
        found = different(flags, [flags[0], "-DABSENT"])
        if wanted not in found:
            ok = False
            print(f"{' '.join(flags)}: expected {wanted!r}, found {found}")
    return ok


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("off", "hot", "self"):
        sys.exit(__doc__)
    COMPILER = sys.argv[2]
    if not shutil.which(COMPILER):
        print(f"skipped: there is no {COMPILER}")
        sys.exit(77)
    sys.exit(not {"off": off, "hot": hot, "self": self_test}[sys.argv[1]]())
