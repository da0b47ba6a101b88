// The first plugin never records: its root is used all the same, and must outlive its dlclose.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>

struct view {
    std::uint64_t events, sides, cities, sizes, level, stores, blocks, conflicts;
};

int main(int, char** argv) {
    void* a = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void* b = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (!a || !b) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    reinterpret_cast<void (*)(unsigned)>(dlsym(b, "record_b"))(100);
    dlclose(a);
    view v{};
    reinterpret_cast<void (*)(view*)>(dlsym(b, "look_b"))(&v);
    // Closed at once, and loaded still: before its first record would be too late to see to that.
    void* c = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
    if (!c) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    dlclose(c);
    const bool stayed = dlopen(argv[3], RTLD_NOW | RTLD_NOLOAD) != nullptr;
    if (v.events != 100 || !stayed)
        std::fprintf(stderr, "failed: %llu events, an unused module %s\n", static_cast<unsigned long long>(v.events),
                     stayed ? "stayed" : "was unloaded");
    return v.events == 100 && stayed ? 0 : 1;
}
