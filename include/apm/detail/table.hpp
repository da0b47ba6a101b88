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
};

// A key that was admitted; never moved, never freed.
struct key {
    std::uint64_t hash;
    std::uint32_t id;
    std::uint32_t closed;
    std::uint32_t count;
    std::uint32_t sizes[1];  // `count` of them, then the texts' bytes

    [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(sizes + count); }
    [[nodiscard]] bool holds(std::uint64_t h, const key_view& k) const {
        if (hash != h || closed != k.closed) return false;
        const char* at = bytes();
        for (std::uint32_t i = 0; i < count; at += sizes[i], ++i)
            if (sizes[i] != k.texts[i].size || __builtin_memcmp(at, k.texts[i].data, sizes[i]) != 0) return false;
        return true;
    }
};

// Ids are 1..limit in order of admission; 0 is "did not fit".
struct table {
    std::uint32_t limit;
    std::uint32_t mask;       // slots - 1
    std::uint64_t seed;
    cell admitted;            // ids given; all of by_id[1..admitted] may be read
    std::uint32_t keys;       // in the table, several spellings of one text included; under the root's `registering`
    cell* slots;              // key*: open addressing, linear probing, at most half full
    const key** by_id;

    // 0: not there (yet).
    [[nodiscard]] APM_INLINE std::uint32_t find(std::uint64_t hash, const key_view& k) const {
        for (std::uint64_t i = hash;; ++i) {
            const key* at = slots[i & mask].pointer_acquire<key>();
            if (!at) return 0;
            if (at->holds(hash, k)) [[likely]] return at->id;
        }
    }
    [[nodiscard]] APM_INLINE std::uint32_t find(const key_view& k) const { return find(k.hash(seed), k); }

    // The id of k, admitted if there is room; else 0. Allocates at most once per key. Any thread.
    APM_COLD std::uint32_t admit(const key_view& k) { return admit(k.hash(seed), k); }
    APM_COLD std::uint32_t admit(std::uint64_t hash, const key_view& k) {
        if (admitted.load() >= limit) return find(hash, k);  // full: nobody waits for a lock to be told so
        const lock guard(process_root().registering);
        return admit_locked(hash, k);
    }

    static table* make(std::uint32_t limit) {
        std::uint32_t slots = 16;
        while (slots < limit * 4) slots *= 2;  // twice the limit in keys, half full
        const std::size_t bytes = sizeof(table) + slots * sizeof(cell) + (limit + 1) * sizeof(key*);
        auto* memory = static_cast<char*>(calloc(1, bytes));
        if (!memory) return nullptr;
        auto* t = reinterpret_cast<table*>(memory);
        t->limit = limit;
        t->mask = slots - 1;
        t->seed = mix(reinterpret_cast<std::uint64_t>(memory), monotonic_ns());
        t->slots = reinterpret_cast<cell*>(memory + sizeof(table));
        t->by_id = reinterpret_cast<const key**>(memory + sizeof(table) + slots * sizeof(cell));
        process_root().bytes.add_shared(std::uint64_t{bytes});
        return t;
    }

private:
    std::uint32_t admit_locked(std::uint64_t hash, const key_view& k) {
        if (const std::uint32_t id = find(hash, k)) return id;
        if (keys >= 2 * limit) return 0;
        std::uint32_t id = 0;
        // Text that is no UTF-8 is kept as what it will read as; its raw spelling is a second key to the same id, so that
        // two spellings that read alike cannot become two series of one name.
        std::size_t room = 0;
        bool clean = true;
        for (std::uint32_t i = 0; i < k.count; ++i) {
            clean = clean && utf8_valid(k.texts[i].data, k.texts[i].size);
            room += 3 * k.texts[i].size;
        }
        if (!clean) {
            auto* scratch = static_cast<char*>(malloc(room + k.count * sizeof(piece)));
            if (!scratch) return 0;
            auto* texts = reinterpret_cast<piece*>(scratch);
            char* out = scratch + k.count * sizeof(piece);
            for (std::uint32_t i = 0; i < k.count; ++i) {
                texts[i] = {out, utf8_repair(k.texts[i].data, k.texts[i].size, out)};
                out += texts[i].size;
            }
            const key_view repaired{k.closed, k.count, texts};
            id = admit_locked(repaired.hash(seed), repaired);
            free(scratch);
            if (!id) return 0;
        }
        if (!id && admitted.load() >= limit) return 0;
        std::size_t size = 0;
        for (std::uint32_t i = 0; i < k.count; ++i) size += k.texts[i].size;
        const std::size_t bytes = sizeof(key) + k.count * sizeof(std::uint32_t) + size;
        auto* made = static_cast<key*>(malloc(bytes));
        if (!made) return 0;
        made->hash = hash;
        made->closed = k.closed;
        made->count = k.count;
        char* at = const_cast<char*>(made->bytes());
        for (std::uint32_t i = 0; i < k.count; at += k.texts[i].size, ++i) {
            made->sizes[i] = static_cast<std::uint32_t>(k.texts[i].size);
            __builtin_memcpy(at, k.texts[i].data, k.texts[i].size);
        }
        if (id) {
            made->id = id;
        } else {
            made->id = static_cast<std::uint32_t>(admitted.load() + 1);
            by_id[made->id] = made;
            admitted.store_release(made->id);
        }
        std::uint64_t i = hash;
        while (slots[i & mask].pointer<key>()) ++i;
        slots[i & mask].publish(made);
        ++keys;
        process_root().bytes.add_shared(std::uint64_t{bytes});
        return made->id;
    }
};

}  // namespace apm::inline APM_ABI::detail
