// Uses the plugins given as arguments: `NAME` is opened, `-NAME` is closed again after its work. Prints the totals that
// anybody who collects sees; without -DPROGRAM_HAS_APM it asks the first plugin that can tell.
#include <dlfcn.h>

#include <cstdio>
#include <initializer_list>

#ifdef PROGRAM_HAS_APM
#include "totals.hpp"
#ifdef OFF_FILE
void record_in_a_file_that_is_off();
#endif
#endif

int main(int argc, char** argv) {
#ifdef PROGRAM_HAS_APM
    odr::telemetry.calls.add(1, {.who = odr::Who::program});
#ifdef OFF_FILE
    record_in_a_file_that_is_off();
#endif
#endif
    void (*tell)() = nullptr;
    for (int i = 1; i < argc; ++i) {
        const bool close = argv[i][0] == '-';
        void* plugin = dlopen(argv[i] + close, RTLD_NOW | RTLD_LOCAL);
        if (!plugin) return std::fprintf(stderr, "%s\n", dlerror()), 1;
        for (const char* name : {"left", "right"})
            if (void* work = dlsym(plugin, name)) reinterpret_cast<void (*)()>(work)();
        if (void* t = dlsym(plugin, "tell")) tell = reinterpret_cast<void (*)()>(t);
        if (close) dlclose(plugin);
    }
#ifdef PROGRAM_HAS_APM
    tell = print_totals;
#endif
    if (tell) tell();
}
