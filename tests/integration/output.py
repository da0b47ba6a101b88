#!/usr/bin/env python3
"""Runs an example and compares what it prints with the file beside it.

usage: output.py PROGRAM EXPECTED
"""
import difflib
import subprocess
import sys
from pathlib import Path

from harness import environment

program, expected = sys.argv[1:]
ran = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=120, env=environment())
if ran.returncode != 0:
    sys.exit(f"exited with {ran.returncode}:\n{ran.stdout}")
said, should_say = ran.stdout.splitlines(), Path(expected).read_text().splitlines()
wrong = list(difflib.unified_diff(should_say, said, expected, program, lineterm=""))
if wrong:
    sys.exit("\n".join(wrong))
