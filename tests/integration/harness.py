"""What the integration tests share: programs that end with the test, a Prometheus of its own, and the shop's own tally."""
import ctypes
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SKIPPED = 77
PATIENCE = 60   # seconds: what must happen is waited for, however slow the machine is; the limit only ends a hang
PR_SET_PDEATHSIG = 1


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need_program(name, package):
    return shutil.which(name) or skip(f"there is no {name} (Debian: apt-get install {package})")


def need_npm_packages(directory, *packages):
    """Where Node finds them; installs them there. A file beside them says which, so that other versions are fetched anew."""
    need_program("node", "nodejs")
    npm = need_program("npm", "npm")
    done, wanted = directory / "installed", "\n".join(packages)
    if done.exists() and done.read_text() == wanted:
        return directory / "node_modules"
    directory.mkdir(parents=True, exist_ok=True)
    try:
        ran = subprocess.run([npm, "install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund", "--omit=optional",
                              "--ignore-scripts", "--engine-strict", "--fetch-retries=1", "--fetch-retry-maxtimeout=2000",
                              "--fetch-retry-mintimeout=1000", *packages], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        skip("npm does not get an answer")
    if ran.returncode != 0:
        errors = [line for line in ran.stderr.splitlines() if line.lower().startswith(("npm error", "npm err!"))]
        skip(f"npm cannot install {packages[0]}: {errors[0] if errors else ran.stderr.strip()}")
    done.write_text(wanted)
    return directory / "node_modules"


def need_prometheus_client():
    """Goes on in Debian's own Python where this one does not have the package."""
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        debians = "/usr/bin/python3"
        if Path(sys.executable).resolve() != Path(debians).resolve() and Path(debians).exists():
            os.execv(debians, [debians, *sys.argv])
        skip("Python has no prometheus_client (Debian: apt-get install python3-prometheus-client)")


def environment(**variables):
    """Ours, without what would change what a program does; and the variables given."""
    not_ours = re.compile(r"(OTEL|APM|OTLP|JAEGER|PROMETHEUS|TRACING)_|.*_proxy$|(TRACE_SAMPLE_RATE|ENVIRONMENT)$", re.I)
    return {**{name: value for name, value in os.environ.items() if not not_ours.match(name)}, **variables}


def run(main):
    """Runs main(); a signal from CTest unwinds it, so that what it started is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except AssertionError as failure:
        sys.exit(f"FAILED: {failure}")


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def until(condition, what, seconds=PATIENCE):
    """Waits for condition() to be true and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.05)


def attributes(of):
    """Of anything in OTLP/JSON: name, kind and value of each."""
    def value(any_value):
        (kind, v), = any_value.items()
        if kind == "arrayValue":
            parts = [value(part) for part in v.get("values", [])]
            return "ints" if parts and parts[0][0] == "int" else "doubles", [part for _, part in parts]
        word, read = {"intValue": ("int", int), "doubleValue": ("double", float), "boolValue": ("bool", bool),
                      "stringValue": ("text", str)}[kind]
        return word, read(v)

    pairs = [(a["key"], value(a["value"])) for a in of.get("attributes", [])]
    return [(name, kind, repr(v)) for name, (kind, v) in pairs]


KEPT = []   # sockets that keep a port or its name for as long as this script runs


def silent_port():
    """A port of 127.0.0.1 at which connections are refused, now and later: it is bound, and nothing listens."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    KEPT.append(s)
    return s.getsockname()[1]


def own_port(count=1):
    """The first of `count` ports that are free and stay so but for what this script does: none of those that the kernel gives to
    the process that asks for any, and names that only one process can have keep other tests off them (see ../ports.hpp)."""
    try:
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except OSError:
        first, last = 32768, 60999
    ports = range(last + 1, 65536) if 65535 - last >= 1000 else range(1024, first)
    check(len(ports) >= 1000, "the kernel gives away all ports there are")

    def keep(port):
        name, probe = socket.socket(socket.AF_UNIX), socket.socket()
        try:
            with probe:
                name.bind(f"\0apm-test-port-{port}")
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            return None
        return name

    start = os.getpid() * 7
    for i in range(len(ports)):
        at = (start + i) % len(ports)
        if at + count > len(ports):
            continue
        names = [keep(port) for port in ports[at:at + count]]
        if all(names):
            KEPT.extend(names)
            return ports[at]
        for name in filter(None, names):
            name.close()
    raise AssertionError("there is no free port")


def get(url, accept="text/plain"):
    """The text at a URL and its content type."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


