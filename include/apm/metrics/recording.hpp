// How a value finds its cell: the steps that all instruments share. The hot path of a row of few closed labels is a
// thread-local load, a test and an addition; everything that can wait is out of line.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <apm/config.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/row.hpp>
#include <apm/unit.hpp>

void apm_error_a_counter_cannot_be_decreased_use_an_updown();

namespace apm::inline APM_ABI {

// Amounts are taken by reference: by value, clang keeps a stray store where APM is off that shifts its choice of registers.

// What a counter of integers takes: an unsigned value, or a constant that is not negative. A signed variable does not
// compile, and the compiler's message has this name; whoever knows it not to be negative says so with a cast.
struct unsigned_or_constant {
    std::uint64_t value;

    template <std::unsigned_integral U>
        requires(!std::same_as<U, bool> && sizeof(U) <= sizeof(value))
    APM_INLINE constexpr unsigned_or_constant(U u) : value(u) {}
    template <std::signed_integral I>
    consteval unsigned_or_constant(I i) : value(static_cast<std::uint64_t>(i)) {
        if (i < 0) apm_error_a_counter_cannot_be_decreased_use_an_updown();
    }
};

// What other rows of integers take: whatever an int64 holds but the least, which stands for what it does not hold.
struct whole {
    std::int64_t value;

    template <std::integral I>
        requires(!std::same_as<I, bool> && sizeof(I) <= sizeof(value))
    APM_INLINE constexpr whole(I i) : value(std::in_range<std::int64_t>(i) ? static_cast<std::int64_t>(i) : detail::no_value) {}
};

// What rows in a unit of time take.
struct elapsed {
    std::int64_t value;  // nanoseconds

    template <detail::duration D>
    APM_INLINE constexpr elapsed(const D& d) : value(detail::to_nanoseconds(d)) {}
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr elapsed(T) : value(0) {
        static_assert(!std::same_as<T, T>,
                      "apm: this row's unit is a time: give a std::chrono duration such as 20ms, not a number");
    }
};

struct real_amount {
    double value;
    template <class T>
        requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
    APM_INLINE constexpr real_amount(T t) : value(static_cast<double>(t)) {}
};

namespace detail {

// What a callback returns is what the row takes; asked in both modes, before the callback ever runs.
template <class Amount, class F>
constexpr bool observable = [] {
    using value = std::remove_cvref_t<std::invoke_result_t<F&>>;
    constexpr bool is_number = std::is_arithmetic_v<value> && !std::same_as<value, bool>;
    if constexpr (std::same_as<Amount, unsigned_or_constant>) return is_number && std::unsigned_integral<value>;
    else if constexpr (std::same_as<Amount, elapsed>) return duration<value>;
    else if constexpr (std::same_as<Amount, whole>) return is_number && std::integral<value>;
    else return is_number;
}();
template <class Amount, class F>
consteval void check_callback() {
    static_assert(observable<Amount, F>,
                  "apm: the row cannot take what this callback returns: a counter takes unsigned integers (a total is never "
                  "negative), a row in a unit of time std::chrono durations");
}

template <class Unit>
using amount_of = std::conditional_t<Unit::info.kept_as == number::floating, real_amount,
                                     std::conditional_t<Unit::info.kept_as == number::nanoseconds, elapsed, whole>>;

// --- dense rows -------------------------------------------------------------------------------------------------------

template <const description& What, class N>
APM_COLD void add_first(std::uint32_t cell_index, N n) {
    if (const place p = first_touch<What>(); p.at) p.add(cell_index, n);
}
template <const description& What, class N>
APM_INLINE void add_dense(std::uint32_t cell_index, N n) {
    if (cell* cells = bound<What>.cells) [[likely]] cells[cell_index].add(n);
    else add_first<What>(cell_index, n);
}

// --- tabled rows ------------------------------------------------------------------------------------------------------

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
        if (!at) return no_place();
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
    if (!s) [[unlikely]] return no_place();
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

template <const description& What, class Key, std::size_t... I>
APM_INLINE cell* own_cells_of_key(const row& r, const Key& k, std::index_sequence<I...>) {
    return own_cells_of_key<What>(r, k.closed, k.texts[I]...);
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

// The cells in which this thread keeps the row: a gauge's are everybody's.
template <const description& What>
APM_INLINE place cells_of(const row& r) {
    if (r.kind != kind::gauge) return here<What>();
    store* s = store_of<What>();
    return s ? place{s->shared, true} : no_place();
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
    if (!s) [[unlikely]] return no_place();
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

template <class N>
APM_COLD void add_slowly(place p, N n) {
    if (p.at) p.add(0, n);
}

// The slow way, whose answer is always right; it alone keeps exemplars.
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

}  // namespace detail

// What with() returns: one series of a row, looked up once. A value to keep and copy, valid in every thread, for good, and in a
// forked child. with() admits the series at once, which then counts toward the row's limit; beyond the limit it is the overflow
// series, and stays so. Cost: that of a row with few closed labels, and a comparison; open text is not looked up again.
template <class Row, mode M>
class handle {
public:
    using amount = typename Row::amount;

    APM_INLINE void add(const amount& n) const requires(is_sum(Row::instrument)) { row().put(n, at); }
    APM_INLINE void sub(const amount& n) const requires(Row::instrument == kind::updown) { row().take(n, at); }
    APM_INLINE void set(const amount& v) const requires(Row::instrument == kind::gauge) { row().put(v, at); }
    APM_INLINE void record(const amount& v) const requires(Row::instrument == kind::histogram) { row().put(v, at); }

private:
    friend Row;
    APM_INLINE constexpr handle(const detail::series& s) : at(s) {}
    APM_INLINE const Row& row() const { return static_cast<const Row&>(*at.of); }
    detail::series at;
};
template <class Row>
class handle<Row, mode::off> {
public:
    using amount = typename Row::amount;

    APM_INLINE void add(const amount&) const requires(is_sum(Row::instrument)) {}
    APM_INLINE void sub(const amount&) const requires(Row::instrument == kind::updown) {}
    APM_INLINE void set(const amount&) const requires(Row::instrument == kind::gauge) {}
    APM_INLINE void record(const amount&) const requires(Row::instrument == kind::histogram) {}

private:
    friend Row;
    APM_INLINE constexpr handle() = default;
};

}  // namespace apm::inline APM_ABI
