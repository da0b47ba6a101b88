#!/usr/bin/env python3
"""Checks the documents, which are every README.md of the repository, and CHANGELOG.md.

usage: readme.py check [FILE...]        reads only: links and their anchors, names of files and of code, words, length
       readme.py code --build DIR [--prefix DIR] [--compiler COMPILER] [FILE...]
                                        compiles the code, runs it, and compares what it prints with what the document says

A comment on the line above a fenced block says what becomes of it:
    <!-- compile: NAME -->  above ```cpp     blocks of equal NAME in one document are one file, in their order; it has to compile
    <!-- run: NAME -->      above ```cpp     the same, and the program is run
    <!-- output: NAME -->   above ```text    what that program has to print
    <!-- skip: REASON -->   above ```cpp     neither; for code that is no program, such as another library's
A cpp block without such a comment is an error. All programs are one project, which uses an installed apm (--prefix), or this
tree (add_subdirectory). A program that includes the bridge to prometheus-cpp is left out where apm has none.
"""
import argparse
import difflib
import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^<!--\s*(compile|run|output|skip)\b:?\s*(.*?)\s*-->$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
WORDS = re.compile(r"\b(whoever|nobody|somebody|anybody|everybody)\b", re.IGNORECASE)
# A file of ours, in backquotes: `apm/span.hpp` as it is included, or a path from the top, or from the document's folder.
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:hpp|ipp|cpp|py|sh|cmake|txt|md|in)|(?:tools|tests|bench|examples|schema)/[\w./-]+)`")
LONGEST = {"README.md": 200}             # lines
CHANGELOG = "CHANGELOG.md"               # names files that are gone, and has no code
# A name of ours, in backquotes: `apm::span_row`, `detail::ring`, `APM_MAX_LEVEL`, `OTEL_SDK_DISABLED`.
NAMED_THING = re.compile(r"`(?:apm::|detail::)((?:\w+::)*\w+)|`((?:APM|OTEL)_[A-Z0-9_]*[A-Z0-9])[`=(]")
WHERE_THINGS_ARE = ("include/apm/**/*.[hi]pp", "schema/*.hpp", "tests/runtime/defaults.cpp", "tools/cmake/*", "CMakeLists.txt")
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(readme LANGUAGES CXX)
{use}
link_libraries(apm::runtime)
if(TARGET apm::prometheus_cpp)
  link_libraries(apm::prometheus_cpp)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Werror)
