#!/usr/bin/env python3
"""Uses apm without find_package: through pkg-config, as a Debian package, and by one include in one file.

usage: package.py pkg_config --prefix PREFIX --build DIR [--compiler COMPILER]
       package.py deb --package BUILD --build DIR [--compiler COMPILER]       BUILD: where cpack finds what it packs
       package.py one_file --build DIR [--compiler COMPILER]
       package.py unwinding [--compiler COMPILER] --build DIR
       package.py recipes
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSUMER = ROOT / "tests/package/consumer"
SAYS = "recording: on, orders: 3"
PLAIN = ["-fno-exceptions", "-fno-rtti"]     # files that record, and the one that owns main, need neither


def run(*command, **how):
    """What it printed; ends this test where it fails."""
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    if ran.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {ran.returncode}\n{ran.stdout}")
    return ran.stdout


def expect(condition, words):
    if not condition:
        sys.exit(words)


def compile_consumer(options, flags, libraries, *more):
    """Compiles the consumer by hand, without exceptions, and runs it."""
    program = options.build / "consumer"
    objects = []
    for source in (CONSUMER / "main.cpp", CONSUMER / "shop.cpp", *more):
        objects.append(options.build / (source.stem + ".o"))
        own = [] if source in more else PLAIN
        run(options.compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", *own, *flags, "-c", source, "-o", objects[-1])
    run(options.compiler, *objects, *libraries, "-o", program)
    said = run(program)
    expect(SAYS in said, f"{program} says {said}")


def pkg_config(options):
    if not shutil.which("pkg-config"):
        print("skipped: there is no pkg-config")
        sys.exit(77)
    found = list(options.prefix.rglob("apm-runtime.pc"))
    expect(len(found) == 1, f"{options.prefix} has {len(found)} files apm-runtime.pc")
    environment = os.environ | {"PKG_CONFIG_PATH": str(found[0].parent)}
    flags = run("pkg-config", "--cflags", "apm-runtime", env=environment).split()
    records = run("pkg-config", "--cflags", "apm", env=environment).split()
    expect(len(records) == 1 and set(records) <= set(flags), f"a file that records has the flags {records}")
    compile_consumer(options, flags, run("pkg-config", "--libs", "apm-runtime", env=environment).split())


def deb(options):
    if not shutil.which("dpkg-deb"):
        print("skipped: there is no dpkg-deb")
        sys.exit(77)
    run("cpack", "-G", "DEB", "-B", options.build, cwd=options.package)
    packages = list(options.build.glob("*.deb"))
    expect(len(packages) == 1, f"cpack wrote {packages}")
    fields = {name: run("dpkg-deb", "--field", packages[0], name).strip() for name in ("Package", "Version", "Depends")}
    expect(fields["Package"] == "libapm-dev", fields)
    # Here it is unpacked, not installed; that a clean system could install it is seen from what it depends on.
    for alternatives in fields["Depends"].split(","):
        names = [re.match(r"[a-z0-9.+-]+", one.strip())[0] for one in alternatives.split("|")]
        installed = [subprocess.run(["dpkg-query", "-W", name], capture_output=True).returncode == 0 for name in names]
        expect(any(installed), f"the package depends on {alternatives}, which is not installed here though apm was built")
    root = options.build / "root"
    run("dpkg-deb", "--extract", packages[0], root)
    expect((root / "usr/include/apm/schema/apm.hpp").is_file(), "the package lacks apm/schema/apm.hpp")
    expect(list(root.rglob("libapm-runtime.a")), "the package lacks the library")
    configure = ["cmake", "-S", CONSUMER, "-B", options.build / "consumer", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={root}/usr",
                 f"-DCMAKE_CXX_COMPILER={options.compiler}"]
    run(*configure)
    run("cmake", "--build", options.build / "consumer")
    said = run(options.build / "consumer/consumer")
    expect(SAYS in said, f"the consumer says {said}")


def one_file(options):
    everything = options.build / "everything.cpp"
    everything.write_text("#include <apm/impl/all.ipp>\n")
    flags = [f"-I{ROOT / 'include'}", "-DAPM_BACKEND_FILE=1", "-DAPM_BACKEND_CONSOLE=1"]
    compile_consumer(options, flags, ["-pthread", "-ldl"], everything)


def unwinding(options):
    """Where one file is compiled without exceptions, another that needs clean-up still has it: the linker takes the first copy of an
    inline function, here that of main."""
    directory = ROOT / "tests/package/unwinding"
    for level in ("-O0", "-O2"):
        objects = []
        for source, own in (("main", PLAIN), ("fault", [])):
            objects.append(options.build / f"{source}.o")
            run(options.compiler, "-std=c++20", level, f"-I{ROOT / 'include'}", *own, "-c", directory / f"{source}.cpp", "-o", objects[-1])
        program = options.build / "unwinding"
        run(options.compiler, *objects, "-pthread", "-ldl", "-o", program)
        said = run(program, timeout=60)
        expect("collected after a failure" in said, f"{program} at {level} says {said}")


def recipes(_):
    """The recipes for vcpkg and Conan name every back end and this version. (Neither tool is run.)"""
    version = re.search(r'#define APM_VERSION "([^"]+)"', (ROOT / "include/apm/config.hpp").read_text())[1]
    backends = set(re.findall(r"^  apm_backend\((\w+)", (ROOT / "tools/cmake/apmBackends.cmake").read_text(), re.M))
    expect(backends, "no back end is found in tools/cmake/apmBackends.cmake")
    packaging = ROOT / "tools/packaging"
    port = json.loads((packaging / "vcpkg/vcpkg.json").read_text())
    expect(port["version-semver"] == version, f"vcpkg.json has version {port['version-semver']}, not {version}")
    expect({name.upper() for name in port["features"]} == backends, f"vcpkg.json has other features than {backends}")
    portfile = (packaging / "vcpkg/portfile.cmake").read_text()
    expect(set(re.findall(r"APM_BACKEND_(\w+)", portfile)) == backends, f"portfile.cmake has other options than {backends}")
    recipe = (packaging / "conan/conanfile.py").read_text()
    compile(recipe, "conanfile.py", "exec")
    named = set(re.findall(r'"(\w+)"', re.search(r"^BACKENDS = \((.*)\)$", recipe, re.M)[1]))
    expect({name.upper() for name in named} == backends, f"conanfile.py has other back ends than {backends}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=("pkg_config", "deb", "one_file", "unwinding", "recipes"))
    parser.add_argument("--prefix", type=Path)
    parser.add_argument("--package", type=Path)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--compiler", default="g++")
    options = parser.parse_args()
    if options.build:
        shutil.rmtree(options.build, ignore_errors=True)
        options.build.mkdir(parents=True)
    globals()[options.way](options)
    print(f"{options.way}: as expected")


if __name__ == "__main__":
    main()
