"""Does APM_ENABLED=0 leave anything? Compiles each source as it is, and once more as if it had never been instrumented."""
import concurrent.futures
import json
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from object_code import differences, functions, parts, sections, symbols
from overhead_source import MACROS, stripped, tokens

# Not about code, or not code: debug information, link time optimization, dependency files, profiles.
IGNORED = re.compile(r"-g\w*(-.*)?$|-flto.*|-M[DPM]?$|-MMD$|-fprofile-.*|--coverage$|-ftest-coverage$|"
                     r"-frecord-.*|-c$|-pipe$")
WITH_VALUE = ("-o", "-MF", "-MT", "-MQ")


class Source:
    """One source of the user's, with its compile command in the variant that is off."""

    def __init__(self, entry, shim, macros):
        self.path, self.directory, self.shim = Path(entry["directory"], entry["file"]).resolve(), entry["directory"], shim
        self.text = self.path.read_text(errors="surrogateescape")
        self.stripped, self.macros = stripped(self.text, macros)
        self.command = command(entry)
        own = [flag for flag in self.command if re.match(r"-O", flag)]
        self.levels = levels(own[-1] if own else "-O0")
        self.unlisted = self.wrappers() - set(macros)

    def wrappers(self):
        """Macros of the user's around ours that this source uses: their arguments would not be looked at."""
        found = ""
        for enabled in ("-UAPM_ENABLED", "-DAPM_ENABLED=0"):           # one may be ours in one mode only
            found += subprocess.run([*self.command, enabled, "-w", "-iquote", str(self.path.parent), "-E", "-dM", "-x", "c++", "-"],
                                    input=self.text.encode(errors="surrogateescape"), capture_output=True, cwd=self.directory,
                                    ).stdout.decode(errors="replace")
        names, ours = set(), set(MACROS) | {"APM_IF_ENABLED", "APM_IF_DISABLED"}
        defined = [(name, set(re.findall(r"\w+", body))) for name, body in re.findall(r"^#define (\w+)\([^)]*\) (.*)$", found, re.M)
                   if name not in ours and not name.startswith("APM_DETAIL_")]
        while more := {name for name, words in defined if words & (ours | names)} - names:      # around one around ours
            names |= more
        return names & {text for kind, text in tokens(self.text) if kind == "word"}

    def compiled(self, text, level, *flags):
        """(object file or None, what the compiler said). It reads standard input, so that both have the same file name."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "object.o")
            ran = subprocess.run(
                [self.command[0], *flags, *self.command[1:], level, "-w", "-frandom-seed=apm", "-fno-diagnostics-color",
                 "-iquote", str(self.path.parent), "-c", "-x", "c++", "-", "-o", str(file)],
                input=f'# 1 "{self.path}"\n{text}'.encode(errors="surrogateescape"), capture_output=True, cwd=self.directory)
            return (file.read_bytes() if ran.returncode == 0 else None), ran.stderr.decode(errors="replace")


def levels(own):
    """The user's own, -O2 where that is less, and none at all, where only the macros themselves can be nothing."""
    return [*dict.fromkeys((own, *(() if own in ("-O3", "-Ofast") else ("-O2",)), "-O0"))]


def command(entry):
    """What is left of a compile command: the compiler, without what launches it, and the flags that make code."""
    words = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
    if Path(words[0]).name in ("ccache", "sccache", "distcc"):
        words = words[1:]
    found, skip = [], False
    for word in words:
        if not skip and word not in WITH_VALUE and word != entry["file"] and not IGNORED.match(word):
            found.append(word)
        skip = not skip and word in WITH_VALUE
    return found


def sources(commands, marks):
    """[(entry)] of compile_commands.json whose object lies in one of these directories."""
    return [entry for entry in json.loads(Path(commands).read_text())
            if any(f"/{mark}.dir/" in "/" + entry.get("output", entry.get("command", "")) for mark in marks)]


def errors(said, file):
    """[(where, what)] of a compiler's output: its errors in the user's files; of the first one elsewhere, that."""
    found = re.findall(r"^([^\s:]+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", said, re.M)
    theirs = [one for one in found if not re.search(r"^/usr/|/(include|absent)/apm/", one[0])]
    lines = {}
    for name, line, what in theirs or found[:1]:
        lines.setdefault(f"{Path(name).name}:{line}", shortened(what))
    return list(lines.items()) or [(file, shortened(said.strip() or "does not compile"))]


