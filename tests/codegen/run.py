#!/usr/bin/env python3
"""Reads object code.

usage: run.py off COMPILER     APM off leaves the same object file as no instrumentation at all
       run.py hot COMPILER     hot paths are as short as hot.cpp says
       run.py self COMPILER    both checks can fail
       run.py table            prints the table of bench/README.md: what off leaves, and on costs
       run.py table_is_whole   that table has every construct that the fixtures show
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "lib"))
from object_code import differences, instructions, paths, symbols      # noqa: E402

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

FIXTURES = sorted(path.name for path in HERE.glob("off_*.cpp"))
# Plain calls are nothing once there is an optimizer; macros and APM() are nothing without one too.
OPTIMIZED, NOT_OPTIMIZED = (["-O1"], ["-O2"], ["-O3"], ["-Os"]), ["-O0", "-DMACROS_ONLY"]


def levels(fixture):
    """Adapters have no macros, and headers of the standard library that leave something of their own at -O0."""
    return OPTIMIZED if "adapters" in fixture else (*OPTIMIZED, NOT_OPTIMIZED)


def different(source, with_flags, without_flags):
    """Where two compilations of a fixture differ; nothing if they are equal, byte for byte."""
    return differences(compiled(source, *with_flags), compiled(source, *without_flags),
                       "there only with APM off", "there only without instrumentation")


def off():
    ok = True
    for source in FIXTURES:
        for flags in levels(source):
            if found := different(source, [*flags, "-DAPM_ENABLED=0"], [*flags, "-DABSENT"]):
                ok = False
                print(f"{COMPILER} {' '.join(flags)} {source}: APM off is not the same object code as no instrumentation:")
                print("\n".join(f"    {line}" for line in found[:40]) + (f"\n    and {len(found) - 40} more" if found[40:] else ""))
    return ok


# --- table ------------------------------------------------------------------------------------------------------------

TABLE = re.compile("<!-- bench: off -->\n(.*?)<!-- /bench -->", re.S)


def constructs():
    """{(fixture, function): the construct that it shows}"""
    return {(fixture, function): shown for fixture in FIXTURES for shown, function in
            re.findall(r"^// OFF: (.*)\n\w+ (\w+)\(", (HERE / fixture).read_text(), re.M)}


def bytes_of_functions(code):
    """{name: bytes of code}: of functions that are not in a namespace, with what was split off as cold."""
    result = {}
    for name, about in symbols(code):
        if match := re.match(r"_Z(\d+)(\w+)", name):
            size, kind = about.split()[:2]
            plain = match[2][:int(match[1])]
            result[plain] = result.get(plain, 0) + int(size) * (kind == "FUNC")
    return result


def table():
    """Markdown: what each construct leaves with APM off, and what it costs with APM on."""
    global COMPILER
    compilers = [c for c in ("g++-12", "clang++-14", "clang++-22") if shutil.which(c)]
    left, costs = {}, {}
    for COMPILER in compilers:
        print(f"comparing with APM off: {COMPILER}", file=sys.stderr)
        for fixture in FIXTURES:
            same = not any(different(fixture, [*flags, "-DAPM_ENABLED=0"], [*flags, "-DABSENT"]) for flags in levels(fixture))
            absent, with_off, with_on = (bytes_of_functions(compiled(fixture, "-O2", flag))
                                         for flag in ("-DABSENT", "-DAPM_ENABLED=0", "-DAPM_ENABLED=1"))
            for at, function in constructs():
                if at == fixture:
                    off = with_off[function] - absent[function]
                    left.setdefault((at, function), []).append("nothing" if same else f"{off} bytes, and a difference elsewhere")
                    costs.setdefault((at, function), []).append(str(with_on[function] - absent[function]))
    tried = ", ".join(compilers)
    yield f"| construct | off: left in the object file ({tried}) | on: bytes of code, {' / '.join(compilers)}, -O2 |"
    yield "|---|---|---|"
    for at, construct in constructs().items():
        yield f"| {construct} | {' / '.join(sorted(set(left[at])))} | {' / '.join(costs[at])} |"


def table_is_whole():
    """The table of bench/README.md, which `table` made, has every construct of the fixtures, and no other."""
    shown = TABLE.search((HERE.parents[1] / "bench" / "README.md").read_text())
    listed = re.findall(r"^\| (.*?) \| nothing \|", shown[1], re.M) if shown else []
    wrong = [f"not in bench/README.md: {c}" for c in constructs().values() if c not in listed]
    wrong += [f"in bench/README.md, not among the fixtures: {c}" for c in listed if c not in constructs().values()]
    print("\n".join(wrong + ["run tools/bench --update-readme"]) if wrong else f"{len(listed)} constructs")
    return not wrong


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
        found = different("off_metrics.cpp", flags, [flags[0], "-DABSENT"])
        if wanted not in found:
            ok = False
            print(f"{' '.join(flags)}: expected {wanted!r}, found {found}")
    return ok


if __name__ == "__main__":
    what, COMPILER = (sys.argv + ["", ""])[1:3]
    if what == "table":
        print("\n".join(table()))
        sys.exit(0)
    if what == "table_is_whole":
        sys.exit(not table_is_whole())
    if what not in ("off", "hot", "self") or len(sys.argv) != 3:
        sys.exit(__doc__)
    if not shutil.which(COMPILER):
        print(f"skipped: there is no {COMPILER}")
        sys.exit(77)
    sys.exit(not {"off": off, "hot": hot, "self": self_test}[what]())
