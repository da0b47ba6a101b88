// A byte ring: records of any length that one thread writes and one at a time reads.
//
//     |  read  |  tail ─ record ─ record ─ head  |  free  |        positions grow for ever; & mask is the place
//
// A record lies in one piece, begins with its size and is a multiple of 8 bytes long; where it does not fit before the end of
// the memory, a filler takes the rest. A full ring rejects the newest: it never waits, never overwrites, never allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

struct ring {
    cell head;     // the writer's: all before it may be read
    cell seen;     // the writer's: where the tail was when it last looked
    cell memory;   // char*: null until the first record
    cell mask;     // its size less one
    cell said;     // 1: the reader was woken because half is full; it clears this
    cell tail;     // the reader's: all before it may be overwritten

    static constexpr std::uint64_t default_bytes = 64 * 1024;
    static constexpr std::uint64_t default_limit = 256 * 1024 * 1024;  // of all rings together
    static constexpr std::uint32_t filler = 1u << 31;                   // in a record's size
    // The longest record: a quarter of the smallest ring, so that one that does not fit before the end fits behind it.
    static constexpr std::uint32_t longest = 16 * 1024;
};

// Memory for a ring: addresses only, which become memory as they are written to. Null where the process' share is used up.
APM_COLD inline char* map_ring(root& r, ring& x) {
    const std::uint64_t given = r.ring_bytes.load(), most = r.ring_limit.load();
    const std::uint64_t bytes = given ? given : ring::default_bytes;  // a power of two
    const std::uint64_t before = __atomic_fetch_add(&r.ring_held.bits, bytes, __ATOMIC_RELAXED);
    void* memory = MAP_FAILED;
    if (before + bytes <= (most ? most : ring::default_limit))
        memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        r.ring_held.add_shared(std::uint64_t{0} - bytes);
        return nullptr;
    }
    x.mask.store(bytes - 1);
    x.memory.publish(memory);
    return static_cast<char*>(memory);
}

// Room for a record of `size` bytes; null where there is none. Nothing is seen before publish().
APM_INLINE char* reserve(ring& x, std::uint32_t size, std::uint64_t& new_head) {
    char* const memory = x.memory.pointer<char>();
    const std::uint64_t mask = x.mask.load(), head = x.head.load(), at = head & mask;
    const std::uint64_t rest = mask + 1 - at;  // before the end
    const bool wraps = size > rest;
    new_head = head + size + (wraps ? rest : 0);
    if (new_head - x.seen.load() > mask + 1) [[unlikely]] {
        x.seen.store(x.tail.load_acquire());
        if (new_head - x.seen.load() > mask + 1) return nullptr;
    }
    if (!wraps) [[likely]] return memory + at;
    const std::uint32_t skip = static_cast<std::uint32_t>(rest) | ring::filler;
    __builtin_memcpy(memory + at, &skip, sizeof skip);
    return memory;
}
APM_INLINE void publish(ring& x, std::uint64_t new_head) { x.head.store_release(new_head); }

// Whether more than half is full, and the reader was not woken for that yet.
APM_INLINE bool half_full(ring& x, std::uint64_t new_head) {
    if (new_head - x.seen.load() <= x.mask.load() / 2) [[likely]] return false;
    x.seen.store(x.tail.load_acquire());
    if (new_head - x.seen.load() <= x.mask.load() / 2 || x.said.load()) return false;
    x.said.store(1);
    return true;
}

// Calls f(bytes, size) for the records before `until`, oldest first, as long as f returns true; what it took is free for the
// writer afterwards. One reader at a time.
template <class F>
void read_records(ring& x, std::uint64_t until, F&& f) {
    const char* const memory = x.memory.pointer_acquire<char>();
    if (!memory) return;
    const std::uint64_t mask = x.mask.load();
    std::uint64_t tail = x.tail.load();
    while (tail != until) {
        const char* const at = memory + (tail & mask);
        std::uint32_t size;
        __builtin_memcpy(&size, at, sizeof size);
        if (!(size & ring::filler) && !f(at, size)) break;
        tail += size & ~ring::filler;
    }
    x.tail.store_release(tail);
}

}  // namespace apm::inline APM_ABI::detail
