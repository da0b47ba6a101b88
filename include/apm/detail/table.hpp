// A bounded table from keys to small ids: lock-free to read, locked to grow.
#pragma once

#include <cstddef>
#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/utf8.hpp>

namespace apm::inline APM_ABI::detail {

struct piece {
    const char* data;
    std::size_t size;
};

// What a caller looks up: a number and some texts.
struct key_view {
    std::uint32_t closed;
    std::uint32_t count;
    const piece* texts;

    [[nodiscard]] APM_INLINE std::uint64_t hash(std::uint64_t seed) const {
        std::uint64_t h = mix(seed ^ closed, 0x9e3779b97f4a7c15u);
        for (std::uint32_t i = 0; i < count; ++i) h = hash_bytes(h, texts[i].data, texts[i].size);
        return h;
    }
    [[nodiscard]] bool is_utf8() const {
        for (std::uint32_t i = 0; i < count; ++i)
            if (!utf8_valid(texts[i].data, texts[i].size)) return false;
        return true;
    }
};

// A key that was admitted; never moved, never freed.
struct key {
    std::uint64_t hash;
    std::uint32_t id;
    std::uint32_t closed;
    std::uint32_t count;

    // Behind it: `count` sizes, then the texts' bytes.
    [[nodiscard]] std::uint32_t* sizes() { return reinterpret_cast<std::uint32_t*>(this + 1); }
    [[nodiscard]] const std::uint32_t* sizes() const { return reinterpret_cast<const std::uint32_t*>(this + 1); }

    static std::size_t bytes_before_text(std::uint32_t texts) { return sizeof(key) + texts * sizeof(std::uint32_t); }
    [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(sizes() + count); }
    [[nodiscard]] bool holds(std::uint64_t h, const key_view& k) const {
        if (hash != h || closed != k.closed) return false;
        const char* at = reinterpret_cast<const char*>(sizes() + k.count);  // as many in all keys of a table
        for (std::uint32_t i = 0; i < k.count; at += sizes()[i], ++i)
            if (sizes()[i] != k.texts[i].size || !same_bytes(at, k.texts[i].data, sizes()[i])) return false;
        return true;
    }
};

// Ids are 1..limit in order of admission; 0 is "did not fit".
struct table {
    std::uint32_t limit;
    std::uint32_t mask;       // places - 1
    std::uint64_t seed;
    cell admitted;            // ids given; all of by_id[1..admitted] may be read
    std::uint32_t spellings;  // second keys to an id; under the root's `registering`
    cell said;                // 1: that it is full was reported
    cell* keys;               // key*: open addressing, linear probing, at most three quarters full
    const key** by_id;

    // 0: not there (yet).
    [[nodiscard]] APM_INLINE std::uint32_t find(std::uint64_t hash, const key_view& k) const {
        for (std::uint64_t i = hash;; ++i) {
            const key* at = keys[i & mask].pointer_acquire<key>();
            if (!at) return 0;
            if (at->holds(hash, k)) [[likely]] return at->id;
        }
    }
    [[nodiscard]] APM_INLINE std::uint32_t find(const key_view& k) const { return find(k.hash(seed), k); }

    // The id of k, admitted if there is room; else 0. Any thread.
    //
    // Text that is no UTF-8 is admitted as what it will read as (U+FFFD for stray bytes), so that two spellings that read
    // alike cannot become two ids of one name; the raw spelling becomes a second key to that id while there is room.
    APM_COLD std::uint32_t admit(const key_view& k) { return admit(k.hash(seed), k); }
    APM_COLD std::uint32_t admit(std::uint64_t hash, const key_view& k) {
        if (!k.is_utf8()) return admit_repaired(hash, k);
        // Full: that takes no lock to find out. Looked up again: it may have come between the caller's look and this.
        if (admitted.load_acquire() >= limit) return find(hash, k);
        key* const made = copy_of(hash, k);  // before the lock: the program's allocator may itself record, and admit
        const lock guard(process_root().registering);
        std::uint32_t id = find(hash, k);
        if (id || !made || admitted.load() >= limit) return free(made), id;
        id = static_cast<std::uint32_t>(admitted.load() + 1);
        insert(*made, id);
        by_id[id] = made;
        admitted.store_release(id);
        return id;
    }

