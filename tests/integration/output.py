#!/usr/bin/env python3
"""Runs an example and compares what it prints with the file beside it.

usage: output.py PROGRAM EXPECTED
"""
import difflib
import os
import subprocess
import sys
from pathlib import Path

program, expected = sys.argv[1:]
clean = {k: v for k, v in os.environ.items() if not k.startswith(("APM_", "OTEL_", "PROMETHEUS_"))}
ran = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=30, env=clean)
if ran.returncode != 0:
    sys.exit(f"exited with {ran.returncode}:\n{ran.stdout}")
said, should_say = ran.stdout.splitlines(), Path(expected).read_text().splitlines()
wrong = list(difflib.unified_diff(should_say, said, expected, program, lineterm=""))
if wrong:
    sys.exit("\n".join(wrong))
