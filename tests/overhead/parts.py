#!/usr/bin/env python3
"""The parts of tools/overhead that need no compiler."""
import importlib.machinery
import importlib.util
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "lib"))
import callgrind                          # noqa: E402
import overhead_count as count            # noqa: E402
import overhead_report as report          # noqa: E402
from overhead_off import command, errors, levels  # noqa: E402
from overhead_source import NOTHING, stripped, tokens  # noqa: E402

loader = importlib.machinery.SourceFileLoader("overhead", str(Path(__file__).resolve().parents[2] / "tools" / "overhead"))
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("overhead", loader))    # a script: its name has no ending
loader.exec_module(tool)


def strip(source, macros=()):
    """Without the spaces that keep the columns."""
    text, n = stripped(source, macros)
    assert "".join(t for _, t in tokens(source)) == source
    assert text.count("\n") == source.count("\n")
    return " ".join(text.split(" ")).replace(NOTHING, "#"), n


class Sources(unittest.TestCase):
    def check(self, source, expected, n, macros=()):
        text, found = strip(source, macros)
        self.assertEqual(("".join(text.split(" ")), found), (expected.replace(" ", ""), n))

    def test_an_invocation_is_nothing(self):
        self.check("f(); APM(row.add(1)); g();", "f(); #; g();", 1)
        self.check("TRACE_FUNCTION(); TRACE_SCOPE(row, {.a = 1}); APM_TIME (row);", "#; #; #;", 3)

    def test_only_whole_words_and_only_calls(self):
        self.check("MY_APM(1); APM_TIMER(2); APM; int APM_ENABLED;", "MY_APM(1); APM_TIMER(2); APM; int APM_ENABLED;", 0)

    def test_strings_and_characters(self):
        self.check('puts("APM(1)"); APM(log(")", \')\', "\\")")); x();', 'puts("APM(1)"); #; x();', 1)
        self.check("int n = 1'000'000; APM(f(1'0)); y('\"');", "int n = 1'000'000; #; y('\"');", 1)

    def test_raw_strings(self):
        self.check('auto s = R"x(APM(1) )" " )x"; APM(f(R"(")" ")")); y();', 'auto s = R"x(APM(1) )" " )x"; #; y();', 1)
        self.check('auto s = u8R"(APM()"; APM(1);', 'auto s = u8R"(APM()"; #;', 1)

    def test_comments(self):
        self.check("// APM(1)\n/* APM(2) */ APM(/* ) */ 3 // )\n);", "// APM(1)\n/* APM(2) */ #\n;", 1)
        self.check("// continued \\\nAPM(1)\nAPM(2);", "// continued \\\nAPM(1)\n#;", 1)
        self.check("APM /* between */ (1);", "#;", 1)

    def test_nested_parentheses(self):
        self.check("APM(f((1), g(2, (h()))), [](int n) { return (n); }(3)); k();", "#; k();", 1)
        self.check("APM(never closed", "APM(never closed", 0)

    def test_a_macro_in_a_macros_arguments(self):
        self.check("COUNT(APM(1), x); y();", "#; y();", 1, ["COUNT"])
        self.check("WRAP(APM(1), x); y();", "WRAP(#, x); y();", 1)

    def test_directives_stay(self):
        self.check("#define COUNT(...) APM(__VA_ARGS__)\nCOUNT(1);", "#define COUNT(...) APM(__VA_ARGS__)\n#;", 1, ["COUNT"])
        self.check("  # define COUNT(x) \\\n  APM(x)\nCOUNT(1);", "  # define COUNT(x) \\\n  APM(x)\n#;", 1, ["COUNT"])
        self.check("#if 1 /* a\nb */ + APM(2)\nAPM(3);", "#if 1 /* a\nb */ + APM(2)\n#;", 1)

    def test_lines_and_columns_stay(self):
        source = "a();\nAPM(one,\n    two); where();\nTRACE_SCOPE(telemetry.checkout, {}); here();\n"
        text, _ = stripped(source)
        for word in ("where", "here();\n"):
            places = [[line.find(word.strip()) for line in one.splitlines()] for one in (text, source)]
            self.assertEqual(*places)
        text, _ = stripped("x();\nAPM(a, \\\n b); y();\nz();")
        self.assertEqual(text.splitlines()[2].strip(), "; y();")


