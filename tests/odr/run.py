#!/usr/bin/env python3
"""Builds programs of several modules and runs them: whatever the linker does, a process has one store per schema."""
import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
HIDDEN, SYMBOLIC = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"], ["-Wl,-Bsymbolic"]


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def call(*command, seconds=300):
    try:
        ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(map(str, command))}\nhung for {seconds} s") from None
    if ran.returncode:
        raise Failed(f"{' '.join(map(str, command))}\nexit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout + ran.stderr


def runs(*command):
    """Runs a program as often as TESTS_REPEAT says; returns what it said the last time. They take a fraction of the time."""
    return [call(*command, seconds=300) for _ in range(int(os.environ.get("TESTS_REPEAT", "1")))][-1]


OBJECTS = {}                                  # what is being compiled, or was: the same flags make the same object for every case
OBJECTS_LOCK = threading.Lock()
FOR_THE_LINKER = ("-Wl,", "-fuse-ld", "--ld-path", "-shared", "-rdynamic", "-static")


def compiled(compiler, source, flags, include):
    """The object file of a source beside this script."""
    flags = tuple(str(flag) for flag in flags if not str(flag).startswith(FOR_THE_LINKER))
    with OBJECTS_LOCK:
        new = threading.Lock(), BUILD / "objects" / f"{len(OBJECTS)}.o"
        lock, output = OBJECTS.setdefault((compiler, source, flags, include), new)
    with lock:
        if not output.exists():
            call(compiler, "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{include}", "-pthread", *flags,
                 "-c", HERE / source, "-o", output)
    return output


def an_object(source, *flags, include=INCLUDE, compiler=None):
    return compiled(compiler or COMPILER, source, flags, include)


class Case:
    """One directory, and what is built in it."""

    def __init__(self, name):
        self.at = BUILD / name
        shutil.rmtree(self.at, ignore_errors=True)
        self.at.mkdir(parents=True)

    def build(self, output, sources, *flags, libraries=(), compiler=None, include=INCLUDE):
        """A program or module of sources, and of objects that are given as paths."""
        compiler = compiler or COMPILER
        objects = [compiled(compiler, source, flags, include) if isinstance(source, str) else source for source in sources]
        call(compiler, "-O2", "-pthread", *flags, *objects, *libraries, "-o", self.at / output, "-ldl")
        return self.at / output

    def module(self, name, *flags, **how):
        return self.build(f"lib{name}.so", ["module.cpp"], "-shared", "-fPIC", f"-DMODULE=_{name}", *flags, **how)

    def two_modules(self, *flags):
        return self.module("a", *flags), self.module("b", *flags, compiler=OTHER)

    def another_version(self):
        """Our headers as they would be with another layout of what modules share."""
        include = self.at / "include"
        shutil.copytree(INCLUDE, include)
        for header, words in (("config", ("#define APM_ABI v0", "#define APM_ABI_NUMBER 0")),
                              ("detail/root", ("apm_module_root_v0", "apm_stay_loaded_v0", "apm_constructor_v0", ".long 0\\n",
                                               "APM_ABI_NUMBER == 0"))):
            text = (include / f"apm/{header}.hpp").read_text()
            for word in words:
                if word not in text:
                    raise Failed(f"{header}.hpp does not say {word}")
                text = text.replace(word, word.replace("0", "1"))
            (include / f"apm/{header}.hpp").write_text(text)
        return include


def linked(case, *flags, program=()):
    a, b = case.two_modules(*flags)
    host = case.build("host", ["host.cpp"], "-DLINKED", *flags, *program, f"-Wl,-rpath,{case.at}", libraries=(a, b))
    runs(host)


def opened(case, *flags, arguments=()):
    a, b = case.two_modules(*flags)
    host = case.build("host", ["host.cpp"], *flags)
    runs(host, *arguments, a, b)


def lto_flags():
    if "clang" not in COMPILER:
        return ["-flto"]
    version = Path(COMPILER).name.rpartition("-")[2]
    lld = shutil.which(f"ld.lld-{version}") or shutil.which("ld.lld")
    if not lld:
        raise Skipped("no lld")
    return ["-flto", f"--ld-path={lld}", "-Wno-unused-command-line-argument"]      # an object is not linked


def other_linkers():
    for name in ("bfd", "gold", "lld"):
        if shutil.which(f"ld.{name}"):
            yield name


def case_linked(case):
    linked(case)


def case_linked_hidden(case):
    linked(case, *HIDDEN)


def case_linked_symbolic(case):
    linked(case, *SYMBOLIC)


def case_linked_exported(case):
    linked(case, program=["-rdynamic"])


def case_opened(case):
    opened(case)


def case_opened_hidden_and_symbolic(case):
    opened(case, *HIDDEN, *SYMBOLIC)


def case_closed(case):
    opened(case, arguments=["--close"])


def case_closed_hidden(case):
    opened(case, *HIDDEN, arguments=["--close"])


def case_no_symbols_exported(case):
    script = case.at / "only.map"
    script.write_text("{ global: record_*; look_*; root_*; local: *; };")
    flags = [f"-Wl,--version-script={script}"]
    a, b = case.module("a", *flags), case.module("b", *flags, compiler=OTHER)
    runs(case.build("host", ["host.cpp"]), "--close", a, b)


def case_plain_program(case):
    a, b = case.two_modules(*HIDDEN)
    runs(case.build("plain", ["plain_host.cpp"]), a, b)


def case_unused_module(case):
    a, b = case.two_modules(*HIDDEN)
    c = case.module("c", *HIDDEN)
    runs(case.build("unused", ["unused_root.cpp"]), a, b, c)


def case_another_layout(case):
    a, b = case.module("a"), case.module("b", "-DOTHER_LAYOUT", compiler=OTHER)
    said = runs(case.build("host", ["host.cpp"]), "--apart", a, b)
    lines = [line for line in said.splitlines() if line.startswith("apm: ")]
    if len(lines) != 1 or '"odr"' not in lines[0]:
        raise Failed(f"expected one line about the schema, got {lines}")


def does_not_link(case, objects, *flags):
    try:
        case.build("program", objects, *flags)
    except Failed as said:
        if "apm_error_objects_were_compiled_with_different_versions_of_apm" in str(said):
            return
        raise
    raise Failed(f"objects of two versions were linked ({' '.join(flags)})")


def case_another_version_does_not_link(case):
    include = case.another_version()
    objects = an_object("on.cpp"), an_object("off.cpp", include=include, compiler=OTHER)
    for linker in other_linkers():
        does_not_link(case, objects, f"-fuse-ld={linker}")


def case_another_version_does_not_link_lto(case):
    include, flags = case.another_version(), lto_flags()
    does_not_link(case, [an_object("on.cpp", *flags), an_object("off.cpp", *flags, include=include)], *flags)


def case_another_version_in_a_module(case):
    b = case.module("b", include=case.another_version(), compiler=OTHER)
    if said := runs(case.build("versions", ["versions_host.cpp"]), b):
        raise Failed(f"expected nothing, got {said}")


def case_two_compilers(case):
    runs(case.build("program", three_files(case, compiler=OTHER)))


def case_lto(case):
    linked(case, *lto_flags())
    opened(case, *lto_flags())


def case_lto_hidden_gc(case):
    opened(case, *lto_flags(), *HIDDEN, "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")


def case_gc_sections(case):
    for linker in other_linkers():
        opened(case, f"-fuse-ld={linker}", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")


def case_each_linker(case):
    for linker in other_linkers():
        linked(case, f"-fuse-ld={linker}", *HIDDEN)


def case_stripped(case):
    a, b = case.two_modules(*HIDDEN)
    host = case.build("host", ["host.cpp"])
    call("strip", "--strip-all", a, b, host)
    runs(host, "--close", a, b)


def three_files(case, *flags, compiler=None):
    """A program's objects: on, off, and with less detail."""
    return [an_object("on.cpp", *flags), an_object("off.cpp", "-DAPM_ENABLED=0", *flags, compiler=compiler),
            an_object("coarse.cpp", "-DAPM_TRACE_LEVEL=1", *flags)]


def case_static(case):
    for flags in (["-static"], ["-static-pie", "-fPIE"]):
        runs(case.build("static", three_files(case, *flags[1:]), *flags))


def case_one_file_is_off(case, *flags):
    objects = three_files(case, *flags)
    for order in (objects, objects[::-1]):
        runs(case.build("program", order, *flags))


def case_one_file_is_off_lto(case):
    case_one_file_is_off(case, *lto_flags())       # -Werror: no -Wodr either


def case_many_modules(case):
    # 32 bytes of thread-local storage each, from a reserve that is set when the program starts.
    for flags, count in (([], 45), (['-DAPM_TLS_MODEL="global-dynamic"'], 400)):
        module = case.module("a", *flags)
        copies = [module.with_name(f"lib{n}.so") for n in range(count)]
        for copy in copies:
            shutil.copy(module, copy)
        runs(case.build("many", ["many_host.cpp"]), *copies)
        for copy in copies:
            copy.unlink()


def case_thread_in_a_constructor(case):
    plugin = case.build("libloader.so", ["loader_module.cpp"], "-shared", "-fPIC")
    runs(case.build("loader", ["loader_host.cpp"], "-rdynamic"), plugin)


def case_thread_in_a_constructor_records_there(case):
    plugin = case.build("libloader.so", ["loader_module.cpp"], "-shared", "-fPIC", "-DRECORDS_HERE", *HIDDEN)
    runs(case.build("loader", ["loader_host.cpp"], "-rdynamic"), plugin)


def case_fork_after_close(case):
    runs(case.build("forker", ["fork_host.cpp"]), case.module("a", *HIDDEN))


CASES = {name.removeprefix("case_"): function for name, function in list(globals().items()) if name.startswith("case_")}


def run(name):
    """Returns what went wrong, or why it was skipped, or nothing."""
    try:
        CASES[name](Case(name))
    except Failed as problem:
        return f"FAILED {name}: {problem}\n"
    except Skipped as reason:
        return f"skipped {name}: {reason}"
    return ""


def main():
    started = time.monotonic()
    shutil.rmtree(BUILD / "objects", ignore_errors=True)
    (BUILD / "objects").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        results = [result for result in pool.map(run, NAMES) if result]
    for result in results:
        print(result)
    failed = sum(result.startswith("FAILED") for result in results)
    others = f" and {OTHER}" if OTHER != COMPILER else ""
    print(f"{COMPILER}{others}: {len(NAMES)} cases, {failed} failed, {time.monotonic() - started:.0f} s")
    return failed > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("--build", type=Path, required=True, help="a directory of its own")
    parser.add_argument("--with", dest="other", help="the compiler that builds module b")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"all by default: {', '.join(CASES)}")
    given = parser.parse_intermixed_args()
    COMPILER, OTHER, BUILD, NAMES = given.compiler, given.other or given.compiler, given.build.resolve(), given.cases or list(CASES)
    for compiler in (COMPILER, OTHER):
        if not shutil.which(compiler):
            print(f"skipped: there is no {compiler}")
            sys.exit(77)
    sys.exit(main())
