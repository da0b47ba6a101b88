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


def compiled(source, *flags):
    """The object file's bytes. Its name is the same each time, since objects may contain it."""
    with tempfile.TemporaryDirectory() as directory:
        ran = subprocess.run([COMPILER, *FLAGS, *flags, str(HERE / source), "-o", "object.o"], cwd=directory,
                             capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{COMPILER} {' '.join(flags)} {source}:\n{ran.stderr}")
        return Path(directory, "object.o").read_bytes()


def tool(command, *arguments, of):
    """What binutils print about an object file."""
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        file.write(of)
        file.flush()
        return subprocess.run([command, *arguments, file.name], capture_output=True, text=True, check=True).stdout.replace(file.name, "")


# --- off --------------------------------------------------------------------------------------------------------------

def parts(code):
    """{what: content}: every section with its flags and bytes (code, data, unwind tables, notes, relocations), every symbol."""
    result = {}
    for line in tool("readelf", "-SW", of=code).splitlines():
        if match := re.match(r"\s*\[\s*(\d+)\]\s+(\S+)\s+([A-Z]\w*)\s+\S+\s+\S+\s+(.*)", line):
            number, name, kind, rest = match.groups()
            content = "" if kind in ("NOBITS", "NULL") else tool("readelf", "-x", number, of=code)
            result.setdefault(f"section {name}", []).append((kind, rest, content))
    for line in tool("readelf", "-sW", of=code).splitlines():
        if match := re.match(r"\s*\d+: \S+ +(\d+ \S+ +\S+ +\S+ +)\S+ +(\S+)", line):
            result.setdefault(f"symbol {match[2]}", []).append(match[1])
    return result


def differences(ours, theirs):
    """What of two object files is not the same in both, in words."""
    a, b = parts(ours), parts(theirs)
    found = [f"{what}: there only with APM off" for what in a.keys() - b.keys()]
    found += [f"{what}: there only without instrumentation" for what in b.keys() - a.keys()]
    found += [f"{what}: differs" for what in a.keys() & b.keys() if a[what] != b[what]]
    return sorted(found) or ["the same parts, in another order"]


def different(with_flags, without_flags):
    """Where two compilations of off.cpp differ; nothing if they are equal, byte for byte."""
    ours, theirs = compiled("off.cpp", *with_flags), compiled("off.cpp", *without_flags)
    return differences(ours, theirs) if ours != theirs else []


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

def paths(body):
    """Every way from the entry out of a function, as lists of instructions; none takes a jump backwards."""
    at = {address: n for n, (address, _, _) in enumerate(body)}
    found, open_ends = [], [(0, ())]
    while open_ends and len(found) < 10_000:
        n, path = open_ends.pop()
        while n is not None and n < len(body):
            address, text, leaves = body[n]
            path, n = (*path, text), n + 1
            if not (jump := re.match(r"j(\w+)\s+([0-9a-f]+)", text)):
                if text.startswith("ret"):
                    break
                continue
            target = at.get(int(jump[2], 16)) if not leaves else None
            if jump[1] == "mp":
                if target is None:                 # a call, at the end
                    path = (*path[:-1], f"call {text}")
                n = target if target is not None and target >= n else None
            elif target is not None and target >= n:
                open_ends.append((target, path))   # elsewhere is another function: the cold side
        found.append(path)
    return found


def functions(code):
    """{name: its paths}"""
    result = {}
    for name, body in re.findall(r"^[0-9a-f]+ <(\w+)>:\n((?:.+\n)+)", tool("objdump", "-dr", "--no-show-raw-insn", of=code), re.M):
        instructions = []
        for line in body.splitlines():
            if match := re.match(r"\s*([0-9a-f]+):\t(?:(?:data16|cs) )*(.*?)\s*$", line):
                if not re.match(r"nop|xchg\s+%ax,%ax", match[2]):
                    instructions.append([int(match[1], 16), match[2], False])
            elif "R_X86_64" in line and instructions:
                instructions[-1][2] = True         # what it refers to is elsewhere
        result[name] = paths(instructions)
    return result


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
