#!/usr/bin/env python3
"""Counts what the hot paths of executed.cpp execute, by callgrind, and compares it with what stands there.

usage: executed.py COMPILER
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "lib"))
import callgrind        # noqa: E402
import object_code      # noqa: E402

CALLS = 100             # as executed_main.cpp has it
CALLER = re.compile(r"main\b|_start$|__libc_start|\(below main\)|0x")
PROMISE = re.compile(r"^// EXECUTED\((\d+), (\d+)\)(?: CALLS\((.*?)\))? BYTES\((\d+)\)(?:: WRONG\((.*?)\))?.*\n\w+ (\w+)\(", re.M)


def profile(text):
    """One part of callgrind's output: {function: {address: times it was executed}}."""
    result = {}
    for function, _, address, n in callgrind.costs(text):
        executed = result.setdefault(callgrind.plain(function), {})
        executed[address] = executed.get(address, 0) + n
    return result


def measure(compiler, directory):
    """({function: its part of the profile}, {address: instruction}, {function: bytes})"""
    program = directory / "executed"
    subprocess.run([compiler, "-std=c++20", "-O2", "-DSELF_TEST", f"-I{HERE.parents[1] / 'include'}", HERE / "executed.cpp",
                    HERE / "executed_main.cpp", "-o", program, "-pthread", "-ldl"], check=True)
    subprocess.run(["valgrind", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={directory}/part", program],
                   check=True, capture_output=True)
    parts = {}
    for path in directory.glob("part.*"):
        text = path.read_text()
        if name := callgrind.trigger(text):
            parts[name] = profile(text)
    code = program.read_bytes()
    at = {address: text for body in object_code.instructions(code).values() for address, text, _ in body}
    sizes = {}
    for name, about in object_code.symbols(code):       # what is cold is split off under the same name
        sizes[name.removesuffix(".cold")] = sizes.get(name.removesuffix(".cold"), 0) + int(about.split()[0])
    return parts, at, sizes


def is_called(word, function):
    """Is this the function's name? libc's have the processor in theirs; what valgrind cannot demangle says how long they are."""
    if function.startswith("_Z"):
        return f"{len(word)}{word}" in function
    return re.search(rf"(^_*|::){word}(_avx\w*|_sse\w*|_evex\w*|$|::)", callgrind.bare(function)) is not None


def wrong_with(function, part, at, size, limit, calls, most_bytes):
    """(instructions a call, what is wrong with it)"""
    ours = {name: executed for name, executed in part.items() if not CALLER.match(name)}
    count = sum(sum(executed.values()) for executed in ours.values()) / CALLS
    wrong = [f"{count:g} instructions, at most {limit}"] * (count > limit)
    wrong += [f"{size} bytes, at most {most_bytes}"] * (size > most_bytes)
    wrong += [f"calls {name}" for name in ours if not any(is_called(word, name) for word in [function, *calls])]
    wrong += [f"executes {at[a]}" for executed in ours.values() for a in executed if re.match(r"lock|xchg.*\(", at.get(a, ""))]
    return count, wrong or ["nothing was counted"] * (count < 1)


def main(compiler):
    with tempfile.TemporaryDirectory() as directory:
        parts, at, sizes = measure(compiler, Path(directory))
    failed, source = 0, (HERE / "executed.cpp").read_text()
    promises = PROMISE.findall(source)
    if len(promises) != source.count("\n// EXECUTED") or {p[-1] for p in promises} != parts.keys():
        sys.exit("executed.cpp has a comment that cannot be read, or executed_main.cpp calls other functions")
    for clang, gcc, calls, most_bytes, expected, function in promises:
        limit = int(clang if "clang" in compiler else gcc)
        allowed = calls.split(", ") if calls else []
        count, wrong = wrong_with(function, parts[function], at, sizes[function], limit, allowed, int(most_bytes))
        if expected:                        # of the self-test
            wrong = [] if any(expected in w for w in wrong) else [f"{expected!r} was not found wrong"]
        failed += bool(wrong)
        print(f"{function}: {count:g} instructions, {sizes[function]} bytes" + "".join(f"; WRONG: {w}" for w in wrong))
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for needed in (sys.argv[1], "valgrind"):
        if not shutil.which(needed):
            print(f"skipped: there is no {needed}")
            sys.exit(77)
    sys.exit(main(sys.argv[1]) > 0)
