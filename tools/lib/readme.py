#!/usr/bin/env python3
"""Compiles and runs the code of a README, and compares what it prints with what the README says.

usage: readme.py README.md --build DIR [--compiler COMPILER]

A comment on the line above a fenced block says what becomes of it:
    <!-- compile: NAME -->  above ```cpp     blocks of equal NAME are one file, in their order; it has to compile
    <!-- run: NAME -->      above ```cpp     the same, and the program is run
    <!-- output: NAME -->   above ```text    what that program has to print
    <!-- skip: REASON -->   above ```cpp     neither; for code that is no program, such as somebody else's
A cpp block without such a comment is an error. The programs are built as a user's are: add_subdirectory and apm::runtime
(and apm::prometheus_cpp, where it is found: then a block may use it).
"""
import argparse
import difflib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^<!--\s*(compile|run|output|skip)\b:?\s*(.*?)\s*-->$")
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(readme LANGUAGES CXX)
add_subdirectory({root} apm)
link_libraries(apm::runtime)
if(TARGET apm::prometheus_cpp)
  link_libraries(apm::prometheus_cpp)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Werror)
"""


class Readme:
    def __init__(self, path):
        self.sources, self.runs, self.outputs, self.skipped, self.errors = {}, set(), {}, [], []
        marker, fence, block = None, None, []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            at = f"{path.name}:{number}"
            if fence:
                if line.strip() == "```":
                    self.add(path, fence[1], marker, fence[0], block)
                    marker, fence, block = None, None, []
                else:
                    block.append(line)
            elif line.startswith("```"):
                fence = (number, line[3:].strip())
            elif match := MARKER.match(line):
                marker = match.groups()
                if not marker[1]:
                    self.errors.append(f"{at}: {marker[0]} needs a " + ("reason" if marker[0] == "skip" else "name"))
            elif marker:
                self.errors.append(f"{at}: a block should follow the comment above")
                marker = None
        self.errors += [f"{path.name}: there is output of {name}, which is not run" for name in self.outputs.keys() - self.runs]

    def add(self, path, language, marker, line, block):
        kind, name = marker or ("", "")
        wanted = {"output": "text", "": language}.get(kind, "cpp")
        if language != wanted:
            self.errors.append(f"{path.name}:{line}: {kind} belongs above a {wanted} block, not a {language or 'nameless'} one")
        elif kind == "skip":
            self.skipped.append(f"skipped {path.name}:{line}: {name}")
        elif kind == "output":
            self.outputs[name] = self.outputs.get(name, []) + block
        elif kind in ("compile", "run"):
            self.sources.setdefault(name, []).extend([f'#line {line + 1} "{path.name}"', *block])
            self.runs |= {name} if kind == "run" else set()
        elif language in ("cpp", "c++"):
            self.errors.append(f"{path.name}:{line}: cpp code that nobody compiles: say compile, run or skip above it")


def build(readme, directory, compiler):
    """Builds every program of the README. Returns what the compiler said if that failed."""
    directory.mkdir(parents=True, exist_ok=True)
    project = PROJECT.format(root=ROOT)
    for name, lines in readme.sources.items():
        path = directory / f"{name}.cpp"
        text = "\n".join(lines) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        project += f"add_executable({name} {name}.cpp)\n" if name in readme.runs else f"add_library({name} OBJECT {name}.cpp)\n"
    (directory / "CMakeLists.txt").write_text(project)
    configure = ["cmake", "-S", directory, "-B", directory / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"]
    configure += [f"-DCMAKE_CXX_COMPILER={compiler}"] if compiler else []
    for command in configure, ["cmake", "--build", directory / "build", "--parallel", "2"]:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode != 0:
            return ran.stdout
    return ""


def run(name, expected, directory):
    """Runs one program. Returns what is wrong with it, or nothing."""
    try:
        ran = subprocess.run([directory / "build" / name], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{name} did not end within a minute"
    if ran.returncode != 0:
        return f"{name} exited with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    if expected is None:
        return ""
    return "\n".join(difflib.unified_diff(expected, ran.stdout.splitlines(), "what the README says", f"what {name} prints",
                                          lineterm=""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", type=Path)
    parser.add_argument("--build", type=Path, required=True, metavar="DIR")
    parser.add_argument("--compiler")
    options = parser.parse_args()

    readme = Readme(options.readme)
    problems = list(readme.errors)
    if readme.sources and not problems:
        broken = build(readme, options.build.resolve(), options.compiler)
        problems += [broken] if broken else filter(None, (
            run(name, readme.outputs.get(name), options.build.resolve()) for name in sorted(readme.runs)))
    print("\n".join(readme.skipped + problems))
    print(f"{len(readme.sources)} programs compiled, {len(readme.runs)} run, {len(readme.outputs)} outputs compared: "
          f"{len(problems)} wrong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
