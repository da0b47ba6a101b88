#!/usr/bin/env python3
"""Compiles the benchmarks, without making code of them: to build them, optimized, is tools/bench's business, and takes a while.

usage: compile.py build/<preset>/compile_commands.json
"""
import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"


def compiled(entry):
    """What the compiler has to say."""
    words = shlex.split(entry["command"])
    words = words[words[0].endswith("ccache"):]         # nothing to keep
    at = words.index("-o")
    del words[at:at + 2]
    ran = subprocess.run([*words, "-fsyntax-only"], cwd=entry["directory"], capture_output=True, text=True)
    return "" if ran.returncode == 0 else f"FAILED {entry['file']}\n{ran.stderr}"


def main():
    commands = json.loads(Path(sys.argv[1]).read_text())
    ours = {entry["file"]: entry for entry in commands if Path(entry["file"]).is_relative_to(BENCH)}   # each source once
    if not ours:
        sys.exit("there is no benchmark in this build")
    with ThreadPoolExecutor(2) as pool:
        problems = [said for said in pool.map(compiled, ours.values()) if said]
    print("\n".join(problems) or f"{len(ours)} sources of benchmarks compile")
    sys.exit(bool(problems))


main()