    static table* make(std::uint32_t limit) {
        const std::uint32_t places = places_for(limit);
        const std::size_t bytes = size_for(limit);
        auto* memory = static_cast<char*>(calloc(1, bytes));
        if (!memory) return nullptr;
        auto* t = reinterpret_cast<table*>(memory);
        t->limit = limit;
        t->mask = places - 1;
        t->seed = mix(reinterpret_cast<std::uint64_t>(memory), monotonic_ns());
        t->keys = reinterpret_cast<cell*>(memory + sizeof(table));
        t->by_id = reinterpret_cast<const key**>(memory + sizeof(table) + places * sizeof(cell));
        process_root().bytes.add_shared(std::uint64_t{bytes});
        return t;
    }
    // One that no other thread has seen.
    static void unmake(table* t) {
        if (!t) return;
        process_root().bytes.add_shared(std::uint64_t{0} - size_for(t->limit));
        free(t);
    }

private:
    static std::uint32_t places_for(std::uint32_t limit) {
        std::uint32_t places = 16;
        while (places < limit * 2) places *= 2;
        return places;
    }
    static std::size_t size_for(std::uint32_t limit) {
        return sizeof(table) + places_for(limit) * sizeof(cell) + (limit + 1) * sizeof(key*);
    }

    std::uint32_t admit_repaired(std::uint64_t hash, const key_view& k) {
        std::size_t room = k.count * sizeof(piece);
        for (std::uint32_t i = 0; i < k.count; ++i) room += 3 * k.texts[i].size;
        auto* texts = static_cast<piece*>(malloc(room));
        if (!texts) return 0;
        char* out = reinterpret_cast<char*>(texts + k.count);
        for (std::uint32_t i = 0; i < k.count; out += texts[i].size, ++i)
            texts[i] = {out, utf8_repair(k.texts[i].data, k.texts[i].size, out)};
        const key_view repaired{k.closed, k.count, texts};
        std::uint32_t id = find(repaired);
        if (!id) id = admit(repaired);
        free(texts);
        // Second keys may fill a quarter of the places; beyond that, such text is repaired anew each time, without the lock.
        const std::uint32_t room_for_spellings = (mask + 1) / 4;
        if (!id || __atomic_load_n(&spellings, __ATOMIC_RELAXED) >= room_for_spellings) return id;
        key* const made = copy_of(hash, k);
        const lock guard(process_root().registering);
        if (!made || spellings >= room_for_spellings || find(hash, k)) return free(made), id;
        insert(*made, id);
        __atomic_store_n(&spellings, spellings + 1, __ATOMIC_RELAXED);
        return id;
    }

    // Null where there is no memory.
    static key* copy_of(std::uint64_t hash, const key_view& k) {
        std::size_t bytes = key::bytes_before_text(k.count);
        for (std::uint32_t i = 0; i < k.count; ++i) bytes += k.texts[i].size;
        auto* made = static_cast<key*>(malloc(bytes));
        if (!made) return nullptr;
        made->hash = hash, made->closed = k.closed, made->count = k.count;
        char* at = const_cast<char*>(made->bytes());
        for (std::uint32_t i = 0; i < k.count; at += k.texts[i].size, ++i) {
            made->sizes()[i] = static_cast<std::uint32_t>(k.texts[i].size);
            __builtin_memcpy(at, k.texts[i].data, k.texts[i].size);
        }
        return made;
    }
    // Under `registering`.
    void insert(key& made, std::uint32_t id) {
        made.id = id;
        std::uint64_t place = made.hash;
        while (keys[place & mask].pointer<key>()) ++place;
        keys[place & mask].publish(&made);
        std::size_t bytes = key::bytes_before_text(made.count);
        for (std::uint32_t i = 0; i < made.count; ++i) bytes += made.sizes()[i];
        process_root().bytes.add_shared(std::uint64_t{bytes});
    }
};

}  // namespace apm::inline APM_ABI::detail
