"""How many bytes does a call site add to an object file, and a row to a program? Exact, by the sections that are loaded."""
import concurrent.futures
import subprocess
import tempfile
from pathlib import Path

import object_code
from bench_compile import command, compilers, schema
from bench_report import Row

INSTRUMENTS = """counter<Order> orders{this, "orders", "O"};
updown<> open{this, "open", "O"};
gauge<> level{this, "level", "L"};
histogram<Order, apm::seconds, apm::latency_buckets> latency{this, "latency", "L"};
span<> step{this, "step", "S"};
span<Visit> visit{this, "visit", "V"};"""

LABELS = "{.method = s::Method::card, .outcome = s::Outcome::ok}"
NOTHING = ""
SITES = {
    "counter, 2 labels": f"telemetry.orders.add(1, {LABELS});",
    "updown": "telemetry.open.add(n);",
    "gauge": "telemetry.level.set(n);",
    "histogram, 2 labels": f"telemetry.latency.record(std::chrono::nanoseconds(n), {LABELS});",
    "timer, 2 labels": f"APM_TIME(telemetry.latency, {LABELS});",
    "span": "TRACE_SCOPE(telemetry.step);",
    "span, 3 attributes": "TRACE_SCOPE(telemetry.visit, {.visitor = n, .route = route, .share = 0.5});",
    "span of a string literal": 'TRACE_SCOPE("look");',
    "event": 'apm::current_span().event("seen");',
}
PARTS = {"code": (".text",), "data": (".data", ".bss", ".tdata", ".tbss", ".rodata")}


def loaded(code):
    """{section: bytes} of what an object file or a program has loaded into memory, unwind tables too."""
    found = {}
    for _, name, _, rest in object_code.sections(code):
        size, _, flags = rest.split()[:3]
        if "A" in flags:
            found[name] = found.get(name, 0) + int(size, 16)
    return found


def built(compiler, text, *arguments):
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "a.cpp").write_text(text)
        subprocess.run(command(compiler, "-O2", "a.cpp", "-o", "a", *arguments), cwd=directory, check=True)
        return loaded(Path(directory, "a").read_bytes())


def site_source(site, count):
    # work() is so that there is something to time, and something that may throw.
    return "#include <chrono>\n" + schema(0, INSTRUMENTS) + "void work(int);\n" + "".join(
        f"void f{i}([[maybe_unused]] int n, [[maybe_unused]] const char* route) {{ {site} work({i}); }}\n" for i in range(count))


def sites(compiler, pool):
    """What each of eight more call sites in a file adds to it."""
    def total(site, count):
        return sum(built(compiler, site_source(site, count), "-c").values())

    sizes = {site: [pool.submit(total, site, count) for count in (9, 1)] for site in (NOTHING, *SITES.values())}
    sizes = {site: many.result() - one.result() for site, (many, one) in sizes.items()}
    return [Row("bytes of a call site", f"{compiler}: {name}", (sizes[site] - sizes[NOTHING]) / 8, "B")
            for name, site in SITES.items()]


def rows(compiler, pool):
    """What a row adds to a file that uses one row only, and to a program: from 10 to 100 rows, and from 100 to 400."""
    text = f"int main() {{ telemetry.c0.add(1, {LABELS}); }}\n"

    def part(sizes, names):
        return sum(size for section, size in sizes.items() if section.startswith(names))

    found = {}
    for kind, arguments in (("object file", ["-c"]), ("program", [])):
        sizes = {n: pool.submit(built, compiler, schema(n) + text, *arguments) for n in (10, 100, 400)}
        sizes = {n: size.result() for n, size in sizes.items()}
        for what, names in ({"all": ("",)} | (PARTS if kind == "program" else {})).items():
            few, some, most = (part(sizes[n], names) for n in (10, 100, 400))
            found[f"{kind}, {what}"] = ((most - some) / 300, (some - few) / 90)
    return [Row("bytes of a row of a schema", f"{compiler}: {what}", most, "B", "from 10 to 100 rows", few)
            for what, (most, few) in found.items()]


def measure(options, say):
    found = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:       # nothing is timed here
        for compiler in compilers()[:1 if options.quick else None]:
            say(f"object code, {compiler}: call sites and rows")
            found += sites(compiler, pool) + rows(compiler, pool)
    return found, []
