// A program without apm that opens two plugins with it, closes the first, and asks the second.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <dlfcn.h>

struct view {  // odr::view
    std::uint64_t events, sides, cities, sizes, level, stores, blocks, conflicts;
};

static void* find(void* module, const char* name) {
    void* f = dlsym(module, name);
    if (!f) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    return f;
}
static void* open(const char* path) {
    void* module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    return module;
}

int main(int, char** argv) {
    void* a = open(argv[1]);
    void* b = open(argv[2]);
    using record = void (*)(unsigned);
    using look = void (*)(view*);
    // The second plugin is first: it takes its place in the first one's root, which has recorded nothing yet.
    std::thread([&] { reinterpret_cast<record>(find(b, "record_b"))(100); }).join();
    std::thread([&] { reinterpret_cast<record>(find(a, "record_a"))(10); }).join();
    reinterpret_cast<record>(find(b, "record_b"))(1);
    view of_a{}, of_b{};
    reinterpret_cast<look>(find(a, "look_a"))(&of_a);
    reinterpret_cast<look>(find(b, "look_b"))(&of_b);
    dlclose(a);
    view later{};
    reinterpret_cast<look>(find(b, "look_b"))(&later);
    dlclose(b);
    const bool good = of_a.events == 111 && of_b.events == 111 && later.events == 111 && later.cities == 111 && later.stores == 1 &&
                      later.blocks <= 4;  // of two threads, for the schema and for spans
    if (!good)
        std::fprintf(stderr, "failed: events %llu %llu %llu, schemas %llu, blocks %llu\n", static_cast<unsigned long long>(of_a.events),
                     static_cast<unsigned long long>(of_b.events), static_cast<unsigned long long>(later.events),
                     static_cast<unsigned long long>(later.stores), static_cast<unsigned long long>(later.blocks));
    return good ? 0 : 1;
}
