#!/usr/bin/env python3
"""Gets the peers that real.py tests against: an OpenTelemetry Collector and a VictoriaMetrics.

usage: fetch.py DIRECTORY [--only WHAT] [--mirror URL] [--seconds N]      WHAT: collector or victoria-metrics

They are made of the Debian packages in packages.txt, which are downloaded, checked, and unpacked in DIRECTORY; nothing is
installed, and apt's sources stay as they are. Left there are DIRECTORY/collector and DIRECTORY/victoria-metrics, and beside each a
stamp that says what it was made of; as long as that is still right, another run does nothing.

Where a file is gone, because a newer version has replaced it, the whole list is looked up in the index of forky, then of sid.
Exits with 77 and says why where that does not help either; DIRECTORY/WHAT.absent says it, too.
"""
import argparse
import fcntl
import hashlib
import lzma
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
MIRROR = "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = ("forky", "sid")       # where to look for what is gone
AT_ONCE = 6
SECONDS_SILENT = 15             # that a server may say nothing
SECONDS = 200                   # that all of it may take


class Absent(Exception):
    """The peer cannot be had, for the reason given."""


class Gone(Absent):
    """A file is not on the mirror any more."""


class Deadline:
    """When it is over, there is no peer."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def left(self, what):
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise Absent(f"the time is over, before {what}")
        return seconds


class Package(NamedTuple):
    peer: str
    suite: str
    name: str
    version: str
    path: str
    size: int
    sha256: str


def pinned(peer):
    lines = [line.split() for line in (HERE / "packages.txt").read_text().splitlines() if line and not line.startswith("#")]
    return [Package(*words[:5], int(words[5]), words[6]) for words in lines if words[0] == peer]


# --- downloads --------------------------------------------------------------------------------------------------------

def download(url, to, deadline, size=None, sha256=None):
    """Into the file `to`."""
    digest, read = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=min(SECONDS_SILENT, deadline.left(url))) as answer, open(to, "wb") as file:
            while chunk := answer.read(1 << 18):
                read += len(chunk)
                digest.update(chunk)
                file.write(chunk)
                deadline.left(f"{url} was there")
                if size is not None and read > size:
                    break
    except urllib.error.HTTPError as error:
        raise (Gone if error.code in (404, 410) else Absent)(f"{url}: {error}") from None
    except OSError as error:
        raise Absent(f"{url}: {getattr(error, 'reason', error)}") from None
    if sha256 is not None and (read, digest.hexdigest()) != (size, sha256):
        raise Absent(f"{url}: {read} bytes with SHA-256 {digest.hexdigest()}, and not {size} with {sha256}")


def download_all(packages, mirror, directory, deadline):
    def one(package):
        file = directory / Path(package.path).name
        download(f"{mirror}/{package.path}", file, deadline, package.size, package.sha256)
        return file

    # The smallest first: whether something is gone is known before the large ones are fetched.
    queue = sorted(packages, key=lambda package: package.size)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        running = [pool.submit(one, package) for package in queue]
        return [future.result() for future in running]
    finally:
        pool.shutdown(cancel_futures=True)


# --- the index of a suite ---------------------------------------------------------------------------------------------

def index(suite, mirror, directory, deadline):
    """{package: its fields}; signed by Debian."""
    if not shutil.which("gpgv") or not Path(KEYS).exists():
        raise Absent(f"without gpgv and {KEYS} the index of {suite} cannot be trusted")
    signed, release, packed = (directory / f"{suite}.{what}" for what in ("InRelease", "Release", "Packages.xz"))
    download(f"{mirror}/dists/{suite}/InRelease", signed, deadline)
    done = subprocess.run(["gpgv", "--quiet", "--keyring", KEYS, "--output", release, signed], capture_output=True, text=True)
    if done.returncode != 0:
        raise Absent(f"the index of {suite} is not signed as it should be: {done.stderr.strip()}")
    path = "main/binary-amd64/Packages.xz"
    line = re.search(rf"^ ([0-9a-f]{{64}}) +(\d+) {path}$", release.read_text(), re.M)
    if not line:
        raise Absent(f"the index of {suite} has no {path}")
    download(f"{mirror}/dists/{suite}/{path}", packed, deadline, int(line[2]), line[1])
    with lzma.open(packed, "rt", encoding="utf-8") as file:
        paragraphs = file.read().split("\n\n")
    packed.unlink()
    fields = (dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", paragraph, re.M)) for paragraph in paragraphs)
    return {f["Package"]: f for f in fields if "Package" in f}


def as_package(peer, suite, fields):
    return Package(peer, suite, fields["Package"], fields["Version"], fields["Filename"], int(fields["Size"]), fields["SHA256"])


def looked_up(packages, suite, now):
    """The same packages as the suite has them `now`. A toolchain that is there no more becomes the suite's default."""
    default = re.search(r"golang-(\d+\.\d+)-go", now.get("golang-go", {}).get("Depends", ""))

    def name(package):
        if package.name in now or not default:
            return package.name
        return re.sub(r"^golang-\d+\.\d+-(go|src)$", rf"golang-{default[1]}-\1", package.name)

    missing = sorted(name(package) for package in packages if name(package) not in now)
    if missing:
        raise Absent(f"{suite} has no {', '.join(missing)}")
    return [as_package(package.peer, suite, now[name(package)]) for package in packages]


