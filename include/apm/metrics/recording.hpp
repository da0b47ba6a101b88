// How a record is added to its series. The hot path of a row of few closed labels is a thread-local load, a test and an addition;
// everything that can wait is out of line.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series.hpp>

namespace apm::inline APM_ABI::detail {

template <const description& What, class N>
APM_COLD void add_first(std::uint32_t cell_index, N n) {
    if (const place p = first_touch<What>(); p.at) p.add(cell_index, n);
}
template <const description& What, class N>
APM_INLINE void add_dense(std::uint32_t cell_index, N n) {
    if (cell* cells = bound<What>.cells) [[likely]] cells[cell_index].add(n);
    else add_first<What>(cell_index, n);
}

template <class N>
APM_COLD void add_slowly(place p, N n) {
    if (p.at) p.add(0, n);
}

// The slow path, which is right for every series; it alone keeps exemplars.
template <const description& What, class N>
[[APM_HIDDEN, gnu::noinline]] void add_anywhere(const series& x, N n) {
    add_slowly(place_of<What>(x), n);
    if (x.of->options.exemplars && n != N{}) keep_exemplar<What>(*x.of, x.cell, 0, __builtin_bit_cast(std::uint64_t, n));
}

// Of a row with exemplars, while there is a sampled span.
template <const description& What, class N>
[[APM_HIDDEN, gnu::noinline]] void add_in_span(const row& r, std::uint32_t number, N n) {
    add_anywhere<What>(series{&r, number, series::slow_path}, n);
}

// Adds n to the one cell of a counter's or updown's series, of a row with labels L.
template <const description& What, class L, class N>
APM_INLINE void add_to(const row& r, const L& l, N n) {
    if constexpr (few_series<L>) {
        if (r.direct) [[likely]] return add_dense<What>(r.first + labels<L>::index(l), n);
    }
    if constexpr (few_series<L>) {
        if (!r.tabled) {
            const std::uint32_t number = labels<L>::index(l);
            if (sampled_span()) return add_in_span<What>(r, number, n);
            return add_dense<What>(r.first + number, n);
        }
    }
    const auto k = labels<L>::key_of(l);
    if (r.options.exemplars && sampled_span()) return add_in_span<What>(r, number_of_copy<What>(r, k), n);
    if (cell* at = own_cells_of_key<What>(r, k, typename labels<L>::each_text{})) [[likely]] at->add(n);
    else add_slowly(place_of_copy<What>(r, k), n);
}
template <const description& What, class L, class N>
APM_INLINE void add_to(const row&, const series& x, N n) {
    if (cell* at = own_cells_of<What, L>(x)) [[likely]] at->add(n);
    else add_anywhere<What>(x, n);
}

// A value that the row cannot hold (not a number, a negative increment or time): counted apart.
template <const description& What>
APM_COLD void reject(const row& r) {
    if (const place p = cells_of<What>(r); p.at) p.add(r.rejected_cell(), std::uint64_t{1});
}

}  // namespace apm::inline APM_ABI::detail
