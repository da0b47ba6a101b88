// A program that records, with two modules that do: linked to it (-DLINKED), or opened while it runs.
//
//   host [--close] [--apart] [liba.so libb.so]
//
// --close: module a is closed before the last looks; --apart: module b was built from another schema of that name.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <dlfcn.h>

#include <apm/spans.hpp>

#include "shared.hpp"

#ifdef LINKED
extern "C" void record_a(unsigned), record_b(unsigned), look_a(odr::view*), look_b(odr::view*);
extern "C" const void *root_a(), *root_b();
#endif

namespace {

struct module {
    void* handle = nullptr;
    void (*record)(unsigned) = nullptr;
    void (*look)(odr::view*) = nullptr;
    const void* (*root)() = nullptr;
};

module open(const char* path, const char* suffix) {
    module m;
    m.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m.handle) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    const auto find = [&](const char* name) { return dlsym(m.handle, (std::string(name) + suffix).c_str()); };
    m.record = reinterpret_cast<void (*)(unsigned)>(find("record"));
    m.look = reinterpret_cast<void (*)(odr::view*)>(find("look"));
    m.root = reinterpret_cast<const void* (*)()>(find("root"));
    return m;
}

int failures = 0;
void expect(std::uint64_t got, std::uint64_t wanted, const char* what) {
    if (got == wanted) return;
    std::fprintf(stderr, "failed: %s is %llu, not %llu\n", what, static_cast<unsigned long long>(got), static_cast<unsigned long long>(wanted));
    ++failures;
}
void expect_all(const odr::view& v, std::uint64_t records, const char* who) {
    std::fprintf(stderr, "as %s sees it\n", who);
    expect(v.events, records, "events");
    expect(v.sides, records, "sides");
    expect(v.cities, records, "cities");
    expect(v.sizes, records, "sizes");
}

std::atomic<int> lines{0};

}  // namespace

int main(int argc, char** argv) {
    bool close = false, apart = false;
    module a, b;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; ++at) (std::string(argv[at]) == "--close" ? close : apart) = true;
    apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char* line) {
        std::fprintf(stderr, "apm: %s\n", line);
        ++lines;
    }));
#ifdef LINKED
    a = {nullptr, record_a, look_a, root_a}, b = {nullptr, record_b, look_b, root_b};
#else
    a = open(argv[at], "_a"), b = open(argv[at + 1], "_b");
#endif

    // This thread and others, in each module, in any order.
    constexpr unsigned n = 1000;
    const auto all = [&] { a.record(n), odr::record_everywhere(n), b.record(n); };
    all();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back(all);
    for (std::thread& t : threads) t.join();

    const auto check = [&](const char* who, auto look) {
        odr::view v;
        look(&v);
        expect_all(v, 4 * 3 * n + 3, who);
        expect(v.stores, apart ? 2 : 1, "schemas of this name");
        expect(v.blocks > 4 * (apart ? 3 : 2), false, "more blocks than a thread and schema has, and a thread for its spans");
        expect(v.conflicts, apart ? 1 : 0, "conflicts");
    };
    // A span of one module is the parent of another's; each thread has one ring.
    const auto check_spans = [&] {
        while (apm::drain_spans().more) {}
        std::uint64_t trace = 0, parent = 0, children = 0;
        {
            TRACE_SCOPE(odr::telemetry.call);
            parent = apm::current_span().context().span, trace = apm::current_span().context().trace.low;
            a.record(1), b.record(1), std::thread(apm::wrap([&] { a.record(1); })).join();
        }
        for (const apm::span_view& s : apm::drain_spans().spans)
            children += s.parent() == parent && s.trace().low == trace && std::string_view(s.name()) == "call";
        expect(children, 3, "spans of modules below the program's");
    };
    check_spans();

    const auto look_here = [](odr::view* v) { *v = odr::look(); };
    check("the program", look_here);
    check("module a", a.look);
    check("module b", b.look);
    expect(a.root() == &apm::detail::process_root(), true, "module a's root");
    expect(b.root() == a.root(), true, "module b's root");
    expect(static_cast<std::uint64_t>(lines), apart ? 1 : 0, "lines");

    if (close) {
        dlclose(a.handle);
        check("the program, module a closed,", look_here);
        check("module b, module a closed,", b.look);
        module again = open(argv[at], "_a");
        again.record(0);
        check("module a, opened again,", again.look);
        std::thread([&] { again.record(0), b.record(0); }).join();
        dlclose(again.handle);
        dlclose(b.handle);
        check("the program, all closed,", look_here);
    }
    return failures;
}