class Commands(unittest.TestCase):
    def test_what_makes_code_is_kept(self):
        entry = {"file": "/s/a.cpp", "command": "/usr/bin/ccache g++ -DX=1 -I/s -g -gdwarf-4 -O3 -flto=auto -MD -MT a.o -MF a.d "
                                                "-o a.o -c /s/a.cpp"}
        self.assertEqual(command(entry), ["g++", "-DX=1", "-I/s", "-O3"])
        entry = {"file": "a.cpp", "arguments": ["clang++", "-ggdb", "a.cpp", "-o", "-O2", "-Og"]}
        self.assertEqual(command(entry), ["clang++", "-Og"])

    def test_levels(self):
        self.assertEqual(levels("-Os"), ["-Os", "-O2", "-O0"])
        self.assertEqual(levels("-O3"), ["-O3", "-O0"])
        self.assertEqual(levels("-O0"), ["-O0", "-O2"])

    def test_the_first_error_of_the_users(self):
        said = ("/usr/include/x.h:1:2: error: theirs\n"
                "/s/a.cpp:7:3: error: 'const struct apm::v0::absent::row' has no member named ‘add’\n"
                "/s/a.cpp:7:9: error: and again\n/s/b.hpp:9: fatal error: gone\n")
        expected = [("a.cpp:7", "'apm::absent::row' has no member named 'add'"), ("b.hpp:9", "gone")]
        self.assertEqual(errors(said, "a.cpp"), expected)
        self.assertEqual(errors("ld went away", "a.cpp"), [("a.cpp", "ld went away")])


DUMP = """# callgrind format
desc: Trigger: Client Request: iterations 10
positions: line
events: Ir
ob=(1) /p/on
fl=(1) /s/shop.cpp
fn=(1) shop::sell(int)
12 30
fi=(2) /usr/include/apm/counter.hpp
+4 40
fi=(3) /usr/include/apm/detail/store.hpp
* 20
fe=(1)
14 10
cob=(2) /lib/libc.so.6
cfi=(4) ???
cfn=(2) pthread_mutex_lock@@GLIBC_2.2.5
calls=10 0
15 310
fn=(3) shop::sell(int)'2
20 5

ob=(2)
fl=(4)
fn=(2)
0 310
totals: 415
"""


class Counts(unittest.TestCase):
    def test_a_dump(self):
        turns, functions, files = count.parsed(DUMP)
        self.assertEqual(turns, 10)
        self.assertEqual(functions, {"shop::sell(int)": 105, "pthread_mutex_lock": 310})
        self.assertEqual(files, {"/s/shop.cpp": 45, "/usr/include/apm/counter.hpp": 40, "/usr/include/apm/detail/store.hpp": 20,
                                 "???": 310})

    def test_addresses(self):
        text = DUMP
        for line, instr_line in (("positions: line", "positions: instr line"), ("12 30", "0x4e50 12 30"), ("+4 40", "+16 * 40"),
                                 ("* 20\n", "-2 * 20\n"), ("14 10", "* 14 10"), ("15 310", "* 15 310"), ("20 5", "0x10 20 5"),
                                 ("0 310\ntotals", "0x0 0 310\ntotals")):
            text = text.replace(line, instr_line)
        self.assertEqual([(hex(at), n) for _, _, at, n in callgrind.costs(text)],
                         [("0x4e50", 30), ("0x4e60", 40), ("0x4e5e", 20), ("0x4e5e", 10), ("0x10", 5), ("0x0", 310)])

    def test_a_dump_of_something_else(self):
        self.assertIsNone(count.parsed(DUMP.replace("Client Request: iterations 10", "Program termination"))[0])

    def test_instruments(self):
        for file, name in (("/x/include/apm/counter.hpp", "counters"), ("/x/apm/detail/clock.hpp", "clock"),
                           ("/x/apm/span.hpp", "spans"), ("/x/apm/tracing/context.hpp", "spans"),
                           ("/x/apm/detail/store.hpp", "store and labels"),
                           ("/x/apm/schema/shop.hpp", "the rest"), ("/x/main.cpp", "the rest")):
            self.assertEqual(count.instrument(file), name)

    def test_names(self):
        name = "void apm::v0::detail::end<(apm::v0::kind)2, f<g<1> > >(apm::v0::root&)"
        self.assertEqual(callgrind.bare(name), "apm::detail::end")
        self.assertEqual(callgrind.bare("(anonymous namespace)::pay(int)"), "pay")
        self.assertEqual(count.short("sell/8/iterations:100/real_time"), "sell/8/real_time")


