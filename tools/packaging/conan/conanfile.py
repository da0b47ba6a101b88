"""Conan 2 recipe: conan create <this repository>/tools/packaging/conan. It packages the checkout that it lies in."""
import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

ROOT = "../../.."
BACKENDS = ("console", "file", "otlp", "prometheus")


class Apm(ConanFile):
    name = "apm"
    license = "Apache-2.0"
    description = "Metrics and traces for C++20 programs, declared once and checked by the compiler"
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {backend: [True, False] for backend in BACKENDS}
    default_options = {backend: True for backend in BACKENDS}

    def set_version(self):
        config = Path(self.recipe_folder, ROOT, "include", "apm", "config.hpp").read_text()
        self.version = re.search(r'#define APM_VERSION "([^"]+)"', config)[1]

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "include/*", "schema/*", "tools/*"):
            copy(self, pattern, Path(self.recipe_folder, ROOT), self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, "20")

    def requirements(self):
        self.requires("boost/[>=1.81]", transitive_headers=True, options={"header_only": True})
        if self.options.prometheus:
            self.requires("libmicrohttpd/[>=0.9.75]")
        if self.options.otlp:
            self.requires("libcurl/[>=7.88 <9]")
            self.requires("protozero/[>=1.7]")
        if self.options.otlp or self.options.prometheus:
            self.requires("zlib/[>=1.2.11 <2]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for name in ("TESTS", "BENCH", "EXAMPLES", "TOOLS"):
            toolchain.cache_variables[f"APM_BUILD_{name}"] = False
        for backend in BACKENDS:
            toolchain.cache_variables[f"APM_BACKEND_{backend.upper()}"] = bool(getattr(self.options, backend))
        toolchain.cache_variables["APM_WITH_PROMETHEUS_CPP"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")   # our own apmConfig.cmake is found
        self.cpp_info.builddirs.append("lib/cmake/apm")
        self.cpp_info.libs = ["apm-runtime"]