class Program:
    """A process that lives as long as the `with` block, whatever happens in it. Its lines can be waited for."""

    def __init__(self, *command, env=None):
        libc = ctypes.CDLL(None)
        self.name = Path(command[0]).name
        self.seen = []
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env=environment(**(env or {})),
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))  # should we be killed without a word
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind not in (None, SystemExit):
            print(f"--- {self.name} said:", *self.seen[-40:], sep="\n    ")

    def line(self, pattern, seconds=PATIENCE):
        """The first match of pattern in the lines to come."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} did not say {pattern!r} within {seconds} s") from None
            check(line is not None, f"{self.name} ended without saying {pattern!r}:\n" + "\n".join(self.seen[-40:]))
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match

    def answers(self, url):
        """What it serves there; None where it does not (yet)."""
        if self.ended():
            self.line("never said")  # fails with what it did say
        try:
            return get(url)
        except (urllib.error.URLError, OSError):
            return None

    @property
    def pid(self):
        return self._process.pid

    def ended(self):
        return self._process.poll() is not None

    def rest(self):
        """All that it said, once it has ended."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
        return self.seen

    def stop(self):
        """Asks it to end, and makes it. Returns its exit status."""
        if not self.ended():
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()


SERVICES = ("payment", "orders", "gateway")     # in the order in which they start


class Shop(Program):
    """The example shop, all of its services: places exactly so many orders, then waits with its endpoints up."""

    def __init__(self, program, orders, port=0, threads=16):
        self._directory = tempfile.TemporaryDirectory(prefix="apm-shop-")
        self.traces = Path(self._directory.name)        # where they write their spans
        super().__init__(program, "--orders", orders, "--threads", threads, "--port", port, "--tally", "--wait",
                         env={"APM_TRACE_DIRECTORY": self._directory.name})
        self.services, self.endpoints = {}, {}
        for service in SERVICES:
            said = self.line(rf"shop-{service}: (http://127\.0\.0\.1:\d+), metrics: (http://127\.0\.0\.1:\d+/metrics)$")
            self.services[service], self.endpoints[service] = said.groups()

    def tally(self):
        """What its customers counted themselves: {(name, labels): number}; waits until they are done."""
        self.line("The shop is closed")
        counts = {}
        for line in self.seen:
            if match := re.match(r"tally ([^ {]+)(?:\{(.*)\})? (-?\d+)$", line):
                labels = frozenset(tuple(pair.split("=", 1)) for pair in (match[2] or "").split(",") if pair)
                counts[match[1], labels] = int(match[3])
        check(counts, "the shop printed no tally")
        return counts


class Prometheus(Program):
    """Debian's Prometheus, on a port of this machine's own address, scraping endpoints every second."""

    def __init__(self, *endpoints):
        self._endpoints = len(endpoints)
        targets = [urllib.parse.urlsplit(url).netloc for url in endpoints]
        program = need_program("prometheus", "prometheus")
        self._directory = tempfile.TemporaryDirectory(prefix="apm-prometheus-")
        config = Path(self._directory.name) / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                          f"scrape_configs: [{{job_name: it, static_configs: [{{targets: {targets}}}]}}]\n")
        port = own_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
                         f"--storage.tsdb.path={self._directory.name}/data", "--log.level=warn")

    def __enter__(self):
        until(self._ready, "Prometheus is ready")
        return self

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self._directory.cleanup()

    def _ready(self):
        return self.answers(self.url + "/-/ready")

    def query(self, expression):
        """The instant vector: {(name, labels): value as text}. Which endpoint a series is from is left out: no two have the same."""
        text, _ = get(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        answer = json.loads(text)
        check(answer["status"] == "success", f"{expression}: {text}")
        result = {}
        for series in answer["data"]["result"]:
            labels = {k: v for k, v in series["metric"].items() if k not in ("__name__", "instance", "job")}
            key = series["metric"].get("__name__", ""), frozenset(labels.items())
            check(key not in result, f"{expression}: {key} is at two endpoints")
            result[key] = series["value"][1]
        return result

    def number(self, expression):
        values = self.query(expression)
        check(len(values) == 1, f"{expression} gives {len(values)} values")
        return float(next(iter(values.values())))

    def wait_for_scrape(self):
        """Until scrapes of all endpoints that began after this call are in."""
        now = time.time()

        def scraped():
            up = self.query("count(up == 1)")
            times = self.query("min(timestamp(up) and up == 1)")  # of `up == 1` it would be the time of the query
            return up and int(next(iter(up.values()))) == self._endpoints and float(next(iter(times.values()))) > now
        until(scraped, "Prometheus scrapes the endpoints")
