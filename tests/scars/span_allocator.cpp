// The program's own operator new and delete trace, from the very first allocation and inside a drain, and so does its malloc,
// which a span with much to say calls: all of them without any guard.
// NOT-UNDER address,thread it has an allocator of its own
#include <atomic>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "span_scar.hpp"

using scar::traced;

extern "C" void* __libc_malloc(std::size_t);
extern "C" void __libc_free(void*);

static std::atomic<std::uint64_t> traced_by_it{0};

extern "C" void* malloc(std::size_t size) noexcept {
    const auto s = traced.step.scope({.n = size, .text = "malloc"});
    ++traced_by_it;
    return __libc_malloc(size);
}
extern "C" void free(void* p) noexcept {
    const auto s = traced.plain.scope();
    ++traced_by_it;
    __libc_free(p);
}
void* operator new(std::size_t size) {
    const auto s = traced.step.scope({.n = size, .text = "new"});
    ++traced_by_it;
    if (void* p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
    const auto s = traced.plain.scope();
    ++traced_by_it;
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

int main() {
    scar::keep_quiet();
    std::uint64_t own = 0, children = 0;
    for (int i = 0; i < 4; ++i) {
        std::thread([] {
            std::vector<std::string> all;
            for (int n = 0; n < 100; ++n) {
                all.push_back("a string that does not fit into itself " + std::to_string(n));
                auto s = traced.step.scope({.n = 1'000'000});
                s.set<&scar::Said::text>(std::string(3000, 'x'));  // calls malloc
            }
        }).join();
        for (bool more = true; more;) {  // every drain leaves new spans
            const apm::span_batch batch = apm::drain_spans();
            more = batch.more;
            for (const apm::span_view& s : batch.spans) own += scar::number_of(s) == 1'000'000, children += s.parent() != 0;
        }
    }
    scar::require(children > 0, "what was allocated for a span is traced below it", children);
    const apm::span_totals t = apm::count_spans();
    scar::require(t.started > 400 && own + t.dropped() >= 400, "the program's own spans", own);
    scar::require(t.dropped_memory == 0, "there was memory", t.dropped_memory);
}