def debian_names(import_path):
    """What Debian calls the package that has it, most likely."""
    host, *rest = import_path.lower().split("/")
    host = {"github.com": "github", "golang.org": "golang", "google.golang.org": "google", "go.opentelemetry.io": "opentelemetry",
            "gopkg.in": "gopkg"}.get(host, host)
    parts = [part for part in rest if not re.fullmatch(r"v\d+", part)]
    names = ["-".join(["golang", host, *parts[:n]]).replace("_", "-") for n in (3, 2, 1)]
    return [name + end for name in names for end in ("-dev", "-go-dev")]


# --- making the peers -------------------------------------------------------------------------------------------------

def unpack(file, to, *only):
    """Without tests, their data, and the toolchain's own programs' sources: two files of three."""
    left_out = ["*/testdata/*", "*_test.go", "./usr/share/doc", "./usr/share/go-*/test/*", "./usr/share/go-*/src/cmd/*"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as tar:
        done = subprocess.run(["tar", "-x", "-C", to, *(f"--exclude={what}" for what in left_out), *only],
                              stdin=tar.stdout, stderr=subprocess.PIPE, text=True)
    if tar.returncode != 0 or done.returncode != 0:
        raise Absent(f"{file.name} cannot be unpacked: {done.stderr.strip()[-500:]}")


def make_collector(files, directory, deadline, more):
    root = directory / "root"
    root.mkdir()

    def unpack_all(files):
        for file in files:
            unpack(file, root)
            file.unlink()

    unpack_all(files)
    toolchains = list(root.glob("usr/lib/go-*"))
    if len(toolchains) != 1:
        raise Absent(f"there are {len(toolchains)} Go toolchains in the packages")
    # As Debian builds its own: all that is imported lies in one tree of sources. One processor, since other tests run meanwhile.
    env = {"PATH": os.environ["PATH"], "HOME": str(directory), "GOROOT": str(toolchains[0]),
           "GOPATH": str(root / "usr/share/gocode"), "GO111MODULE": "off", "GOCACHE": str(directory / "cache"),
           "GOTMPDIR": str(directory), "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "", "GOTELEMETRY": "off",
           "CGO_ENABLED": "0", "GOMAXPROCS": "1"}
    made = directory / "collector"

    def go(*arguments):
        what = "the collector was built"
        try:
            return subprocess.run([toolchains[0] / "bin/go", *arguments, HERE / "collector/main.go"], env=env, cwd=directory,
                                  capture_output=True, text=True, timeout=deadline.left(what))
        except subprocess.TimeoutExpired:
            raise Absent(f"the time is over, before {what}") from None

    # Another version may import what the pinned one does not; that again may import more.
    for _ in range(5):
        problems = go("list", "-e", "-deps", "-f", "{{with .Error}}{{.}}{{end}}").stdout
        missing = set(re.findall(r'cannot find package "([^"]+)"', problems))
        found = more(missing) if missing else []
        if not found:
            break
        unpack_all(found)
    done = go("build", "-p", "1", "-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w", "-o", made)   # quickly
    if done.returncode != 0:
        raise Absent(f"the collector does not build:\n{done.stderr.strip()[-2000:]}")
    return made


def make_victoria_metrics(files, directory, *_):
    unpack(files[0], directory, "./usr/bin/victoria-metrics")
    made = directory / "usr/bin/victoria-metrics"
    # It may need a newer libc, or libzstd, than there is.
    done = subprocess.run([made, "-version"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Absent(f"victoria-metrics does not start here: {(done.stderr or done.stdout).strip()[-500:]}")
    return made


MAKE = {"collector": make_collector, "victoria-metrics": make_victoria_metrics}
SHOWN = {"collector": "golang-opentelemetry-collector-dev", "victoria-metrics": "victoria-metrics"}


# What a stamp has to begin with.
def inputs(peer):
    digest = hashlib.sha256(repr(pinned(peer)).encode())
    if peer == "collector":
        digest.update((HERE / "collector/main.go").read_bytes())
    return digest.hexdigest()


def made(peer, directory):
    """What the peer was made of, as its stamp says; None where it is not there or was made of something else."""
    stamp = Path(directory) / f"{peer}.stamp"
    if not stamp.exists() or not (Path(directory) / peer).exists():
        return None
    first, _, rest = stamp.read_text().partition("\n")
    return rest.strip() if first == inputs(peer) else None


def prepare(peer, directory, mirror, deadline):
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Absent(f"the packages are pinned for Linux on amd64, and this is {sys.platform} on {platform.machine()}")
    for program, package in (("dpkg-deb", "dpkg"), ("tar", "tar")):
        if not shutil.which(program):
            raise Absent(f"there is no {program} (Debian: apt-get install {package})")
    failures = []
    for suite in (None, *SUITES):
        # Beside the result, so that it can be moved in one step.
        with tempfile.TemporaryDirectory(prefix=f"{peer}.unpacked-", dir=directory) as temporary:
            temporary = Path(temporary)
            now, packages = {}, pinned(peer)

            def more(import_paths):
                """Downloads packages that are not on the list."""
                names = {next((n for n in debian_names(path) if n in now), None) for path in import_paths}
                names -= {None, *(package.name for package in packages)}
                found = [as_package(peer, suite, now[name]) for name in sorted(names)]
                packages.extend(found)
                return download_all(found, mirror, temporary, deadline)

            try:
                if suite:
                    now = index(suite, mirror, temporary, deadline)
                    packages = looked_up(packages, suite, now)
                started = time.monotonic()
                files = download_all(packages, mirror, temporary, deadline)
                loaded = time.monotonic()
                result = MAKE[peer](files, temporary, deadline, more)
            except Absent as absent:
                failures.append(str(absent))
                if not suite and not isinstance(absent, Gone):
                    raise
                continue
            version, = (p.version for p in packages if p.name == SHOWN[peer])
            of = f", as {suite} has it now" if suite else ""
            megabytes = sum(package.size for package in packages) / 1e6
            said = (f"{peer} {version}{of}: {len(packages)} packages, {megabytes:.1f} MB, downloaded in {loaded - started:.0f} s, "
                    f"made in {time.monotonic() - loaded:.0f} s"
                    + "".join(f"\n    since {failure}" for failure in failures))
            (directory / f"{peer}.stamp").unlink(missing_ok=True)
            os.replace(result, directory / peer)
            (directory / f"{peer}.stamp").write_text(f"{inputs(peer)}\n{said}\n")
            return said
    raise Absent("; ".join(failures))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", choices=MAKE)
    parser.add_argument("--mirror", default=MIRROR)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that all of it may take")
    arguments = parser.parse_args()
    directory = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    deadline, absent = Deadline(arguments.seconds), False
    lock = open(directory / "lock", "w")    # the second process finds it made
    fcntl.flock(lock, fcntl.LOCK_EX)
    for left_over in directory.glob("*.unpacked-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    for peer in [arguments.only] if arguments.only else ["victoria-metrics", "collector"]:
        reason = directory / f"{peer}.absent"
        if said := made(peer, directory):
            print(f"already there: {said}")
            continue
        try:
            print(prepare(peer, directory, arguments.mirror, deadline), flush=True)
            reason.unlink(missing_ok=True)
        except Absent as problem:
            print(f"skipped: {peer}: {problem}", flush=True)
            reason.write_text(f"{problem}\n")
            absent = True
    sys.exit(77 if absent else 0)


if __name__ == "__main__":
    main()
