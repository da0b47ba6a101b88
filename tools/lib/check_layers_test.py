#!/usr/bin/env python3
"""Shows that tools/check-layers sees what it should: each row is a small tree and what must be said of it."""
import subprocess
import sys
import tempfile
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "check-layers"

PUBLIC, DETAIL = "namespace apm::inline APM_ABI {", "\nnamespace apm::inline APM_ABI::detail {"

CASES = (
    # header,             text,                                        what must be reported; "" if it is allowed
    ("counter",           "#include <apm/fields.hpp>",                 ""),
    ("counter",           "#include <boost/hana/tuple.hpp>",           ""),
    ("counter",           "\n#include <apm/runtime.hpp>",              "counter.hpp:2: includes upwards"),
    ("counter",           '#include "runtime.hpp"',                    "counter.hpp:1: includes upwards"),
    ("apm",               "#include <apm/collect.hpp>",                "apm.hpp:1: includes sideways"),
    ("counter",           "#include <apm/nowhere.hpp>",                "does not exist"),
    ("novelty",           "",                                          "has no layer: add novelty to LAYERS"),
    ("backend/a",         "#include <microhttpd.h>",                     ""),
    ("collect",           "#include <microhttpd.h>",                     "third-party headers appear in"),
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
    # the map
    ("metrics/row",       "",                                          ""),
    ("labels",            "",                                          "labels.hpp:1: is flat, and no door"),
    ("metrics/more/row",  "",                                          "a folder without a purpose: add metrics/more to FOLDERS"),
    ("enabled",           PUBLIC + DETAIL,                             ""),
    ("enabled",           DETAIL,                                      "has nothing but apm::detail"),
    # declared where it is defined
    ("counter",           "void f(int);\nvoid f(int n) {}",            ""),
    ("counter",           "void f(int);",                              "counter.hpp:1: declares f(int) and does not define it"),
    ("counter",           "void f(int&);\nvoid f(char& c) {}",         "counter.hpp:1: declares f(int&)"),
    ("counter",           PUBLIC + "\nint* f(a&\n b, int);\n}",        "counter.hpp:2: declares f(a&)"),
    ("counter",           "template <class T>\nint f(const T&);",      "counter.hpp:1: declares f(constT&)"),
    ("counter",           'extern "C" {\nint f(void);\n}',             "counter.hpp:2: declares f(void)"),
    ("counter",           "void apm_error_rule(const char* row);",     ""),
    ("counter",           "struct s { int f(); friend int g(s); };",   ""),
    ("counter",           "void f(int) = delete; // g();",             ""),
    ("counter",           'inline int n = f("{"); using t = int(int);', ""),
    ("counter",           "int f() { return g(1); }",                  ""),
)
# Other files of a tree, and what must be reported.
TREES = (
    ({"include/apm/detail/cell.hpp": ""},                              "detail/cell.hpp:1: is reached through no door"),
    ({"include/apm/fields.hpp": "#include <apm/detail/cell.hpp>", "include/apm/detail/cell.hpp": ""}, ""),
    ({"examples/a/b.hpp": "#include <apm/fields.hpp>"},                ""),
    ({"examples/a/b.hpp": "\n#include <apm/detail/cell.hpp>"},         "examples/a/b.hpp:2: includes apm/detail/cell.hpp"),
    ({"examples/a.cpp": "#include <apm/backend/otlp.hpp>"},            ""),
    ({"examples/a.cpp": "#include <apm/backend/gzip.hpp>"},            "examples/a.cpp:1: includes apm/backend/gzip.hpp"),
    ({"examples/a.cpp": "#include <apm/schema/any.hpp>"},              ""),
    ({"README.md": "#include <apm/metrics/row.hpp>"},                  "README.md:1: includes apm/metrics/row.hpp"),
    ({"bench/README.md": "#include <apm/metrics/row.hpp>"},            "bench/README.md:1: includes"),
    ({"tests/fields.cpp": "", "tests/odr/any.cpp": "", "tests/main.cpp": ""}, ""),
    ({"tests/metrics/row.cpp": ""},                                    "tests/metrics/row.cpp:1: there is no include/apm"),
    ({"include/apm/impl/a.ipp": "#include <apm/runtime/b.hpp>", "include/apm/runtime/b.hpp": "\n" + PUBLIC + "\n}"},
                                                                       "runtime/b.hpp:2: has public names that only impl/ reaches"),
    ({"include/apm/impl/a.ipp": "#include <apm/runtime/b.hpp>", "include/apm/runtime/b.hpp": DETAIL + "\n}"}, ""),
    ({"include/apm/fields.hpp": "int f(int);", "include/apm/impl/a.ipp": "int f(int n) {}"}, ""),
    ({"include/apm/fields.hpp": "#include <apm/impl/a.ipp>", "include/apm/impl/a.ipp": ""}, "includes upwards: fields (declaration)"),
    ({"include/apm/backend/otlp/a.hpp": "", "include/apm/backend/delivery/b.hpp": "#include <apm/backend/otlp/a.hpp>"},
                                                                       "includes upwards: backend/delivery/b (delivery)"),
    ({"include/apm/impl/a.ipp": "\n" * 351},                           "include/apm/impl/a.ipp:350: is 351 lines long"),
    ({"CMakeLists.txt": ""},                                           "names a door apm, but there is no include/apm/apm.hpp"),
    ({"CMakeLists.txt": ""},                                           "names a folder tracing, but nothing is in"),
    ({"CMakeLists.txt": ""},                                           "has a layer for metrics/*, which matches no header"),
    ({"CMakeLists.txt": ""},                                           "excepts tests/main.cpp, which does not exist"),
    ({"CMakeLists.txt": ""},                                           "README.md:1: its map is not the one"),
)


def run(files, *arguments):
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        ran = subprocess.run([sys.executable, TOOL, "--quiet", *arguments, root], capture_output=True, text=True)
        readme = Path(root, "include/apm/README.md")
        return ran.returncode, ran.stderr, readme.read_text() if readme.exists() else ""


def failures(files, expected):
    status, said, _ = run(files)
    if status != (expected != "") or expected not in said or (expected == "" and said):
        print(f"{files}\n  expected: {expected or 'nothing'}\n  reported: {said or 'nothing'}")
        return 1
    return 0


def map_is_written():
    """Between what is before it and behind it, and again to the same text."""
    readme = "include/apm/README.md"
    _, _, first = run({"include/apm/fields.hpp": "", readme: "# Before\n"}, "--readme")
    begin, end = first.index("<!-- map"), first.index("<!-- end of map -->")
    old = first[:begin] + "<!-- map: written by tools/check-layers --readme -->\nold\n" + first[end:] + "\nBehind\n"
    _, _, second = run({"include/apm/fields.hpp": "", readme: old}, "--readme")
    good = first.startswith("# Before\n\n<!-- map") and second == first + "\nBehind\n" and "| `fields.hpp` | " in first
    if not good:
        print(f"--readme wrote\n{first}\nand then\n{second}")
    return not good


def main():
    failed = map_is_written()
    for header, text, expected in CASES:
        headers = {"fields": "", "collect": "", "runtime": f"#include <apm/{header}.hpp>", header: text}
        failed += failures({f"include/apm/{name}.hpp": content for name, content in headers.items()}, expected)
    for files, expected in TREES:
        failed += failures({"include/apm/fields.hpp": "", **files}, expected)
    print(f"{len(CASES) + len(TREES) + 1 - failed} of {len(CASES) + len(TREES) + 1} cases as expected")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
