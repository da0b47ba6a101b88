// The program's own malloc, calloc and aligned_alloc trace, with a guard against themselves as they need it: in the middle of
// what the library allocates for, such as the first span of a thread, and the objects that spans are.
// NOT-UNDER address,thread it has an allocator of its own
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "span_scar.hpp"

using scar::traced;

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

namespace {
bool tracing = false;
thread_local bool inside = false;
std::uint64_t allocations = 0;

class note {
public:
    explicit note(std::size_t size) {
        if (!tracing || inside) return;
        inside = true;
        scope_.emplace(traced.step.scope({.n = size, .text = "allocation"}));
        scope_->event("allocated");
        ++allocations;
    }
    ~note() {
        if (!scope_) return;
        scope_.reset();
        inside = false;
    }

private:
    std::optional<decltype(traced.step.scope({.n = 1}))> scope_;
};
}  // namespace

extern "C" void* malloc(std::size_t size) noexcept {
    const note n(size);
    return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t n, std::size_t size) noexcept {
    const note all(n * size);
    return __libc_calloc(n, size);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    const note n(size);
    return __libc_memalign(alignment, size);
}

static std::uint64_t begun = 0;

static void nest(int depth) {  // takes more objects than there are
    const auto s = traced.step.scope({.n = 1});
    ++begun;
    scar::require(apm::context::current() == s.context(), "the innermost span is the current one", static_cast<unsigned>(depth));
    s.event("much to say", {{"text", std::string(1000, 'x')}});
    if (depth) nest(depth - 1);
    scar::require(apm::context::current() == s.context(), "and is so again", static_cast<unsigned>(depth));
}

int main() {
    tracing = true;
    { const auto first = traced.plain.scope(); }
    ++begun;
    std::uint64_t drained = 0, of_allocator = 0;
    for (int i = 0; i < 10; ++i) {
        std::thread([] { nest(30); }).join();
        nest(10);
        tracing = false;
        drained += scar::drain([&](const apm::span_view& s) {
            const char* name = nullptr;
            s.events([&](const apm::event_view& e) { name = e.name().data(); of_allocator += e.name() == "allocated"; });
            scar::require(s.row().name == std::string_view("plain") || name, "each has its event");
        });
        tracing = true;
    }
    tracing = false;
    scar::require(of_allocator == allocations, "what the allocator traced", of_allocator);
    scar::require(allocations > 100, "which was something", allocations);
    scar::require(drained == begun + allocations, "and what the program did", drained);
    scar::require_conserved();
}
