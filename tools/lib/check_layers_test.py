#!/usr/bin/env python3
"""Shows that tools/check-layers sees what it should: each row is a small tree and what must be said of it."""
import subprocess
import sys
import tempfile
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "check-layers"

CASES = (
    # header,             text,                                        what must be reported; "" if it is allowed
    ("counter",           "#include <apm/fields.hpp>",                 ""),
    ("counter",           "#include <boost/hana/tuple.hpp>",           ""),
    ("counter",           "\n#include <apm/runtime.hpp>",              "counter.hpp:2: includes upwards"),
    ("counter",           '#include "runtime.hpp"',                    "counter.hpp:1: includes upwards"),
    ("apm",               "#include <apm/collect.hpp>",                "apm.hpp:1: includes sideways"),
    ("counter",           "#include <apm/nowhere.hpp>",                "does not exist"),
    ("novelty",           "",                                          "has no layer: add novelty to LAYERS"),
    ("backend/a",         "#include <civetweb.h>",                     ""),
    ("collect",           "#include <civetweb.h>",                     "third-party headers appear in"),
    ("counter",           "#include <fmt/core.h>",                     "third-party headers appear in"),
    ("counter",           "#include <thread>",                         "includes <thread>"),
    ("collect",           "#include <thread>",                         ""),
    ("detail/cell",       "#include <span>\nstd::span<int> wingspan;", ""),
    ("detail/cell",       "int metric_count;",                         'says "metric"'),
    ("detail/cell",       "// one per Schema",                         'says "Schema"'),
    ("config",            "#if APM_ENABLED",                           ""),
    ("counter",           "#if APM_ENABLED",                           "switches on APM_ENABLED"),
    ("counter",           "\n" * 351,                                  "351 lines long"),
    ("counter",           "// " + "." * 127,                           ""),
    ("counter",           "// " + "." * 128,                           "131 columns"),
)


def main():
    failed = 0
    for header, text, expected in CASES:
        with tempfile.TemporaryDirectory() as root:
            for name, content in (("fields", ""), ("runtime", ""), ("collect", ""), (header, text)):
                path = Path(root, "include", "apm", name + ".hpp")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            ran = subprocess.run([sys.executable, TOOL, "--quiet", root], capture_output=True, text=True)
        if ran.returncode != (expected != "") or expected not in ran.stderr or (expected == "" and ran.stderr):
            failed += 1
            print(f"{header}.hpp with {text[:60]!r}\n  expected: {expected or 'nothing'}\n  reported: {ran.stderr or 'nothing'}")
    print(f"{len(CASES) - failed} of {len(CASES)} cases as expected")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
