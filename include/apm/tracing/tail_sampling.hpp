// Late verdicts, or tail sampling of what is in this process: spans of a trace that was not sampled are kept all the same where
// something among them went wrong or took long. Off by default: late_rules.
//
// What they cost: an unsampled request then costs what a sampled one does, and an allocation; its spans wait in memory, in a
// buffer of its own, until its local root (its first span in this process) ends. Then they are handed to the reader of the
// rings all at once, or forgotten. What they mean: such a span is kept besides the sample, not as a part of it. Its trace is not
// "sampled" to other processes, and it stands for itself alone: sums that are to tell how much there was leave it out
// (adjusted_count() is 0).
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/tracing/span_bytes.hpp>

namespace apm::inline APM_ABI {

// When a local root of an unsampled trace ends, it and what ended before it below it in this process is kept, if
struct late_rules {
    bool errors = false;               // the status of any of them is error
    std::uint64_t slower_than_ns = 0;  // the root took longer, in nanoseconds; 0: that is no reason
    std::uint64_t bytes = 16 << 20;    // of all that waits or is not read yet; what does not fit is dropped, and counted

    [[nodiscard]] constexpr bool any() const { return errors || slower_than_ns != 0; }
    friend constexpr bool operator==(const late_rules&, const late_rules&) = default;
};

// From now on, in the whole process; `rules` must outlive it. apm::runtime does this by its options, apm::control while it runs.
inline void decide_late_with(const late_rules& rules) {
    detail::process_root().late_rules.publish(rules.any() ? &rules : nullptr);
}
void decide_late_with(const late_rules&& rules) = delete;  // which would be gone at the end of the line

namespace detail {

// Records one behind the other; a list of them goes to the reader.
struct late_records {
    late_records* next;
    std::uint64_t generation;  // of the process: in a forked child, they are the parent's
    std::uint32_t used, room;
    std::uint32_t read;        // how much of them was

