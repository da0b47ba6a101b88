// How labels find the cells of their series, in the memory of this thread. A row of few closed labels has them at a place that is
// known when it is compiled; others look them up in a table, and the thread's cells grow as they are touched.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <apm/config.hpp>
#include <apm/detail/block.hpp>
#include <apm/detail/store.hpp>
#include <apm/detail/table.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/row.hpp>

namespace apm::inline APM_ABI::detail {

// The cells of one admitted series (0: the overflow series) in `p`'s block, grown on first touch.
template <const description& What>
APM_INLINE place series_in(store& s, const row& r, place p, std::uint32_t id) {
    const std::uint32_t chunk = chunk_of(id), offset = (id - chunk_base(chunk)) * r.width;
    cell* at = p.at[r.first_chunk() + chunk].template pointer_acquire<cell>();
    if (!at) [[unlikely]] {
        if (!p.shared) {
            at = grow_own(*block::of(p.at), p.at[r.first_chunk() + chunk], chunk, r.width);
            if (!at) count_fallback(s.what->name);
        }
        if (!at) {
            cell* shared = r.kind == kind::gauge ? s.shared : s.fallback;
            at = grow_shared(shared[r.first_chunk() + chunk], chunk, r.width);
            p.shared = true;
        }
        if (!at) return count_lost_record();
    }
    return {at + offset, p.shared};
}

APM_COLD inline std::uint32_t admit(table& t, const row& r, const key_view& k) {
    const std::uint32_t id = t.admit(k);
    if (!id && !t.said.load() && !__atomic_exchange_n(&t.said.bits, 1, __ATOMIC_RELAXED))
        report("\"%s\" has all its %u series; what comes now goes to its overflow series: give its labels fewer values, or the "
               "row a higher limit", r.name, r.options.limit);
    return id;
}

// The id of a key: looked up without a lock, admitted on first sight, 0 where the row is full.
APM_INLINE std::uint32_t id_of(store& s, const row& r, const key_view& k) {
    table* t = table_of(s, r.table, r.options.limit);
    if (!t) [[unlikely]] return 0;
    if (const std::uint32_t id = t->find(k)) [[likely]] return id;
    return admit(*t, r, k);
}

template <const description& What>
place place_of_id(store& s, const row& r, std::uint32_t id) {
    const place p = r.kind == kind::gauge ? place{s.shared, true} : here<What>();
    if (!p.at) [[unlikely]] return p;
    if (id == 0) [[unlikely]] p.add(r.first, std::uint64_t{1});  // counted: so many records overflowed
    return series_in<What>(s, r, p, id);
}

// Always has an answer, and makes what it takes.
template <const description& What>
place place_of_key(const row& r, const key_view& k) {
    store* s = store_of<What>();
    if (!s) [[unlikely]] return count_lost_record();
    return place_of_id<What>(*s, r, id_of(*s, r, k));
}
// The key by value, which is copied on the cold side alone: the hot side keeps it in registers.
template <const description& What, class Key>
APM_COLD place place_of_copy(const row& r, Key k) { return place_of_key<What>(r, k.view()); }

// Has an answer where this thread recorded to the series, or to one admitted with it, before: most of the time. Makes nothing.
// Takes a key's parts, which are in registers as long as there are no more than two texts. Measured: 9.5 -> 5.5 ns.
template <const description& What, std::same_as<piece>... Text>
[[gnu::noinline]] cell* own_cells_of_key(const row& r, std::uint32_t closed, Text... texts) {
    cell* const cells = bound<What>.cells;
    if (!cells) [[unlikely]] return nullptr;  // with cells there is a store
    const table* t = home<What>.template pointer_acquire<store>()->table_at(r.table).template pointer_acquire<table>();
    if (!t) [[unlikely]] return nullptr;
    const piece all[sizeof...(texts) + 1] = {texts...};
    const std::uint32_t id = t->find({closed, sizeof...(texts), all});
    if (!id) [[unlikely]] return nullptr;
    const std::uint32_t chunk = chunk_of(id);
    cell* const at = cells[r.first_chunk() + chunk].template pointer<cell>();
    return at ? at + (id - chunk_base(chunk)) * r.width : nullptr;
}

template <const description& What, class Key, std::size_t... At>
APM_INLINE cell* own_cells_of_key(const row& r, const Key& k, std::index_sequence<At...>) {
    return own_cells_of_key<What>(r, k.closed, k.texts[At]...);
}

// --- any row ----------------------------------------------------------------------------------------------------------

// One series of a row, looked up once. Valid in every thread, for good.
struct series {
    const row* of;
    std::uint32_t cell;    // a dense row's first cell of it, a tabled row's pointer to the chunk it is in
    std::uint32_t offset;  // where in that chunk, or one of these
    static constexpr std::uint32_t dense = 0xffff'ffff;
    // Looked up at each record: the overflow series, and every series of a row with exemplars, where `cell` is the series'
    // number. So the fast path of the others has no test more.
    static constexpr std::uint32_t slow_path = 0xffff'fffe;
};

template <const description& What, class L>
series series_of(const row& r, const L& l) {
    if (r.direct) return {&r, r.first + labels<L>::index(l) * r.width, series::dense};
    if (!r.tabled) return {&r, labels<L>::index(l), series::slow_path};
    store* s = store_of<What>();
    const std::uint32_t id = s ? id_of(*s, r, labels<L>::key_of(l).view()) : 0;
    if (r.options.exemplars) return {&r, id, series::slow_path};
    const std::uint32_t chunk = chunk_of(id);
    return {&r, r.first_chunk() + chunk, id ? (id - chunk_base(chunk)) * r.width : series::slow_path};
}

// Of a tabled row with exemplars.
template <const description& What, class Key>
[[APM_HIDDEN, gnu::noinline]] std::uint32_t number_of_copy(const row& r, Key k) {
    store* s = store_of<What>();
    return s ? id_of(*s, r, k.view()) : 0;
}

// The cells in which this thread keeps the row: a gauge's are shared by all threads.
template <const description& What>
APM_INLINE place cells_of(const row& r) {
    if (r.kind != kind::gauge) return here<What>();
    store* s = store_of<What>();
    return s ? place{s->shared, true} : count_lost_record();
}

// Always has an answer, and makes what it takes.
template <const description& What>
[[gnu::noinline]] place place_of(const series& x) {
    const row& r = *x.of;
    if (x.offset == series::dense) {
        const place p = cells_of<What>(r);
        return {p.at ? p.at + x.cell : nullptr, p.shared};
    }
    if (!r.tabled) {  // with exemplars
        const place p = here<What>();
        return {p.at ? p.at + r.first + x.cell * r.width : nullptr, p.shared};
    }
    store* s = store_of<What>();
    if (!s) [[unlikely]] return count_lost_record();
    if (r.options.exemplars) return place_of_id<What>(*s, r, x.cell);
    if (x.offset == series::slow_path) return place_of_id<What>(*s, r, 0);
    return place_of_id<What>(*s, r, chunk_base(x.cell - r.first_chunk()) + x.offset / r.width);
}

template <class L>
inline constexpr bool few_series = labels<L>::info.texts == 0 && labels<L>::info.product <= row::few;

// Spares clang a second test of what was tested before.
APM_INLINE cell* never_null(cell* at) {
    if (!at) __builtin_unreachable();
    return at;
}

// Of a row with labels L; has an answer most of the time, as above.
template <const description& What, class L>
APM_INLINE cell* own_cells_of(const series& x) {
    cell* const cells = bound<What>.cells;
    if (!cells) [[unlikely]] return nullptr;
    if constexpr (few_series<L>) {  // dense, unless its limit or its buckets forbid
        if (x.offset == series::dense) [[likely]] return never_null(cells + x.cell);
    }
    if (x.offset == series::slow_path) [[unlikely]] return nullptr;
    cell* const at = cells[x.cell].template pointer<cell>();
    return at ? never_null(at + x.offset) : nullptr;
}

}  // namespace apm::inline APM_ABI::detail
