// Where values are kept: per thread one block of cells, which outlives the thread and is adopted by the next.
//
//     store ── block ── block ── block        push-only list; each has one owner at most
//       │        └ cells, of which some point to chunks that grew on first touch
//       ├ fallback                            written by every thread that could get no block, with locked additions
//       └ shared                              last-writer-wins words
//
// Attaching and releasing take no mutex: a block is claimed by compare-exchange. Memory is bounded by the largest number of
// threads alive at once, and no value is lost.
#pragma once

#include <cstddef>
#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/table.hpp>

namespace apm::inline APM_ABI::detail {

// What a store is for; constant, in the module that declared it.
struct description {
    const char* name;
    const char* version;
    const char* url;
    std::uint64_t layout;  // equal identity with another layout stays apart
    std::uint32_t cells;   // of a thread's block
    std::uint32_t shared;  // of the shared words
    std::uint32_t tables;
    const void* rows;                                            // the layer above knows what this is
    void (*zero)(const description&, cell* own, cell* shared);   // sets every value to zero, pointers kept
};

struct alignas(64) block {
    block* next;
    store* home;
    cell owned;
    cell bytes;  // this block and its chunks
    block* leaving;

    cell* cells() { return reinterpret_cast<cell*>(this + 1); }
    static block* of(cell* cells) { return reinterpret_cast<block*>(cells) - 1; }
};

struct store {
    store* next;
    const description* what;
    cell blocks;   // block*: push-only list
    cell idle;     // how many of them have no owner; a hint that spares the walk
    cell* fallback;
    cell* shared;

