#!/usr/bin/env python3
"""Compares the tables of settings in a document with what the code asks the environment for.

usage: settings.py PROGRAM DOCUMENT        PROGRAM is tests/readme/settings.cpp

A table of settings has "variable" above its first column, and "default" above one. Its first column has the names, in backquotes.
The default is the first thing in backquotes of its cell; a cell without any says that there is none.
"""
import re
import subprocess
import sys
from pathlib import Path


def tables(text):
    """{variable: its default, "" for none}, of all tables; and those that are there twice."""
    found, twice, heads = {}, [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            heads = None
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if heads is None:
            heads = cells
        elif heads[0].split(" ")[0] == "variable" and "default" in heads and not set(line) <= set("|-: "):
            default = re.search(r"`([^`]*)`", cells[heads.index("default")])
            for name in re.findall(r"`([^`=]+)(?:=[^`]*)?`", cells[0]):
                twice += [name] if name in found else []
                found[name] = default[1] if default else ""
    return found, twice


def compare(printed, text):
    """What is wrong: lines of PROGRAM, the document."""
    listed, twice = tables(text)
    settings = dict(line.split("=", 1) for line in printed if "=" in line)
    known = {line for line in printed if "=" not in line} | settings.keys()
    yield from (f"{name}: in two tables" for name in twice)
    yield from (f"{name}: the code asks for it, and it is in no table" for name in sorted(known - listed.keys()))
    yield from (f"{name}: in a table, and the code does not ask for it" for name in sorted(listed.keys() - known))
    for name, default in settings.items():
        if name in listed and listed[name] != default:
            yield f"{name}: its default is \"{default}\", and the table says \"{listed[name]}\""


def main():
    program, document = sys.argv[1:]
    printed = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    wrong = list(compare(printed, Path(document).read_text()))
    print("\n".join([*wrong, f"{len(printed)} variables, {len(wrong)} wrong"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
