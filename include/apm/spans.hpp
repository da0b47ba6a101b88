// Finished spans, as back ends and tests see them.
//
//     apm::span_batch batch = apm::drain_spans();
//     for (const apm::span_view& s : batch.spans) ...
//
// Draining takes: what one caller got, no other gets. In a program with a runtime that exports spans, leave it to the runtime.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <sys/mman.h>

#include <apm/config.hpp>
#include <apm/detail/ring.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/store.hpp>
#include <apm/detail/timeline.hpp>
#include <apm/span.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_record.hpp>
#include <apm/tracing/span_view.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI {

// What was drained at once: of each thread in the order in which spans ended, so that children come before their parents.
struct span_batch {
    std::vector<span_view> spans;
    bool more = false;  // there was more than fits; drain again
    std::size_t size = 0;  // bytes that it took out of the rings

    std::unique_ptr<char[]> bytes;  // what `spans` looks at
};

// Where all spans went since the process began, or was forked. started == drained + dropped + under way + in the rings.
struct span_totals {
    std::uint64_t started = 0;    // that were to be recorded
    std::uint64_t unsampled = 0;  // that were not
    std::uint64_t drained = 0;
    std::uint64_t dropped_full = 0;       // the ring was full, or the buffer of tail sampling was
    std::uint64_t dropped_memory = 0;     // there was no memory for a ring, or for the span
    std::uint64_t dropped_inherited = 0;  // a forked child ended what its parent process began
    std::uint64_t dropped_items = 0;      // attributes, events and links beyond the limits, and spans with a text that was cut
    std::uint64_t clock_steps = 0;        // how often the time of day was seen to be set

    [[nodiscard]] std::uint64_t dropped() const { return dropped_full + dropped_memory + dropped_inherited; }
};

namespace detail {

// What the reader of the rings keeps from one time to the next; one per process.
struct span_reader {
    timeline when;
    tail_records *first_tail = nullptr, *last_tail = nullptr;  // chosen by tail sampling, and not read yet
    const span_limits* limits = &recorded;

