// A span's data as bytes: gathered in its object (or beside it, where that is too small), and copied into this thread's ring when
// it ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/futex.hpp>
#include <apm/detail/ring.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/items.hpp>
#include <apm/tracing/open_span.hpp>

namespace apm::inline APM_ABI::detail {

// --- in the ring ------------------------------------------------------------------------------------------------------

APM_COLD inline void wake_reader() {
    cell& word = process_root().wake;
    word.add_shared(std::uint64_t{1});
    futex_wake_one(word);
}

APM_INLINE std::uint32_t record_size(const open_span& s) {
    return (static_cast<std::uint32_t>(sizeof(span_record)) + s.used + 7) & ~7u;
}
APM_INLINE void copy_record(char* to, const open_span& s, std::uint32_t size) {
    span_record* const out = reinterpret_cast<span_record*>(to);
    __builtin_memcpy(out, &s.record, sizeof(span_record));
    out->size = size;
    to += sizeof(span_record);
    if (s.used <= sizeof s.within) [[likely]] {  // items may be read, and the ring written, up to the next 8
        // A word a step, which the barrier keeps the compiler from widening: a wide load waits for the narrow stores that it
        // spans, and those were just made. Measured with three attributes: 37 -> 24 ns.
        for (std::uint32_t n = 0; n < s.used; n += 8) {
            __builtin_memcpy(to + n, s.items + n, 8);
            asm volatile("" ::: "memory");
        }
    } else {
        __builtin_memcpy(to, s.items, s.used);
    }
    // item::none in the rest of the last word ends the items. (For so few bytes memset would be called.)
    if (const std::uint32_t rest = size - static_cast<std::uint32_t>(sizeof(span_record)) - s.used) {
        char* const last = to + s.used + rest - 8;
        std::uint64_t word;
        __builtin_memcpy(&word, last, 8);
        word &= ~std::uint64_t{0} >> (8 * rest);
        __builtin_memcpy(last, &word, 8);
    }
}

// Counts it as dropped where there is no room.
APM_INLINE void write_record(root& r, thread_state& t, const open_span& s) {
    ring& x = t.records;
    if (!x.memory.load()) [[unlikely]] {
        if (!map_ring(r, x)) return t.dropped_memory.add(std::uint64_t{1});
    }
    const std::uint32_t size = record_size(s);
    std::uint64_t head;
    char* const to = reserve(x, size, head);
    if (!to) [[unlikely]] return t.dropped_full.add(std::uint64_t{1});
    copy_record(to, s, size);
    publish(x, head);
    if (half_full(x, head)) [[unlikely]] wake_reader();
}

// --- items ------------------------------------------------------------------------------------------------------------

APM_COLD inline bool grow_items(open_span& s, std::uint32_t by) {
    constexpr std::uint32_t end_needs = 64;  // beyond `room`
    constexpr std::uint32_t most = limits::record - sizeof(span_record) - end_needs;
    if (by > most || s.used + by > most) return false;
    std::uint32_t room = s.room;
    while (room < s.used + by) room *= 2;
    if (room > most) room = most;
    auto* more = static_cast<char*>(malloc(room + end_needs));
    if (!more) return false;
    __builtin_memcpy(more, s.items, s.used);
    if (s.items != s.within) free(s.items);
    s.items = more;
    s.room = room;
    return true;
}
// Room for so many bytes of items; null where the span has no more room. The caller adds to `used` what it writes.
APM_INLINE char* room_for(open_span& s, std::uint32_t bytes) {
    if (s.used + bytes > s.room) [[unlikely]] {  // `used` may be beyond `room`: what is added at the end
        if (!grow_items(s, bytes)) return nullptr;
    }
    return s.items + s.used;
}

}  // namespace apm::inline APM_ABI::detail