"""


def documents():
    return sorted(path.relative_to(ROOT) for path in ROOT.rglob("README.md")
                  if not any(part == "build" or part.startswith(".") for part in path.relative_to(ROOT).parts))


class Document:
    """The lines of a document; its code, as programs; what is wrong with it as it stands."""

    def __init__(self, name, text):
        self.name, self.lines = name, text.splitlines()
        self.sources, self.runs, self.outputs, self.skipped, self.errors = {}, set(), {}, [], []
        self.prose = []                                      # (number, line), without fenced blocks
        marker, fence, block = None, None, []
        for number, line in enumerate(self.lines, 1):
            if fence:
                if line.strip() == "```":
                    self.add(fence[1], marker, fence[0], block)
                    marker, fence, block = None, None, []
                else:
                    block.append(line)
            elif line.startswith("```"):
                fence = (number, line[3:].strip())
            elif match := MARKER.match(line):
                marker = match.groups()
                if not marker[1]:
                    self.error(number, f"{marker[0]} needs a " + ("reason" if marker[0] == "skip" else "name"))
            else:
                if marker:
                    self.error(number, "a block should follow the comment above")
                marker = None
                self.prose.append((number, line))
        if fence:
            self.error(fence[0], "this block has no end")
        self.errors += [f"{name}: there is output of {program}, which is not run" for program in self.outputs.keys() - self.runs]

    def error(self, line, what):
        self.errors.append(f"{self.name}:{line}: {what}")

    def add(self, language, marker, line, block):
        kind, name = marker or ("", "")
        wanted = {"output": "text", "": language}.get(kind, "cpp")
        if language != wanted:
            self.error(line, f"{kind} belongs above a {wanted} block, not a {language or 'nameless'} one")
        elif kind == "skip":
            self.skipped.append(f"skipped {self.name}:{line}: {name}")
        elif kind == "output":
            self.outputs[name] = self.outputs.get(name, []) + block
        elif kind in ("compile", "run"):
            self.sources.setdefault(name, []).extend([f'#line {line + 1} "{self.name}"', *block])
            self.runs |= {name} if kind == "run" else set()
        elif language in ("cpp", "c++"):
            self.error(line, "cpp code that is not compiled: say compile, run or skip above it")

    def anchors(self):
        """The anchors of its headings, as GitHub makes them."""
        result, seen = set(), {}
        for _, line in self.prose:
            if match := re.match(r"#{1,6}\s+(.*?)\s*#*$", line):
                plain = re.sub(r"[^\w\- ]", "", match[1].replace("`", "").lower()).replace(" ", "-")
                count = seen[plain] = seen.get(plain, -1) + 1
                result.add(f"{plain}-{count}" if count else plain)
        return result


@functools.cache
def words_of_the_code(root):
    return {word for pattern in WHERE_THINGS_ARE for path in root.glob(pattern) for word in re.findall(r"\w+", path.read_text())}


# --- check ------------------------------------------------------------------------------------------------------------

def check(document, root=ROOT):
    """What is wrong with a document, its code aside."""
    here = (root / document.name).parent
    most = LONGEST.get(str(document.name))
    if most and len(document.lines) > most:
        yield f"{document.name}: {len(document.lines)} lines, the limit is {most}"
    for number, line in enumerate(document.lines, 1):
        for word in WORDS.findall(line):
            yield f"{document.name}:{number}: \"{word}\": name who is meant, or what happens"
    for number, line in document.prose:
        for target in LINK.findall(re.sub(r"`[^`]*`", "``", line)):
            if not re.match(r"[a-z]+:", target) and (wrong := wrong_link(document, here, target)):
                yield f"{document.name}:{number}: the link {target} {wrong}"
        for name in NAMED_FILE.findall(line):
            if document.name != CHANGELOG and not any((base / name).exists() for base in (root, here, root / "include", root / "include" / "apm")):
                yield f"{document.name}:{number}: there is no {name}"
        for found in NAMED_THING.findall(line):
            unknown = [word for word in re.split("::", found[0] or found[1]) if word not in words_of_the_code(root)]
            if unknown and document.name != CHANGELOG:
                yield f"{document.name}:{number}: the code has no {unknown[0]}"


def wrong_link(document, here, target):
    path, _, anchor = target.partition("#")
    to = here / path if path else None
    if to and not to.exists():
        return "leads nowhere"
    if to and to.is_dir():
        to = to / "README.md"
        if not to.exists():
            return "leads to a folder without a README.md"
    if anchor:
        other = Document(path, to.read_text()) if to else document
        if anchor not in other.anchors():
            return "has an anchor that is no heading there"
    return ""


# --- code -------------------------------------------------------------------------------------------------------------

def program(document, name):
    folder = str(Path(document.name).parent)
    return ("top" if folder == "." else folder.replace("/", "-")) + "-" + name


def build(documents, directory, compiler, prefix):
    """Builds every program of the documents. Returns what the compiler said if that failed."""
    directory.mkdir(parents=True, exist_ok=True)
    use = "find_package(apm REQUIRED COMPONENTS runtime OPTIONAL_COMPONENTS prometheus_cpp)"
    project = PROJECT.format(use=use if prefix else f"add_subdirectory({ROOT} apm)")
    for document in documents:
        for name, lines in document.sources.items():
            target, text = program(document, name), "\n".join(lines) + "\n"
            path = directory / f"{target}.cpp"
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
            rule = (f"add_executable({target} {target}.cpp)\n" if name in document.runs
                    else f"add_library({target} OBJECT {target}.cpp)\n")
            bridge = "apm/backend/prometheus_cpp.hpp" in text
            project += f"if(TARGET apm::prometheus_cpp)\n  {rule}endif()\n" if bridge else rule
    (directory / "CMakeLists.txt").write_text(project)
    configure = ["cmake", "-S", directory, "-B", directory / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"]
    configure += [f"-DCMAKE_CXX_COMPILER={compiler}"] if compiler else []
    configure += [f"-DCMAKE_PREFIX_PATH={prefix}"] if prefix else []
    configure += ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    for command in configure, ["cmake", "--build", directory / "build", "--parallel", "2", "--", "-k", "0"]:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode != 0:
            return ran.stdout
    return ""


def run(document, name, directory):
    """Runs one program. Returns what is wrong with it, or nothing."""
    expected, called = document.outputs.get(name), f"{name} of {document.name}"
    try:
        ran = subprocess.run([directory / "build" / program(document, name)], cwd=directory, capture_output=True, text=True,
                             timeout=60)
    except subprocess.TimeoutExpired:
        return f"{called} did not end within a minute"
    if ran.returncode != 0:
        return f"{called} exited with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    if expected is None:
        return ""
    return "\n".join(difflib.unified_diff(expected, ran.stdout.splitlines(), f"what {document.name} says",
                                          f"what {name} prints", lineterm=""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("check", "code"))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--build", type=Path, metavar="DIR")
    parser.add_argument("--prefix", type=Path, metavar="DIR")
    parser.add_argument("--compiler")
    options = parser.parse_args()
    if options.what == "code" and not options.build:
        parser.error("code needs --build")

    names = [path.resolve().relative_to(ROOT) for path in options.files]
    names = names or documents() + ([Path(CHANGELOG)] if options.what == "check" else [])
    read = [Document(str(name), (ROOT / name).read_text()) for name in names]
    problems = [error for document in read for error in document.errors]
    if options.what == "check":
        problems += [problem for document in read for problem in check(document)]
        print("\n".join(problems + [f"{len(read)} documents read: {len(problems)} wrong"]))
        return bool(problems)

    programs = [(document, name) for document in read for name in sorted(document.runs)]
    if not problems:
        directory = options.build.resolve()
        broken = build(read, directory, options.compiler, options.prefix and options.prefix.resolve())
        problems += [broken] if broken else filter(None, (run(document, name, directory) for document, name in programs))
    print("\n".join([line for document in read for line in document.skipped] + problems))
    print(f"{sum(len(document.sources) for document in read)} programs compiled, {len(programs)} run, "
          f"{sum(len(document.outputs) for document in read)} outputs compared: {len(problems)} wrong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
