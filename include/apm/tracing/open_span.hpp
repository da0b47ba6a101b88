// Spans that are under way, and the thread that each is current in.
//
//     thread_state ── current ── open_span ── below ── open_span ...      the thread's stack of spans, innermost first
//         │
//         ├ idle ── open_span ...                                         objects to take the next from
//         └ ring                                                          where a span goes when it ends
//
// An open_span is never freed, only used again. What still points at one that ended (a scope that was moved, a span that another
// thread ended) reads an identifier that is not its own, and does nothing.
#pragma once

#include <cstdint>

#include <cxxabi.h>
#include <stdlib.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/random.hpp>
#include <apm/detail/store.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_record.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

struct open_span {
    span_record record;  // record.id is read by others: see is()
    open_span* below;    // what was current before it; of an idle one: the next idle one
    char* items;         // within, or memory of its own where that was too small
    std::uint32_t used, room;
    std::uint8_t flags, traits, events, links;
    span_status status;
    bool cut;                  // some text or array is not all there
    std::uint16_t attributes;
    std::uint32_t dropped[3];  // attributes, events, links
    std::uint32_t uncaught;    // exceptions in flight when it began
    std::uint32_t generation;  // of the process: a child does not end what its parent began
    shared_trace* shared;      // what the spans of its trace have in common; null: nothing
    alignas(16) char within[512 - 128];

    enum : std::uint8_t {
        sampled = 1,      // its trace is sampled
        recording = 2,    // written to the ring when it ends
        remote = 4,       // came from another process
        linked = 8,       // part of a thread's stack
        no_span = 16,     // stands for "no span": what is above it has no parent. With a row: is not seen by what is above it
        remote_above = 32,  // its parent came from another process
        tail_pending = 64,  // recorded, not sampled: exported if tail sampling decides so
    };
    // What spans take over from the one below them.
    enum : std::uint8_t {
        random = 1,    // W3C's flag: the last seven bytes of the trace's id are random
        debug = 2,     // B3's and Jaeger's
        deferred = 4,  // of another process that has not decided
    };
    // For record.thread.
    [[nodiscard]] APM_INLINE std::uint32_t record_flags() const {
        static_assert(remote_above << 24 == span_record::remote_parent && tail_pending << 24 == span_record::unsampled);
        static_assert(random << 26 == span_record::random_trace);
        const auto as_word = [](int bits) { return static_cast<std::uint32_t>(bits); };
        return as_word(flags & (remote_above | tail_pending)) << 24 | as_word(traits & random) << 26 |
               static_cast<std::uint32_t>(status) << span_record::thread_bits;
    }
    // Never 0 while it is under way.
    [[nodiscard]] APM_INLINE std::uint64_t id() const { return __atomic_load_n(&record.id, __ATOMIC_ACQUIRE); }
    [[nodiscard]] APM_INLINE bool is(std::uint64_t which) const { return id() == which; }
    APM_INLINE void identify(std::uint64_t as) { __atomic_store_n(&record.id, as, __ATOMIC_RELEASE); }
};
static_assert(sizeof(open_span) == 512);

// --- idle objects -----------------------------------------------------------------------------------------------------

inline constexpr std::uint32_t most_idle = 64;  // of one thread; the rest is for all

