// Stores: one per description and process, found by every module that has it; what a fork makes of them; and the way from a
// row to the cells of this thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pthread.h>

#include <apm/config.hpp>
#include <apm/detail/block.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/fixed_string.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/observer.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/table.hpp>

namespace apm::inline APM_ABI::detail {

// --- fork: the child counts from zero, alone --------------------------------------------------------------------------

inline void before_fork() {
    root& r = process_root();
    r.collecting.lock(), r.draining.lock(), r.observing.lock(), r.registering.lock();
}
inline void after_fork_in_parent() {
    root& r = process_root();
    r.registering.unlock(), r.observing.unlock(), r.draining.unlock(), r.collecting.unlock();
}
inline void after_fork_in_child() {
    root& r = process_root();
    r.collecting.reset(), r.draining.reset(), r.observing.reset(), r.registering.reset();
    pthread_key_t key;
    const auto* mine = thread_key(r, key) ? static_cast<const binding*>(pthread_getspecific(key)) : nullptr;
    for (auto* s = r.stores.pointer<store>(); s; s = s->next) {
        s->what->zero(*s->what, s->fallback, s->shared);
        std::uint64_t idle = 0;
        for (auto* b = s->blocks.pointer<block>(); b; b = b->next) {
            bool owned = false;
            for (const binding* x = mine; x; x = x->next) owned = owned || x->cells == b->cells();
            b->owned.store(owned ? 1 : 0);
            idle += owned ? 0 : 1;
            s->what->zero(*s->what, b->cells(), nullptr);
        }
        s->idle.store(idle);
    }
    r.fallbacks.store(0), r.lost.store(0), r.errors.store(0);
    r.drained.store(0), r.undelivered.store(0), r.unattached.store(0), r.unended.store(0);
    r.tail_bytes.store(0), r.tail_unread.store(0);
    r.started.store(realtime_ns());
    r.generation.add(std::uint64_t{1});
    forget_other_threads(r);
}

// Before a mutex of the root is locked: a fork in between would leave it locked in the child for good.
inline void expect_forks(root& r) {
    pthread_once(&r.forks, [] { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); });
}

// --- stores -----------------------------------------------------------------------------------------------------------

inline bool same_identity(const description& a, const description& b) {
    return equal(a.name, b.name) && equal(a.version, b.version) && equal(a.url, b.url);
}

// The store of that description, if there is one. `conflict` becomes true where one has its identity, and another layout.
inline store* find_store(root& r, const description& what, bool& conflict) {
    conflict = false;
    for (auto* s = r.stores.pointer_acquire<store>(); s; s = s->next) {
        if (!same_identity(*s->what, what)) continue;
        if (s->what->layout == what.layout) return s;
        conflict = true;
    }
    return nullptr;
}
// Made on first demand. Null only when there is no memory for it.
APM_COLD inline store* find_or_make(const description& what) {
    root& r = process_root();
    bool conflict = false;
    if (store* s = find_store(r, what, conflict)) return s;
    expect_forks(r);
    const std::size_t bytes = sizeof(store) + (what.tables + what.cells + what.shared) * sizeof(cell);
    auto* made = reinterpret_cast<store*>(allocate(bytes));
    {
        const lock guard(r.registering);
        if (store* s = find_store(r, what, conflict)) return give_back(made, bytes), s;
        if (!made) return nullptr;
        made->what = &what;
        made->fallback = &made->table_at(what.tables);
        made->shared = made->fallback + what.cells;
        made->next = r.stores.pointer<store>();
        if (!r.started.load()) r.started.store(realtime_ns());  // the first store of the process
        r.stores.publish(made);
    }
    if (conflict) {
        r.conflicts.add_shared(std::uint64_t{1});
        report("two modules declare \"%s\" (version \"%s\") with different rows; each keeps its own values: build both "
               "against one header, or give one another scope version", what.name, what.version);
    }
    return made;
}

template <const description& What>
APM_COLD store* find_home() {
    store* s = find_or_make(What);
    if (s) home<What>.publish(s);
    return s;
}
template <const description& What>
APM_INLINE store* store_of() {
    if (store* s = home<What>.template pointer_acquire<store>()) [[likely]] return s;
    return find_home<What>();
}

// Where a record goes for which there is no memory: nowhere. Counts it.
APM_COLD inline place count_lost_record() {
    process_root().lost.add_shared(std::uint64_t{1});
    return {nullptr, true};
}

// A record that goes to memory shared with other threads; said the first time.
APM_COLD inline void count_fallback(const char* name) {
    if (__atomic_fetch_add(&process_root().fallbacks.bits, 1, __ATOMIC_RELAXED) == 0)
        report("a thread could get no memory of its own for \"%s\"; it records into a shared block, exact but slower: raise "
               "the limit of bytes per thread", name);
}

// This thread's cells, or the fallback's. `at` is null where nothing can be had at all.
template <const description& What>
APM_COLD place first_touch() {
    store* s = store_of<What>();
    if (!s) return count_lost_record();
    if (cell* cells = attach(bound<What>, *s)) return {cells, false};
    count_fallback(What.name);
    return {s->fallback, true};
}
template <const description& What>
APM_INLINE place here() {
    if (cell* cells = bound<What>.cells) [[likely]] return {cells, false};
    return first_touch<What>();
}

// The n-th table of the store, made on first demand with room for `limit` keys. Null where there is no memory for it.
APM_COLD inline table* make_table(store& s, std::uint32_t n, std::uint32_t limit) {
    table* made = table::make(limit);
    const lock guard(process_root().registering);
    if (table* there = s.table_at(n).pointer<table>()) return table::unmake(made), there;
    if (made) s.table_at(n).publish(made);
    return made;
}
APM_INLINE table* table_of(store& s, std::uint32_t n, std::uint32_t limit) {
    if (table* t = s.table_at(n).pointer_acquire<table>()) [[likely]] return t;
    return make_table(s, n, limit);
}

}  // namespace apm::inline APM_ABI::detail
