// A program, and a module whose headers were of another version: two stores that do not know of each other, each exact.
//
//   versions_host libb.so
#include <cstdio>

#include <dlfcn.h>

#include "shared.hpp"

int main(int, char** argv) {
    void* const b = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!b) return std::fprintf(stderr, "%s\n", dlerror()), 1;
    const auto record = reinterpret_cast<void (*)(unsigned)>(dlsym(b, "record_b"));
    const auto look = reinterpret_cast<void (*)(odr::view*)>(dlsym(b, "look_b"));
    odr::record_everywhere(1000);
    record(30);
    odr::view there;
    look(&there);
    const odr::view here = odr::look();
    const bool apart = here.stores == 1 && there.stores == 1 && here.conflicts + there.conflicts == 0;
    if (here.events == 1000 && there.events == 30 && apart) return 0;
    return std::fprintf(stderr, "failed: %llu events here, %llu there\n", static_cast<unsigned long long>(here.events),
                        static_cast<unsigned long long>(there.events)), 1;
}
