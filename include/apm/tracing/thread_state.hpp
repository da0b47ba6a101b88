// What a thread keeps of its spans: which is current, idle objects, counts, and the ring of finished ones.
#pragma once

#include <cstdint>

#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/random.hpp>
#include <apm/detail/ring.hpp>
#include <apm/detail/store.hpp>

namespace apm::inline APM_ABI::detail {

// Lies in the cells of a block (block.hpp), and so outlives its thread and goes to the next.
struct thread_state {
    cell current;    // open_span*
    cell idle;       // open_span*
    cell idle_count;
    cell left;       // open_span*: what threads before this one left open, until it is ended
    cell random;
    cell thread;     // gettid() of the owner
    cell uncaught;   // const unsigned*: where the language keeps how many exceptions are in flight
    cell started;    // spans to be recorded
    cell dropped_full, dropped_memory, dropped_inherited;
    cell dropped_items;  // attributes, events and links beyond the limits, and texts that were cut
    cell unsampled;
    cell idle_traces;  // shared_trace*
    cell idle_traces_count;
    ring records;
};

// A child records no span of its parent's, and no number twice.
inline void renew_threads(const description&, cell* own, cell* shared) {
    if (shared) return;  // the fallback, which no thread uses
    auto& t = *reinterpret_cast<thread_state*>(own);
    t.started.store(0), t.dropped_full.store(0), t.dropped_memory.store(0), t.dropped_inherited.store(0);
    t.dropped_items.store(0), t.unsampled.store(0);
    ring& x = t.records;
    x.head.store(0), x.seen.store(0), x.tail.store(0), x.said.store(0);
    const bool mine = block::of(own)->owned.load() != 0;
    t.thread.store(mine ? static_cast<std::uint64_t>(gettid()) : 0);
    if (mine) t.random.store(random_seed());
}

inline constexpr description all_threads{"apm.threads", "", "", sizeof(thread_state), sizeof(thread_state) / sizeof(cell),
                                         0, 0, nullptr, renew_threads};

// Null on a thread that has not traced yet in this module: this_thread() (open_span.hpp) makes it one that has.
APM_INLINE thread_state* attached_thread() { return reinterpret_cast<thread_state*>(bound<all_threads>.cells); }

APM_INLINE std::uint32_t exceptions_in_flight(const thread_state& t) { return *t.uncaught.pointer<const std::uint32_t>(); }
APM_INLINE std::uint64_t random_of(thread_state& t) {
    std::uint64_t state = t.random.load();
    const std::uint64_t n = next_random(state);
    t.random.store(state);
    return n;
}

}  // namespace apm::inline APM_ABI::detail
