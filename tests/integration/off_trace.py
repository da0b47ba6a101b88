#!/usr/bin/env python3
"""Compiled with APM_ENABLED=0, the shop's object code holds no trace of its telemetry.

usage: off_trace.py COMPILER
"""
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "examples" / "shop").glob("*.cpp"))
# Texts that the schema and the library would bring along.
TEXTS = (b"Orders placed", b"Money taken", b"shop.revenue\0", b"OTEL_", b"APM_SERVICE_NAME", b"apm:")


def traces(source, enabled, directory):
    """What is found of it in the object code of source, each in words."""
    out = directory / f"{source.stem}.{enabled}.o"
    flags = ["-std=c++20", "-O2", f"-I{ROOT / 'include'}", f"-DAPM_ENABLED={enabled}"]
    subprocess.run([sys.argv[1], *flags, "-c", source, "-o", out], check=True)
    symbols = subprocess.run(["nm", "-C", out], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    sections = subprocess.run(["objdump", "-h", out], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    content = out.read_bytes()
    return ([s for s in symbols if "apm" in s] + [s for s in sections if ".note.apm" in s] +
            [f"the text {t.decode()!r}" for t in TEXTS if t in content])


def main():
    if not shutil.which(sys.argv[1]):
        print(f"skipped: there is no {sys.argv[1]}")
        return 77
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        left = list(pool.map(lambda s: traces(s, 0, Path(directory)), SOURCES))
        # And would we see them? The same with telemetry:
        there = traces(ROOT / "examples" / "shop" / "checkout.cpp", 1, Path(directory))
    for source, found in zip(SOURCES, left):
        for trace in found:
            print(f"{source.name}: {trace}")
    if len(there) < 50 or not SOURCES:
        print(f"only {len(there)} traces where there should be many: this test sees nothing")
        return 1
    print(f"{len(SOURCES)} files, {sum(map(len, left))} traces; with telemetry, checkout.cpp alone has {len(there)}")
    return any(left)


sys.exit(main())
