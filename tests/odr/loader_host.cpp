// A plugin's constructor starts a thread, which records for the first time in the program, and waits for it. The dynamic
// linker holds its lock meanwhile.
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>
#include <unistd.h>

#include "shared.hpp"

extern "C" [[gnu::visibility("default")]] void record_in_the_program() { odr::record_everywhere(10); }

int main(int, char** argv) {
    alarm(120);  // a hang ends the program with a signal
    if (!dlopen(argv[1], RTLD_NOW | RTLD_LOCAL)) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    return odr::look().events == 10 ? 0 : 1;
}