    cell& table_at(std::uint32_t n) { return reinterpret_cast<cell*>(this + 1)[n]; }  // table*: `tables` of them
    [[nodiscard]] const cell& table_at(std::uint32_t n) const { return reinterpret_cast<const cell*>(this + 1)[n]; }
};

// A thread's way to its block, one in each module that records. In thread-local storage, all zero until the first touch.
struct binding {
    cell* cells;
    binding* next;
};

template <const description& What>
[[APM_HIDDEN, gnu::tls_model(APM_TLS_MODEL)]] inline constinit thread_local binding bound{};
template <const description& What>
[[APM_HIDDEN]] inline constinit cell home{};  // store*

// --- chunks: cells for ids that came late, in pieces that double ------------------------------------------------------

inline constexpr std::uint32_t first_chunk = 16;  // ids
APM_INLINE constexpr std::uint32_t chunk_of(std::uint32_t id) {
    return 28u - static_cast<std::uint32_t>(__builtin_clz(id | (first_chunk / 2)));  // no branch: ids come in any order
}
APM_INLINE constexpr std::uint32_t chunk_base(std::uint32_t chunk) { return ((first_chunk / 2) << chunk) & ~(first_chunk / 2); }
constexpr std::uint32_t chunk_size(std::uint32_t chunk) { return chunk ? chunk_base(chunk) : first_chunk; }

// Memory is taken before what it is for is looked at again: the program's allocator may itself record, and have made it.
inline cell* allocate(std::size_t bytes) {
    auto* cells = static_cast<cell*>(calloc(1, bytes));
    if (cells) process_root().bytes.add_shared(std::uint64_t{bytes});
    return cells;
}
inline void give_back(void* memory, std::size_t bytes) {
    if (!memory) return;
    free(memory);
    process_root().bytes.add_shared(std::uint64_t{0} - bytes);
}

// The chunk that `pointer` lacked. Null when memory, or the share of one thread, is used up.
APM_COLD inline cell* grow_own(block& b, cell& pointer, std::uint32_t chunk, std::uint32_t width) {
    const std::size_t bytes = std::size_t{chunk_size(chunk)} * width * sizeof(cell);
    const std::uint64_t most = process_root().thread_bytes.load();
    if (most && b.bytes.load() + bytes > most) return nullptr;
    cell* made = allocate(bytes);
    if (cell* there = pointer.pointer<cell>()) return give_back(made, bytes), there;
    if (!made) return nullptr;
    b.bytes.add(std::uint64_t{bytes});
    pointer.publish(made);
    return made;
}
APM_COLD inline cell* grow_shared(cell& pointer, std::uint32_t chunk, std::uint32_t width) {
    if (cell* there = pointer.pointer_acquire<cell>()) return there;
    const std::size_t bytes = std::size_t{chunk_size(chunk)} * width * sizeof(cell);
    cell* made = allocate(bytes);
    const lock guard(process_root().registering);
    if (cell* there = pointer.pointer<cell>()) return give_back(made, bytes), there;
    if (made) pointer.publish(made);
    return made;
}

// --- threads ----------------------------------------------------------------------------------------------------------

inline void release(block& b) {
    b.home->idle.add_shared(std::uint64_t{1});
    b.owned.store_release(0);
}

// Runs when a thread ends, after its C++ thread_locals' destructors; never for the main thread. What records later still
// (another key's destructor) attaches again, and this runs again.
inline void release_all(void* head) {
    block* leaving = nullptr;
    for (auto* b = static_cast<binding*>(head); b; b = b->next) {
        block* owned = block::of(b->cells);
        b->cells = nullptr;
        if (owned->leaving) continue;  // another module's way to the same block
        owned->leaving = leaving ? leaving : owned;
        leaving = owned;
    }
    while (leaving) {
        block* next = leaving->leaving == leaving ? nullptr : leaving->leaving;
        leaving->leaving = nullptr;
        release(*leaving);
        leaving = next;
    }
}

inline bool thread_key(root& r, pthread_key_t& key) {
    std::uint64_t seen = r.thread_key.load_acquire();
    if (!seen) {
        pthread_key_t made;
        if (pthread_key_create(&made, release_all) != 0) return false;
        const std::uint64_t mine = std::uint64_t{made} + 1;
        if (__atomic_compare_exchange_n(&r.thread_key.bits, &seen, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) seen = mine;
        else pthread_key_delete(made);
    }
    key = static_cast<pthread_key_t>(seen - 1);
    return true;
}

inline block* claim(store& s) {
    if (s.idle.load() == 0) return nullptr;
    for (auto* b = s.blocks.pointer_acquire<block>(); b; b = b->next) {
        std::uint64_t free = 0;
        if (b->owned.load() == 0 &&
            __atomic_compare_exchange_n(&b->owned.bits, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            s.idle.add_shared(~std::uint64_t{0});
            return b;
        }
    }
    return nullptr;
}

inline block* allocate_block(root& r, store& s) {
    const std::size_t bytes = sizeof(block) + s.what->cells * sizeof(cell);
    const std::uint64_t most = r.thread_bytes.load();
    if (most && bytes > most) return nullptr;
    const std::size_t rounded = (bytes + 63) & ~std::size_t{63};
    void* memory = aligned_alloc(64, rounded);
    if (!memory) return nullptr;
    __builtin_memset(memory, 0, rounded);
    auto* b = static_cast<block*>(memory);
    b->home = &s;
    b->owned.store(1);
    b->bytes.store(rounded);
    r.blocks.add_shared(std::uint64_t{1});
    r.bytes.add_shared(std::uint64_t{rounded});
    std::uint64_t head = s.blocks.load();
    do b->next = reinterpret_cast<block*>(head);
    while (!__atomic_compare_exchange_n(&s.blocks.bits, &head, reinterpret_cast<std::uint64_t>(b), true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    return b;
}

// Gives this thread its cells in s. Null when it cannot have any: record into the fallback then.
APM_COLD inline cell* attach(binding& mine, store& s) {
    root& r = process_root();
    pthread_key_t key;
    if (!thread_key(r, key)) return nullptr;
    // What a thread attached to after its keys' destructors glibc hands on, with the stack, to the next thread; that has no
    // cells.
    const auto bindings = [&]() -> binding* {
        auto* b = static_cast<binding*>(pthread_getspecific(key));
        return b && b->cells ? b : nullptr;
    };
    const auto of_this_thread = [&]() -> cell* {
        for (auto* b = bindings(); b; b = b->next)
            if (block::of(b->cells)->home == &s) return b->cells;
        return nullptr;
    };
    block* fresh = nullptr;
    cell* cells = of_this_thread();
    if (!cells) {
        fresh = claim(s);
        if (!fresh) fresh = allocate_block(r, s);
        if (!fresh) return nullptr;
        if (cell* there = of_this_thread()) {  // the allocator recorded
            release(*fresh);
            fresh = nullptr, cells = there;
        } else {
            cells = fresh->cells();
        }
    }
    if (mine.cells) return mine.cells;
    mine.next = bindings();
    if (pthread_setspecific(key, &mine) != 0) {
        if (fresh) release(*fresh);
        return nullptr;
    }
    return mine.cells = cells;
}

}  // namespace apm::inline APM_ABI::detail
