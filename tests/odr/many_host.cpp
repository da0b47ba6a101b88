// Opens many copies of one plugin, each a module of its own; they all meet in one schema.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>

struct view {
    std::uint64_t events, sides, cities, sizes, level, stores, blocks, conflicts;
};

int main(int argc, char** argv) {
    void* last = nullptr;
    for (int i = 1; i < argc; ++i) {
        last = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!last) std::fprintf(stderr, "module %d: %s\n", i, dlerror()), std::exit(1);
        reinterpret_cast<void (*)(unsigned)>(dlsym(last, "record_a"))(1);
    }
    view v{};
    reinterpret_cast<void (*)(view*)>(dlsym(last, "look_a"))(&v);
    const bool good = v.events == static_cast<std::uint64_t>(argc - 1) && v.stores == 1 && v.blocks == 2;  // one for the spans of the thread
    if (!good) std::fprintf(stderr, "failed: %llu events of %d modules\n", static_cast<unsigned long long>(v.events), argc - 1);
    return good ? 0 : 1;
}