    static constexpr span_limits recorded{};  // all of it
    const block* last = nullptr;  // whose ring was read last; the next is first the next time
};
inline span_reader* the_reader(root& r) {
    auto* reader = r.timeline.pointer<span_reader>();
    if (!reader) r.timeline.publish(reader = new span_reader);
    return reader;
}

inline thread_state& state_in(block& b) { return *reinterpret_cast<thread_state*>(b.cells()); }

// What tail sampling chose since the last time, behind what there was; without what is of a process before a fork. Bytes of all.
APM_CLEANS_UP inline std::size_t take_tail_records(root& r, span_reader& reader) {
    tail_records* newest = reinterpret_cast<tail_records*>(__atomic_exchange_n(&r.tail_sampled.bits, 0, __ATOMIC_ACQUIRE));
    tail_records* oldest = nullptr;
    for (auto* const last = newest; newest;) {
        tail_records* const next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
        if (newest) continue;
        (reader.first_tail ? reader.last_tail->next : reader.first_tail) = oldest;
        reader.last_tail = last;
    }
    std::size_t bytes = 0;
    for (tail_records** at = &reader.first_tail; tail_records* const x = *at;) {
        if (x->generation == r.generation.load()) {
            bytes += x->used - x->read;
            at = &x->next;
            reader.last_tail = x;
            continue;
        }
        *at = x->next;
        forget_records(x);
    }
    return bytes;
}

// The memory of a ring that has no owner, and nothing to read, goes back to the kernel.
inline void give_pages_back(store& s, block& b) {
    ring& x = state_in(b).records;
    if (!x.memory.load() || x.head.load() == 0 || b.owned.load() != 0) return;
    std::uint64_t no_owner = 0;
    if (!__atomic_compare_exchange_n(&b.owned.bits, &no_owner, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    s.idle.add_shared(~std::uint64_t{0});
    if (x.head.load() == x.tail.load()) {
        madvise(x.memory.pointer<char>(), x.mask.load() + 1, MADV_DONTNEED);
        x.head.store(0), x.seen.store(0), x.tail.store(0);
    }
    release(b);
}

}  // namespace detail

// Takes finished spans out of all threads' rings: at most `most_bytes` of them, but a span at least. Any thread; serialized.
// Throws std::bad_alloc, and takes none, where there is no memory.
APM_CLEANS_UP inline span_batch drain_spans(std::size_t most_bytes = 1 << 20) {
    using namespace detail;
    span_batch batch;
    root& r = process_root();
    store* s = find_or_make(all_threads);
    if (!s) return batch;
    const lock guard(r.draining);
    span_reader& reader = *the_reader(r);
    struct part {
        block* of;
        std::uint64_t until;
    };
    std::vector<part> parts;
    std::size_t all = take_tail_records(r, reader), first = 0;
    for (auto* b = s->blocks.pointer_acquire<block>(); b; b = b->next) {
        ring& x = state_in(*b).records;
        if (x.said.load()) x.said.store(0);  // before its head is read: what comes later says so anew
        const std::uint64_t head = x.head.load_acquire();
        if (head == x.tail.load()) {
            give_pages_back(*s, *b);
            continue;
        }
        all += head - x.tail.load();
        if (b == reader.last) first = parts.size() + 1;
        parts.push_back({b, head});
    }
    if (all == 0) return batch;
    reader.when.renew(r);  // after the heads were read: whatever is read now ended before
    const std::size_t room = (std::min)(all, std::max<std::size_t>(most_bytes, limits::record + sizeof(span_record)));
    // All the memory first: where there is none, nothing has been taken yet.
    batch.bytes = std::make_unique_for_overwrite<char[]>(room);
    batch.spans.reserve(room / sizeof(span_record));
    std::size_t used = 0;
    const auto take = [&](const char* record, std::uint32_t size) {
        if (size > room - used) return !(batch.more = true);
        __builtin_memcpy(batch.bytes.get() + used, record, size);
        batch.spans.emplace_back(batch.bytes.get() + used, reader.when, *reader.limits);
        used += size;
        return true;
    };
    while (tail_records* const x = reader.first_tail) {
        const std::uint32_t before = x->read;
        while (x->read < x->used && take(x->bytes() + x->read, get_raw<std::uint32_t>(x->bytes() + x->read)))
            x->read += get_raw<std::uint32_t>(x->bytes() + x->read);
        r.tail_unread.add_shared(std::uint64_t{before} - x->read);
        if (x->read < x->used) break;
        reader.first_tail = x->next;
        forget_records(x);
    }
    for (std::size_t i = 0; i < parts.size() && !batch.more; ++i) {
        const part& p = parts[(first + i) % parts.size()];
        ring& x = state_in(*p.of).records;
        read_records(x, p.until, take);
        reader.last = p.of;
    }
    batch.size = used;
    r.drained.add(std::uint64_t{batch.spans.size()});
    return batch;
}

namespace detail {

// From the next batch on. Views look at them, so each that a program ever had is kept.
APM_CLEANS_UP inline void limit_spans(const span_limits& limits) {
    static auto& all = *new std::deque<span_limits>;
    root& r = process_root();
    expect_forks(r);
    const lock guard(r.draining);
    const auto known = std::find(all.begin(), all.end(), limits);
    the_reader(r)->limits = known != all.end() ? &*known : &all.emplace_back(limits);
}

// What is in the rings now, in bytes.
inline std::uint64_t bytes_to_drain() {
    std::uint64_t all = process_root().tail_unread.load();
    const store* s = find_or_make(all_threads);
    for (auto* b = s ? s->blocks.pointer_acquire<block>() : nullptr; b; b = b->next) {
        const ring& x = state_in(*b).records;
        const std::uint64_t tail = x.tail.load_acquire();  // first: what is read meanwhile makes it more, never less than none
        all += x.head.load_acquire() - tail;
    }
    return all;
}

}  // namespace detail

// Any thread; a few loads for each thread that ever traced. What other threads do meanwhile may be in it or not.
APM_CLEANS_UP inline span_totals count_spans() {
    using namespace detail;
    root& r = process_root();
    span_totals t;
    t.drained = r.drained.load();
    t.dropped_memory = r.unattached.load();
    t.started = t.dropped_memory - r.unended.load();
    if (const auto* reader = r.timeline.pointer_acquire<span_reader>()) t.clock_steps = reader->when.steps();
    const store* s = find_or_make(all_threads);
    for (auto* b = s ? s->blocks.pointer_acquire<block>() : nullptr; b; b = b->next) {
        const thread_state& x = state_in(*b);
        t.started += x.started.load(), t.unsampled += x.unsampled.load();
        t.dropped_full += x.dropped_full.load(), t.dropped_memory += x.dropped_memory.load();
        t.dropped_inherited += x.dropped_inherited.load(), t.dropped_items += x.dropped_items.load();
    }
    return t;
}

}  // namespace apm::inline APM_ABI
