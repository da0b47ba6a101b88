#!/usr/bin/env python3
"""One store per process, however its modules are built, linked and loaded.

usage: one_store.py COMPILER
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c++20", "-O1", "-pthread", f"-I{HERE.parents[1] / 'include'}", f"-I{HERE}"]

BOTH = {"odr.calls who=left": 2, "odr.calls who=right": 2, "odr.words who=left word=hello": 2, "odr.words who=right word=hello": 2,
        "conflicts": 0}
ALL = BOTH | {"odr.calls who=program": 1}


class Build:
    def __init__(self, compiler):
        self.compiler = compiler
        self.directory = Path(tempfile.mkdtemp())
        self.ok = True

    def run(self, *arguments):
        ran = subprocess.run([self.compiler, *FLAGS, *arguments], cwd=self.directory, capture_output=True, text=True)
        if ran.returncode != 0 or "-Wodr" in ran.stderr:
            sys.exit(f"{self.compiler} {' '.join(arguments)}\n{ran.stderr}")

    def new_name(self, stem):
        return f"{stem}{len(list(self.directory.iterdir()))}"

    def plugin(self, who, *flags, sources=("plugin.cpp",)):
        name = self.new_name(f"lib{who}") + ".so"
        self.run("-shared", "-fPIC", f"-DWHO={who}", f"-DWORK={who}", *flags, *(str(HERE / s) for s in sources), "-o", name)
        return "./" + name

    def program(self, *flags, apm=True, objects=()):
        name = self.new_name("program")
        self.run(*(["-DPROGRAM_HAS_APM"] if apm else []), *flags, str(HERE / "program.cpp"), *objects, "-o", name, "-ldl")
        return "./" + name

    def expect(self, what, expected, program, *plugins, lines=0):
        ran = subprocess.run([program, *plugins], cwd=self.directory, capture_output=True, text=True, timeout=30)
        found = {}
        for line in ran.stdout.splitlines():
            name, _, count = line.rpartition(" ")
            found[name] = found.get(name, 0) + int(count)
        right = ran.returncode == 0 and found == expected and len(ran.stderr.splitlines()) == lines
        print(f"{self.compiler}: {what}: {'right' if right else 'WRONG'}")
        if not right:
            print(f"  exit {ran.returncode}, expected {expected}, found {found}\n  {ran.stderr}")
        self.ok &= right


def main(compiler):
    if not shutil.which(compiler):
        print(f"skipped: there is no {compiler} here")
        return 77
    b = Build(compiler)
    program = b.program()
    for what, flags in (("default flags", []), ("-fvisibility=hidden", ["-fvisibility=hidden"]), ("-Bsymbolic", ["-Wl,-Bsymbolic"])):
        left, right = b.plugin("left", *flags), b.plugin("right", *flags)
        b.expect(f"{what}, opened with RTLD_LOCAL", ALL, program, left, right)
    b.expect("both are closed before anybody collects", ALL, program, "-" + left, "-" + right)
    b.expect("linked", ALL, b.program("-fvisibility=hidden", objects=[left, right, "-Wl,-rpath,$ORIGIN"]), left, right)

    teller = b.plugin("right", "-fvisibility=hidden", sources=("plugin.cpp", "tell.cpp"))
    b.expect("a program without apm, the first plugin closed", BOTH, b.program(apm=False), "-" + left, teller)
    b.expect("another layout stays apart, in one line", ALL | {"conflicts": 1}, program, left, b.plugin("right", "-DOTHER_LAYOUT"), lines=1)

    lto = ["-flto"] + (["-fuse-ld=lld"] if "clang" in compiler else [])
    if "clang" in compiler and not shutil.which("ld.lld"):
        lto = []
    b.run("-c", *lto, "-DAPM_ENABLED=0", str(HERE / "off_file.cpp"), "-o", "off.o")
    b.expect("link-time optimization, one file is off", ALL, b.program(*lto, "-DOFF_FILE", objects=["off.o"]),
             b.plugin("left", *lto), b.plugin("right", *lto))
    sections = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-s"]
    b.expect("sections collected, symbols stripped", ALL, b.program(*sections), left, right)
    shutil.rmtree(b.directory)
    return 0 if b.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
