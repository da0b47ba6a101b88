// Tail sampling, of the spans of one process: spans of an unsampled trace are exported all the same where one of them failed or
// the first one took long. Off by default: see tail_rules.
//
// Cost: an unsampled request then costs what a sampled one does, and an allocation. Its spans are kept in a buffer of its own
// until its local root (its first span in this process) ends; then all of them are handed to the reader of the rings, or dropped.
// Meaning: such a span comes besides the sample, not as a part of it. Other processes see its trace as not sampled, and it counts
// for itself alone: sums over a sample leave it out (adjusted_count() is 0).
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/ring.hpp>
#include <apm/tracing/items.hpp>
#include <apm/tracing/make_shared_trace.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_bytes.hpp>

namespace apm::inline APM_ABI {

// When the local root of an unsampled trace ends, it and the spans below it that ended before are exported, if
struct tail_rules {
    bool errors = false;               // the status of any of them is error
    std::uint64_t slower_than_ns = 0;  // the root took longer, in nanoseconds; 0: no limit
    std::uint64_t bytes = 16 << 20;    // of all that is undecided or not read yet; what does not fit is dropped, and counted

    [[nodiscard]] constexpr bool any() const { return errors || slower_than_ns != 0; }
    friend constexpr bool operator==(const tail_rules&, const tail_rules&) = default;
};

// From now on, in the whole process; `rules` must outlive it. apm::runtime does this by its options, apm::control while it runs.
inline void tail_sample(const tail_rules& rules) {
    detail::process_root().tail_rules.publish(rules.any() ? &rules : nullptr);
}
void tail_sample(const tail_rules&& rules) = delete;  // which would be gone at the end of the line

namespace detail {

// The local root of an unsampled trace begins: what its spans share from now on, with a buffer. Null where there is no memory.
APM_COLD inline shared_trace* with_tail_buffer(root& r, const tail_rules& rules, const shared_trace* before,
                                              std::uint64_t root_id) {
    void* const memory = malloc(sizeof(tail_buffer));
    shared_trace* const made =
        memory ? copy_with_baggage(before, before ? before->baggage() : nullptr, before ? before->baggage_size : 0) : nullptr;
    if (!made) return free(memory), nullptr;
    __builtin_memset(memory, 0, sizeof(tail_buffer));
    auto& w = *static_cast<tail_buffer*>(memory);
    w.guard.reset();
    w.root = root_id;
    w.generation = r.generation.load();
    w.slower_than = rules.slower_than_ns, w.errors = rules.errors, w.most_bytes = rules.bytes;
    made->tail = &w;
    return made;
}

// Room for another record; null beyond the limit.
inline char* room_in_buffer(root& r, tail_buffer& w, std::uint32_t size) {
    tail_records* x = w.records;
    if (!x || x->used + size > x->room) {
        constexpr std::uint32_t least = 2048, most = 1u << 30;
        const std::uint32_t used = x ? x->used : 0, before = x ? x->room : 0;
        std::uint32_t room = before ? before : least;
        while (room < used + size && room < most) room *= 2;
        const std::uint64_t more = room - before + (x ? 0 : sizeof(tail_records));
        const std::uint64_t all = __atomic_add_fetch(&r.tail_bytes.bits, more, __ATOMIC_RELAXED);
        auto* const larger = room < used + size || all > w.most_bytes
                                 ? nullptr : static_cast<tail_records*>(realloc(x, sizeof(tail_records) + room));
        if (!larger) return r.tail_bytes.add_shared(std::uint64_t{0} - more), nullptr;
        x = w.records = larger;
        x->generation = w.generation;
        x->used = used, x->room = room, x->read = 0;
    }
    return x->bytes() + x->used;
}

inline void hand_to_reader(root& r, tail_buffer& w) {
    tail_records* x = w.records;
    w.records = nullptr;
    if (!x) return;
    if (auto* const smaller = static_cast<tail_records*>(realloc(x, sizeof(tail_records) + x->used))) {  // others need the rest
        x = smaller;
        r.tail_bytes.add_shared(std::uint64_t{x->used} - x->room);
        x->room = x->used;
    }
    const std::uint64_t used = x->used, before = r.tail_unread.load();
    r.tail_unread.add_shared(used);
    std::uint64_t first = r.tail_sampled.load();
    do x->next = reinterpret_cast<tail_records*>(first);
    while (!__atomic_compare_exchange_n(&r.tail_sampled.bits, &first, reinterpret_cast<std::uint64_t>(x), false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    constexpr std::uint64_t half = ring::default_bytes / 2;  // from here on, it is the reader's
    if (before < half && before + used >= half) wake_reader();
}

// Why a local root and its spans are sampled, as an attribute of it.
inline void add_tail_reason(open_span& s, bool failed) {
    const char* const why = failed ? "error" : "slow";
    const std::uint32_t size = failed ? 5 : 4;
    constexpr char name[] = "apm.tail_sampled";
    constexpr std::uint8_t name_size = sizeof name - 1;
    char* to = room_for(s, 3 + name_size + 4 + size);
    if (!to) return;
    to = put_raw(to, item::text), to = put_raw(to, by_name), to = put_raw(to, name_size);
    __builtin_memcpy(to, name, name_size);
    to = put_raw(to + name_size, size);
    __builtin_memcpy(to, why, size);
    s.used += 3 + name_size + 4 + size;
}

// A span of such a trace ended: it is buffered; the local root decides on all of them.
APM_COLD inline void buffer_until_decided(root& r, thread_state& t, open_span& s) {
    tail_buffer& w = *s.shared->tail;
    const bool is_root = s.id() == w.root, failed = s.status == span_status::error;
    const lock guard(w.guard);
    if (w.decision == tail_buffer::sampled) {  // it outlived its local root
        t.started.add(std::uint64_t{1});
        return write_record(r, t, s);
    }
    w.failed = w.failed || failed;
    const bool by_error = w.errors && w.failed;
    if (is_root && !by_error && !(w.slower_than && elapsed_ns(r, s.record.start, s.record.end) > w.slower_than)) {
        w.decision = tail_buffer::dropped;
        forget_records(w.records);
        w.records = nullptr;
        t.unsampled.add(std::uint64_t{w.count});
    }
    if (w.decision == tail_buffer::dropped) return t.unsampled.add(std::uint64_t{1});
    if (is_root) add_tail_reason(s, by_error);
    const std::uint32_t size = record_size(s);
    if (char* const to = room_in_buffer(r, w, size)) {
        copy_record(to, s, size);
        w.records->used += size;
        ++w.count;
    } else {
        t.started.add(std::uint64_t{1}), t.dropped_full.add(std::uint64_t{1});
    }
    if (!is_root) return;
    w.decision = tail_buffer::sampled;
    t.started.add(std::uint64_t{w.count});
    hand_to_reader(r, w);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