// Takes from what all threads share, or makes more. Null where there is no memory.
APM_COLD inline open_span* more_idle(thread_state& t) {
    constexpr std::uint32_t batch = 4;
    root& r = process_root();
    const auto take_shared = [&]() -> open_span* {
        const lock guard(r.registering);
        auto* first = r.spare.pointer<open_span>();
        if (!first) return nullptr;
        open_span* last = first;
        std::uint32_t n = 1;
        for (; n < batch && last->below; ++n) last = last->below;
        r.spare.publish(last->below);
        last->below = t.idle.pointer<open_span>();
        t.idle.publish(first);
        t.idle_count.add(std::uint64_t{n});
        return first;
    };
    if (open_span* got = take_shared()) return got;
    auto* made = static_cast<open_span*>(aligned_alloc(64, batch * sizeof(open_span)));
    if (!made) return nullptr;
    r.bytes.add_shared(std::uint64_t{batch * sizeof(open_span)});
    __builtin_memset(static_cast<void*>(made), 0, batch * sizeof(open_span));
    for (std::uint32_t i = 0; i < batch; ++i) {
        made[i].below = t.idle.pointer<open_span>();  // whatever is there now: the allocator may have recorded
        t.idle.publish(&made[i]);
    }
    t.idle_count.add(std::uint64_t{batch});
    return t.idle.pointer<open_span>();
}
APM_COLD inline void share_idle(thread_state& t) {
    root& r = process_root();
    const lock guard(r.registering);
    while (t.idle_count.load() > most_idle / 2) {
        auto* one = t.idle.pointer<open_span>();
        if (!one) return t.idle_count.store(0);  // a fork came between the two, in the thread whose it was
        t.idle.publish(one->below);
        t.idle_count.add(~std::uint64_t{0});
        one->below = r.spare.pointer<open_span>();
        r.spare.publish(one);
    }
}
APM_INLINE open_span* take_idle(thread_state& t) {
    auto* s = t.idle.pointer<open_span>();
    if (!s) [[unlikely]] {
        s = more_idle(t);
        if (!s) return nullptr;
    }
    t.idle.store(reinterpret_cast<std::uint64_t>(s->below));
    t.idle_count.add(~std::uint64_t{0});
    return s;
}
APM_INLINE void give_idle(thread_state& t, open_span* s) {
    if (s->items != s->within) [[unlikely]] free(s->items);
    if (s->shared) release(s->shared), s->shared = nullptr;
    s->below = t.idle.pointer<open_span>();
    t.idle.store(reinterpret_cast<std::uint64_t>(s));
    t.idle_count.add(std::uint64_t{1});
    if (t.idle_count.load() > most_idle) [[unlikely]] share_idle(t);
}

// --- the thread -------------------------------------------------------------------------------------------------------

// Pops what ended elsewhere.
APM_COLD inline open_span* settle(thread_state& t) {
    auto* s = t.current.pointer<open_span>();
    while (s && s->is(0)) {
        open_span* below = s->below;
        give_idle(t, s);
        s = below;
    }
    t.current.publish(s);
    return s;
}
APM_INLINE open_span* current_of(thread_state& t) {
    auto* s = t.current.pointer<open_span>();
    if (s && s->is(0)) [[unlikely]] return settle(t);
    return s;
}
// The innermost of them that what begins now may have to do with: a stand-in, or a span that can be a parent.
APM_INLINE open_span* visible(open_span* s) {
    while (s && (s->is(0) || (s->flags & s->no_span && s->record.row))) [[unlikely]] s = s->below;
    return s;
}

// Null where there is no memory.
APM_COLD inline thread_state* first_use() {
    store* const all = store_of<all_threads>();
    cell* const own = all ? attach(bound<all_threads>, *all) : nullptr;
    if (!own) return nullptr;
    auto& t = *reinterpret_cast<thread_state*>(own);
    start_clock(process_root());
    const auto id = static_cast<std::uint64_t>(gettid());
    for (const binding* b = bound<all_threads>.next; b; b = b->next)
        if (b->cells == own) return &t;  // another module was here before
    t.thread.store(id);
    open_span* left = nullptr;
    const auto sort_out = [&](cell& list) {
        for (auto* s = list.pointer<open_span>(); s;) {
            open_span* below = s->below;
            if (s->is(0)) give_idle(t, s);
            else s->below = left, left = s;
            s = below;
        }
    };
    sort_out(t.current), sort_out(t.left);
    t.current.store(0), t.left.publish(left);
    t.random.store(random_seed());
    // struct __cxa_eh_globals { void* caught; unsigned uncaught; } (Itanium C++ ABI: Exception Handling, 2.2.2): one per
    // thread. std::uncaught_exceptions() reads it through a call, twice in each span.
    t.uncaught.publish(reinterpret_cast<const char*>(abi::__cxa_get_globals()) + sizeof(void*));
    return &t;
}
APM_INLINE thread_state* this_thread() {
    if (cell* cells = bound<all_threads>.cells) [[likely]] return reinterpret_cast<thread_state*>(cells);
    return first_use();
}

// --- leaving the stack ------------------------------------------------------------------------------------------------

// Out of the stack of spans of this thread, wherever it is there. False where it is in another's.
inline bool unlink(thread_state& t, open_span& s) {
    if (t.current.pointer<open_span>() == &s) [[likely]] {
        t.current.publish(s.below);
        return true;
    }
    for (auto* x = t.current.pointer<open_span>(); x; x = x->below) {
        if (x->below != &s) continue;
        x->below = s.below;
        return true;
    }
    return false;
}

// Its last moment: after it, the object is another's.
inline void retire(thread_state& t, open_span& s) {
    const bool gone = !(s.flags & s.linked) || unlink(t, s);
    s.identify(0);
    if (gone) give_idle(t, &s);  // else the thread whose it is meets it again: settle()
}

}  // namespace apm::inline APM_ABI::detail