def shortened(text, most=90):
    text = re.sub(r"[‘’]", "'", text.splitlines()[0])
    text = re.sub(r"\bconst struct |\bstruct |\bclass | \{aka [^}]*\}|(?<=apm::)v\d+::", "", text)
    return text if len(text) <= most else text[:most - 3] + "..."


def demangled(names):
    ran = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, ran.stdout.splitlines()))


def same_but_for_registers(a, b):
    """Without an optimizer, gcc treats a variable that is bound to a reference in an operand it never evaluates as one whose
    address is taken, and chooses other registers. Such code calls the same functions and defines the same."""
    def defined(code):
        data = re.compile(r"section \.(data|rodata|bss|init|fini|note|tdata|tbss)")
        return {what: content for what, content in parts(code).items() if data.match(what)}

    def named(code):
        return sorted((name, about.split()[1:]) for name, about in symbols(code))
    calls_a, calls_b = ({name: sorted(calls) for name, (_, _, calls) in functions(code).items()} for code in (a, b))
    return calls_a == calls_b and named(a) == named(b) and defined(a) == defined(b)


def what_grew(off, without, file, level):
    """One line about two object files that differ: the function of which most is left, and what it does there."""
    a, b = functions(off), functions(without)
    changed = sorted((name for name in a if a[name] != b.get(name)), key=lambda name: (a[name][0] - b.get(name, (0,))[0], name))
    if not changed:
        where = differences(off, without, "only there with APM off", "only there without the macros")
        return f"{file}: with APM off the object file at {level} is not that without the macros: {', '.join(where[:3])}"
    name = next((name for name in reversed(changed) if name in b), changed[-1])
    size, _, calls = a[name]
    before, _, called = b.get(name, (0, [], set()))
    new = sorted(calls - called - {name})
    plain = demangled([name, *new])
    text = f"{file}: with APM off, {plain[name]} is {size} bytes at {level}, without the macros {before}"
    if new:
        called = ", ".join(plain[n] for n in new[:3])
        text += f"; it calls {called}, which {'is' if len(new) == 1 else 'are'} not called without them"
    elif size == before:
        text += ", the same size, but different instructions"
    return text


def remains(code):
    """[(what, bytes)] of apm in an object file: what it defines, and sections of ours."""
    named = [(name, about) for name, about in symbols(code) if re.search(r"\d(apm|apm_\w+)(\d|I|E)|^apm_", name)]
    plain = demangled([name for name, _ in named])
    found = [(plain[name], int(about.split()[0])) for name, about in named if about.split()[1] not in ("SECTION", "FILE")]
    notes = [(name, int(rest.split()[0], 16)) for _, name, _, rest in sections(code) if name.startswith(".note.apm")]
    return found + notes


def judged(source):
    """What is found out about one source, as a part of the report."""
    file = source.path.name
    report = {"file": str(source.path), "invocations": source.macros, "unlisted": sorted(source.unlisted),
              "levels": [], "problems": [], "beyond_macros": [], "remains": []}
    shim = ("-I", source.shim)
    for level in source.levels:
        off, said = source.compiled(source.text, level)
        if off is None:
            where, what = errors(said, file)[0]
            report["problems"] = [f"{where}: does not compile with APM off: {what}"]
            return report
        absent = None
        if not report["beyond_macros"]:
            absent, said = source.compiled(source.stripped, level, *shim)
            if absent is None:
                report["beyond_macros"] = errors(said, file)
        if absent == off:
            report["levels"].append(level)
            continue
        # The same headers on both sides: whatever differs now, the macros left.
        without, said = source.compiled(source.stripped, level)
        if without is None:
            where, what = errors(said, file)[0]
            report["problems"].append(f"{where}: does not compile without the macros: {what}")
            return report
        if off == without:
            report["levels"].append(level)
            if not report["beyond_macros"]:     # it does compile as if apm were absent, but to something else
                report["beyond_macros"] = [(file, differences(off, absent, "only with apm", "only without apm")[0])]
        elif level == "-O0" and same_but_for_registers(off, without):
            report["levels"].append("-O0 but for its choice of registers")
        else:
            report["problems"].append(what_grew(off, without, file, level))
            break
        if level != "-O0" and not report["remains"]:
            report["remains"] = remains(off)
    return report


def prove(entries, shim, macros, jobs=2):
    """A report of each source, in their order."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda entry: judged(Source(entry, shim, macros)), entries))