def case(on, off, functions=None):
    return count.compared({"instructions": on, "functions": functions or {"sell": on}, "instruments": {"counters": on - off}},
                          {"instructions": off, "functions": {"sell": off}, "instruments": {}})


class Judgements(unittest.TestCase):
    def test_a_budget(self):
        one = case(116, 20, {"sell": 25, "lock(int)": 60, "lock<int>(long)": 11, "unlock": 20})
        self.assertIsNone(count.over_budget("sell", one, 96))
        self.assertIsNone(count.over_budget("sell", one, None))
        self.assertEqual(count.over_budget("sell", one, 40),
                         "sell: on costs 96 instructions an iteration more than off, 40 allowed; new there: lock 71, unlock 20")
        self.assertEqual(count.over_budget("sell", case(50, 20), 7),
                         "sell: on costs 30 instructions an iteration more than off, 7 allowed; grown: sell 30")

    def test_a_baseline(self):
        before, tolerance = case(61, 20), (2, 2)
        for now, then in ((case(63, 20), before),               # by two instructions
                          (case(50, 20), before),               # less than before
                          (case(1035, 20), case(1020, 20)),     # by less than two per cent
                          (case(900, 20), None)):               # it was not there
            self.assertIsNone(count.grown_since("sell", now, then, tolerance, "old.json"))
        self.assertEqual(count.grown_since("sell", case(114, 20, {"sell": 61, "lock": 53}), before, tolerance, "old.json"),
                         "sell: the overhead grew by 53 (41 to 94) since old.json; more there: lock 53")


class Gates(unittest.TestCase):
    """What cannot be judged must not pass."""

    def judged(self, cases, **check):
        report = {"cases": cases, "notes": [], "problems": []}
        tool.judge_counts({"budget": [], "baseline": "", "tolerance": [2, 2], **check}, report)
        return report["problems"]

    def test_no_case_was_counted(self):
        self.assertEqual(self.judged({}), [])
        self.assertEqual(self.judged({}, budget=["5"]), ["BUDGET: no case was counted, so none can be judged"])

    def test_no_case_reaches_an_instrumented_source(self):
        self.assertEqual(self.judged({"a": case(21, 20)}, budget=["5"]), [])
        self.assertIn("no case costs more with APM on", self.judged({"a": case(20, 20), "b": case(10, 30)})[0])

    def test_budgets(self):
        self.assertIn("neither a number nor", self.judged({"a": case(21, 20)}, budget=["a=x"])[0])
        self.assertIn("there is no such case; there are a", self.judged({"a": case(21, 20)}, budget=["b=1"])[0])
        self.assertEqual(self.judged({"a": case(31, 20), "b": case(31, 20)}, budget=["5", "b=12"]),
                         ["a: on costs 11 instructions an iteration more than off, 5 allowed; grown: sell 11"])


class Reports(unittest.TestCase):
    times = {"on": (1.0, 1.5, 2.0), "without f.cpp": (1, 1.2, 2)}
    found = {"name": "x", "compiler": "c", "machine": {"processor": "p", "cores": 2, "load": 1},
             "off": [], "notes": [], "problems": [], "rounds": 7,
             "cases": {"a<b>": {**case(61, 20), "budget": 30, "baseline": 40, "time": times},
                       "timed": {"time": {"on": (1.0, 1.1, 1.2)}, "budget": None}}}

    def test_a_table_and_markdown(self):
        text = report.table(self.found)
        self.assertIn("a<b>   61.0  20.0      41.0      30            +1.0         1.50  1.00 to 2.00\n", text)
        self.assertIn("a<b>: f.cpp +20 % (+0 to +100)", text)
        self.assertIn("| a<b> | 61.0 | 20.0 | 41.0 | 30 | +1.0 | 1.50 | 1.00 to 2.00 |", report.markdown(self.found))

    def test_a_picture_is_xml(self):
        import xml.dom.minidom
        text = report.svg(self.found)
        xml.dom.minidom.parseString(text)
        self.assertIn(">41 of 30</text>", text)
        self.assertIn("prefers-color-scheme:dark", text)


if __name__ == "__main__":
    unittest.main()
