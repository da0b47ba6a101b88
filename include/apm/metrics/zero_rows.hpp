// Zeroing the rows of a schema: a forked child counts from zero.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/block.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/row.hpp>

namespace apm::inline APM_ABI::detail {

inline void zero_row(const row& r, cell* cells) {
    if (!r.tabled) {
        for (std::uint32_t i = r.first; i <= r.dense_rejected(); ++i) cells[i].store(0);
        return;
    }
    cells[r.first].store(0), cells[r.first + 1].store(0);
    for (std::uint32_t c = 0; c < r.chunks(); ++c)
        if (cell* chunk = cells[r.first_chunk() + c].pointer<cell>())
            for (std::uint32_t i = 0; i < chunk_size(c) * r.width; ++i) chunk[i].store(0);
}
inline void forget_exemplars(const row& r, cell* at) {
    const auto forget = [&r](cell* slot, std::uint64_t series) {
        for (std::uint64_t n = series * r.slots_per_series(); n > 0; --n, slot += row::slot_words)
            if (slot->load()) slot->store(0);  // memory that was never written stays so
    };
    if (!r.tabled) return forget(at + 1, r.labels->product);
    for (std::uint32_t c = 0; c < r.chunks(); ++c)
        if (cell* chunk = at[1 + c].pointer<cell>()) forget(chunk, chunk_size(c));
}
inline void zero_rows(const description& what, cell* own, cell* shared) {
    for (auto* r = static_cast<const row*>(what.rows); r; r = r->previous) {
        if (r->kind != kind::gauge) zero_row(*r, own);
        else if (shared) zero_row(*r, shared);
        if (shared && r->options.exemplars) forget_exemplars(*r, shared + r->first_shared);
    }
}

}  // namespace apm::inline APM_ABI::detail