    [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

struct waiting_spans {
    enum outcome : std::uint8_t { open, kept, gone };

    mutex guard;               // of what follows
    std::uint64_t root;        // the local root's id
    std::uint64_t generation;  // of the process: in a forked child, they are the parent's
    std::uint64_t slower_than, most_bytes;
    bool errors, failed;
    outcome so_far;
    std::uint32_t count;
    late_records* records;
};

inline void forget_records(late_records* x) {
    if (!x) return;
    root& r = process_root();
    // After a fork, the child's account begins anew.
    if (x->generation == r.generation.load()) r.late_bytes.add_shared(std::uint64_t{0} - sizeof(late_records) - x->room);
    free(x);
}
inline void forget(waiting_spans& w) {
    forget_records(w.records);
    free(&w);
}

// The local root of an unsampled trace begins: what its spans share from now on. Null where there is no memory.
APM_COLD inline local_trace* wait_for_verdict(root& r, const late_rules& rules, const local_trace* before,
                                              std::uint64_t root_id) {
    const std::uint32_t state = before ? before->state_size : 0, baggage = before ? before->baggage_size : 0;
    void* const memory = malloc(sizeof(waiting_spans));
    local_trace* const made = memory ? make_local_trace(state + baggage) : nullptr;
    if (!made) return free(memory), nullptr;
    if (before) __builtin_memcpy(made->state(), before->state(), state + baggage);
    made->state_size = state, made->baggage_size = baggage;
    __builtin_memset(memory, 0, sizeof(waiting_spans));
    auto& w = *static_cast<waiting_spans*>(memory);
    w.guard.reset();
    w.root = root_id;
    w.generation = r.generation.load();
    w.slower_than = rules.slower_than_ns, w.errors = rules.errors, w.most_bytes = rules.bytes;
    made->waiting = &w;
    return made;
}

// Room for another record; null beyond the limit.
inline char* room_to_wait(root& r, waiting_spans& w, std::uint32_t size) {
    late_records* x = w.records;
    if (!x || x->used + size > x->room) {
        constexpr std::uint32_t least = 2048, most = 1u << 30;
        const std::uint32_t used = x ? x->used : 0, before = x ? x->room : 0;
        std::uint32_t room = before ? before : least;
        while (room < used + size && room < most) room *= 2;
        const std::uint64_t more = room - before + (x ? 0 : sizeof(late_records));
        const std::uint64_t all = __atomic_add_fetch(&r.late_bytes.bits, more, __ATOMIC_RELAXED);
        auto* const larger = room < used + size || all > w.most_bytes
                                 ? nullptr : static_cast<late_records*>(realloc(x, sizeof(late_records) + room));
        if (!larger) return r.late_bytes.add_shared(std::uint64_t{0} - more), nullptr;
        x = w.records = larger;
        x->generation = w.generation;
        x->used = used, x->room = room, x->read = 0;
    }
    return x->bytes() + x->used;
}

inline void hand_to_reader(root& r, waiting_spans& w) {
    late_records* x = w.records;
    w.records = nullptr;
    if (!x) return;
    if (auto* const smaller = static_cast<late_records*>(realloc(x, sizeof(late_records) + x->used))) {  // others need the rest
        x = smaller;
        r.late_bytes.add_shared(std::uint64_t{x->used} - x->room);
        x->room = x->used;
    }
    const std::uint64_t used = x->used, before = r.late_unread.load();
    r.late_unread.add_shared(used);
    std::uint64_t first = r.late.load();
    do x->next = reinterpret_cast<late_records*>(first);
    while (!__atomic_compare_exchange_n(&r.late.bits, &first, reinterpret_cast<std::uint64_t>(x), false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    constexpr std::uint64_t half = ring::default_bytes / 2;  // from here on, it is the reader's
    if (before < half && before + used >= half) wake_reader();
}

// Why a local root and its spans are kept, as an attribute of it.
inline void say_why(open_span& s, bool failed) {
    const char* const why = failed ? "error" : "slow";
    const std::uint32_t size = failed ? 5 : 4;
    char* to = room_for(s, 3 + 8 + 4 + size);
    if (!to) return;
    to = put_raw(to, item::text), to = put_raw(to, by_name), to = put_raw(to, std::uint8_t{8});
    __builtin_memcpy(to, "apm.kept", 8);
    to = put_raw(to + 8, size);
    __builtin_memcpy(to, why, size);
    s.used += 3 + 8 + 4 + size;
}

// A span of such a trace ended.
APM_COLD inline void wait(root& r, thread_state& t, open_span& s) {
    waiting_spans& w = *s.shared->waiting;
    const bool is_root = s.id() == w.root, failed = s.status == span_status::error;
    const lock guard(w.guard);
    if (w.so_far == waiting_spans::kept) {  // it outlived its local root
        t.started.add(std::uint64_t{1});
        return write_record(r, t, s);
    }
    w.failed = w.failed || failed;
    const bool by_error = w.errors && w.failed;
    if (is_root && !by_error && !(w.slower_than && elapsed_ns(r, s.record.start, s.record.end) > w.slower_than)) {
        w.so_far = waiting_spans::gone;
        forget_records(w.records);
        w.records = nullptr;
        t.unsampled.add(std::uint64_t{w.count});
    }
    if (w.so_far == waiting_spans::gone) return t.unsampled.add(std::uint64_t{1});
    if (is_root) say_why(s, by_error);
    const std::uint32_t size = record_size(s);
    if (char* const to = room_to_wait(r, w, size)) {
        copy_record(to, s, size);
        w.records->used += size;
        ++w.count;
    } else {
        t.started.add(std::uint64_t{1}), t.dropped_full.add(std::uint64_t{1});
    }
    if (!is_root) return;
    w.so_far = waiting_spans::kept;
    t.started.add(std::uint64_t{w.count});
    hand_to_reader(r, w);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
