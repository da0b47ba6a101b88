#!/usr/bin/env python3
"""The checks of documents find what they are for; and the figures in README.md are those of bench/README.md."""
import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tools" / "lib"), str(Path(__file__).resolve().parent)]
import readme       # noqa: E402
import settings     # noqa: E402


def checked(text, others=()):
    """What check() finds in a document of that text, beside other documents."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, other in others:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(other)
        document = readme.Document("README.md", text)
        return document.errors + list(readme.check(document, root))


class Check(unittest.TestCase):
    others = [("folder/README.md", "# A folder\n## What it *is*, and why\n"), ("empty/x.hpp", "")]

    def test_good_links(self):
        text = "# Top\n[a](folder) [b](folder/README.md#what-it-is-and-why) [c](#top) [d](https://x.y/z) `[e](nowhere)`\n"
        self.assertEqual(checked(text, self.others), [])

    def test_bad_links(self):
        for link in ("nowhere", "folder#no", "#no", "empty", "folder/README.md#what-it-is"):
            self.assertEqual(len(checked(f"[a]({link})", self.others)), 1, link)

    def test_links_in_code_are_code(self):
        self.assertEqual(checked("```sh\n[a](nowhere)\n```\n"), [])

    def test_files(self):
        self.assertEqual(checked("`empty/x.hpp`", self.others), [])
        self.assertIn("no empty/y.hpp", checked("`empty/y.hpp`", self.others)[0])

    def test_names(self):
        others = [("include/apm/x.hpp", "struct ring; APM_X"), ("schema/a.hpp", "")]
        self.assertEqual(checked("`apm::ring`, `detail::ring`, `APM_X`, `APM_<NAME>`, `ring`", others), [])
        for name in ("apm::rong", "detail::ring::rong", "APM_Y", "OTEL_Y=1"):
            self.assertIn("the code has no", checked(f"`{name}`", others)[0], name)

    def test_words(self):
        self.assertIn('README.md:2: "Nobody"', checked("A line\nNobody knows\n")[0])

    def test_length(self):
        self.assertEqual(checked("x\n" * 200), [])
        self.assertIn("201 lines", checked("x\n" * 201)[0])

    def test_code(self):
        self.assertIn("is not compiled", checked("```cpp\nint x;\n```\n")[0])
        self.assertIn("is not run", checked("<!-- output: a -->\n```text\nx\n```\n")[0])
        self.assertIn("no end", checked("```sh\nx\n")[0])
        self.assertIn("should follow", checked("<!-- run: a -->\nx\n")[0])
        document = readme.Document("a/README.md", "<!-- run: x -->\n```cpp\n1\n```\n<!-- run: x -->\n```cpp\n2\n```\n")
        self.assertEqual(document.sources["x"], ['#line 3 "a/README.md"', "1", '#line 7 "a/README.md"', "2"])
        self.assertEqual(readme.program(document, "x"), "a-x")


class Settings(unittest.TestCase):
    table = "| variable | meaning | default |\n|---|---|---|\n| `A_B`, `C` | text | `5`, so many |\n| `D` | text | the host's |\n"

    def test_same(self):
        self.assertEqual(list(settings.compare(["A_B=5", "D=", "C"], self.table)), [])

    def test_different(self):
        self.assertIn("A_B: its default is", next(settings.compare(["A_B=6", "D=", "C"], self.table)))
        self.assertIn("D: in a table", next(settings.compare(["A_B=5", "C"], self.table)))
        self.assertIn("E: the code asks", next(settings.compare(["A_B=5", "D=", "C", "E"], self.table)))

    def test_other_tables_do_not_count(self):
        self.assertEqual(settings.tables("| option | default |\n|---|---|\n| `A` | `B` |\n"), ({}, []))


class Figures(unittest.TestCase):
    def rows(self, document, table):
        found = re.search(f"<!-- bench: {table} -->\n(.*?)<!-- /bench -->", (ROOT / document).read_text(), re.S)
        return [line for line in found[1].splitlines() if line.startswith("| ")][1:]

    def test_the_readme_has_those_of_the_table(self):
        short, whole = self.rows("README.md", "short"), self.rows("bench/README.md", "cost")
        self.assertGreater(len(short), 4)
        self.assertEqual([row for row in short if row not in whole], [], "run tools/bench --update-readme")


if __name__ == "__main__":
    unittest.main()
