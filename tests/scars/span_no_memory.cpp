// Memory runs out: for a thread, for spans, for what they say, for rings, for the drain. What cannot be kept is counted, nothing
// crashes, and all is well once there is memory again.
// NOT-UNDER address,thread it has an allocator of its own
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/syscall.h>

#include "span_scar.hpp"

using scar::traced;

static std::atomic<bool> exhausted{false}, no_maps{false};
static std::atomic<int> allowed{-1};  // so many allocations, and no more; -1: any number

static bool refused() { return exhausted || (allowed >= 0 && --allowed < 0 && (exhausted = true)); }

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t size) noexcept { return refused() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) noexcept { return refused() ? nullptr : __libc_calloc(n, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return refused() ? nullptr : __libc_memalign(alignment, size);
}
void* mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
    if (no_maps) return MAP_FAILED;
    return reinterpret_cast<void*>(syscall(SYS_mmap, at, size, protection, flags, file, offset));
}
}

// As many threads, alive before memory runs out, each to run f then.
template <class F>
static void in_threads(int n, std::atomic<bool>& limit, F f) {
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i)
        threads.emplace_back([&] {
            ++ready;
            while (!go) std::this_thread::yield();
            f();
            ++ready;
            while (ready < 2 * n) std::this_thread::yield();  // all alive at once
        });
    while (ready < n) std::this_thread::yield();
    limit = true;
    go = true;
    for (std::thread& t : threads) t.join();
    limit = false;
}
static apm::span_totals totals() { return apm::count_spans(); }

int main() {
    scar::keep_quiet();
    using held_span = std::optional<decltype(traced.step.start({.n = 1}))>;

    // Not even a store.
    exhausted = true;
    {
        const auto s = traced.step.scope({.n = 1});
        s.event("never");
        const auto attached = apm::attach({{1, 2}, 3, true});
        const auto child = traced.plain.scope();
        scar::require(!s.recording() && !child.context().valid(), "nothing is recorded");
    }
    scar::require(totals().started == 2 && totals().dropped_memory == 2, "two were dropped", totals().started);
    scar::require(apm::drain_spans().spans.empty(), "nothing to drain");
    exhausted = false;
    { const auto s = traced.step.scope({.n = 1}); }
    scar::require(scar::drain() == 1, "with memory, all is well");

    // A thread has none, and ends what another began.
    held_span held = traced.step.start({.n = 2});
    std::uint64_t before = totals().dropped_memory;
    in_threads(1, exhausted, [&] { held.reset(); });
    scar::require(totals().dropped_memory == before + 1, "ended where nothing could be had", totals().dropped_memory);
    scar::require_conserved();

    // Threads without blocks.
    before = totals().dropped_memory;
    in_threads(8, exhausted, [] {
        for (int i = 0; i < 100; ++i) const auto s = traced.step.scope({.n = 3, .text = "no"});
    });
    const std::uint64_t without = totals().dropped_memory - before;
    scar::require(without >= 700, "all but those of the thread that adopted a block", without);
    scar::drain();
    scar::require_conserved();

    // No objects for spans that are open at once, and no memory for what they say.
    {
        std::vector<held_span> open(1000);
        const std::string text(2000, 'x');
        before = totals().dropped_memory;
        exhausted = true;
        std::size_t recording = 0;
        for (held_span& s : open) {
            s.emplace(traced.step.start({.n = 4}));
            recording += s->recording();
            s->set<&scar::Said::text>(std::string_view(text));
        }
        open.clear();
        exhausted = false;
        scar::require(recording > 0 && recording < 100, "as many as there are objects", recording);
        scar::require(totals().dropped_memory - before == 1000 - recording, "the rest is counted", totals().dropped_memory);
        scar::require(totals().dropped_items == recording, "and what they could not say", totals().dropped_items);
        std::uint64_t told = 0;
        scar::drain([&](const apm::span_view& s) { told += s.dropped().attributes; });
        scar::require(told == recording, "which each tells", told);
        scar::require_conserved();
    }

    // No rings.
    before = totals().dropped_memory;
    const std::uint64_t rings = apm::detail::process_root().ring_held.load();
    in_threads(20, no_maps, [] {
        for (int i = 0; i < 10; ++i) const auto s = traced.plain.scope();
    });
    const std::uint64_t ringless = totals().dropped_memory - before;
    scar::require(ringless % 10 == 0 && ringless > 0, "no ring", ringless);
    scar::require(apm::detail::process_root().ring_held.load() == rings, "none is held");
    scar::drain();
    scar::require_conserved();

    // Not enough memory to drain into, at whichever allocation it ends: a drain says so, and takes nothing.
    const auto some = [] {
        for (int i = 0; i < 50; ++i) const auto s = traced.step.scope({.n = 5});
    };
    int refusals = 0;
    for (bool thrown = true; thrown; ++refusals) {
        some();
        std::atomic<bool> unlimited{false};
        in_threads(3, unlimited, some);
        thrown = false;
        allowed = refusals;
        try {
            scar::require(apm::drain_spans().spans.size() == 200, "all at once");
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        allowed = -1;
        exhausted = false;
        scar::require(scar::drain() == (thrown ? 200u : 0u), "all or nothing was taken");
    }
    scar::require(refusals > 3, "allocations that a drain makes", static_cast<unsigned>(refusals));
    scar::require_conserved();
}
