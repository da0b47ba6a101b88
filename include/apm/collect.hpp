// Collecting: the metrics of all schemas of the process, now. Back ends, tests and tables are written against this.
//
//     apm::snapshot now = apm::collect();                  // since the process began
//     apm::delta_reader reader;  ...  reader.collect();    // since this reader's last time
//
// In a snapshot a histogram's count is the sum of its buckets (its sum may miss records in flight), and counters and counts
// never go backwards from one snapshot to the next.
// Any thread; collections are serialized. Recording is not disturbed by it, and is not waited for.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/block.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/observer.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/store.hpp>
#include <apm/detail/table.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series_view.hpp>
#include <apm/metrics/unset.hpp>

namespace apm::inline APM_ABI {

// Moved, never copied: series look at their family's cells.
struct cell_sums : std::vector<std::uint64_t> {
    cell_sums() = default;
    cell_sums(cell_sums&&) = default;
    cell_sums& operator=(cell_sums&&) = default;
};

// One row with all its series that are to be exported.
struct family {
    const apm::row* row;
    const detail::description* schema;  // name, version and url of its scope
    std::vector<series_view> series;
    std::uint64_t rejected = 0;    // values the row could not hold
    std::uint64_t overflowed = 0;  // records that went to the overflow series

    [[nodiscard]] apm::scope scope() const { return {schema->name, schema->version, schema->url}; }

    cell_sums cells;  // what `series` looks at
    std::vector<exemplar> exemplars = {};  // the same
};

// All families of the process at one time, or what changed in an interval. A value: moved, not copied.
struct snapshot {
    std::vector<family> families;  // in order of registration, then of declaration
    std::uint64_t origin = 0;      // nanoseconds since the epoch: when the process began, or was forked
    std::uint64_t started = 0;     // the interval's begin; of what is no delta, the origin
    std::uint64_t time = 0;        // and its end
    bool delta = false;            // counters and histograms have what came in the interval; else, since the process began
};

namespace detail {

inline void accumulate(std::uint64_t& sum, const cell& c, bool floating) {
    if (floating) sum = __builtin_bit_cast(std::uint64_t, __builtin_bit_cast(double, sum) + c.load_double());
    else sum += c.load();
}
// Which words of a series are doubles: the only one, or a histogram's sum.
inline bool is_double(const row& r, std::uint32_t word) { return r.floating() && word == r.width - 1; }

// Adds one block's share of row r to f.
inline void read_block(const row& r, const cell* block, std::uint32_t ids, family& f) {
    if (!r.tabled) {
        const std::uint64_t n = r.labels->product * r.width;
        for (std::uint64_t i = 0; i < n; ++i)
            accumulate(f.cells[i], block[r.first + i], is_double(r, static_cast<std::uint32_t>(i % r.width)));
    } else {
        f.overflowed += block[r.first].load();
        for (std::uint32_t c = 0; c < r.chunks(); ++c) {
            const cell* chunk = block[r.first_chunk() + c].pointer_acquire<cell>();
            if (!chunk) continue;
            const std::uint32_t base = chunk_base(c);
            for (std::uint32_t id = base; id < base + chunk_size(c) && id < ids; ++id)
                for (std::uint32_t w = 0; w < r.width; ++w)
                    accumulate(f.cells[id * r.width + w], chunk[(id - base) * r.width + w], is_double(r, w));
        }
    }
    f.rejected += block[r.rejected_cell()].load();
}

inline bool touched(const family& f, std::uint32_t id) {
    for (std::uint32_t w = 0; w < f.row->width; ++w)
        if (f.cells[id * f.row->width + w]) return true;
    return false;
}
// Only of values that the user declared: no "other", nothing left out.
inline bool all_declared(const row& r, std::uint64_t closed) {
    for (std::uint32_t i = r.labels->count; i-- > 0;) {
        const label_info& l = r.labels->fields[i];
        if (!l.open && closed % l.radix >= l.domain->declared) return false;
        closed /= l.radix;
    }
    return true;
}

// Times that exemplars are to be of: after `from`, and until `to`.
struct interval {
    std::uint64_t from = 0, to = ~std::uint64_t{0};
};
// A family that is being read, and where in `exemplars` those of its first, second ... series begin.
struct family_read {
    family to;
    std::vector<std::uint32_t> exemplars_at;
};
APM_CLEANS_UP inline void read_exemplars(const store& s, const row& r, std::uint32_t ids, const interval& when, family_read& f) {
    for (std::uint32_t id = 0; id < ids; ++id) {
        f.exemplars_at.push_back(static_cast<std::uint32_t>(f.to.exemplars.size()));
        const exemplar_slot* const kept = slots_of(s, r, id, false);
        exemplar e;
        for (std::uint32_t b = 0; kept && b < r.slots_per_series(); ++b)
            if (read_exemplar(kept[b], r, b, e) && e.time > when.from && e.time <= when.to) f.to.exemplars.push_back(e);
    }
    f.exemplars_at.push_back(static_cast<std::uint32_t>(f.to.exemplars.size()));
    rounds_of(s, r).add_shared(std::uint64_t{1});  // each slot may be taken anew
}

APM_CLEANS_UP inline family_read read_row(const store& s, const row& r, const interval& when) {
    family_read result{{.row = &r, .schema = s.what, .series = {}, .cells = {}, .exemplars = {}}, {}};
    family& f = result.to;
    const table* t = r.tabled ? s.table_at(r.table).pointer_acquire<table>() : nullptr;
    const std::uint32_t ids = r.tabled ? (t ? static_cast<std::uint32_t>(t->admitted.load_acquire()) : 0) + 1
                                       : static_cast<std::uint32_t>(r.labels->product);
    if (r.options.exemplars) read_exemplars(s, r, ids, when, result);  // before the cells: what has one is counted
    f.cells.assign(std::size_t{ids} * r.width, 0);
    if (r.kind == kind::gauge) {
        read_block(r, s.shared, ids, f);
    } else {
        read_block(r, s.fallback, ids, f);
        for (auto* b = s.blocks.pointer_acquire<block>(); b; b = b->next) read_block(r, b->cells(), ids, f);
    }
    return result;
}

// The cells of a series that is exported before its first record; as many as the widest row has.
inline constexpr std::uint64_t untouched[max_bounds + 2]{};

// A present value: there is nothing to subtract, and zero is a value like another. (OpenTelemetry's delta preference leaves
// both cumulative, too.)
inline bool is_a_value(const row& r) { return r.kind == kind::gauge || r.kind == kind::updown; }

// Fills `series` from `cells`: after a delta was taken, hence apart.
APM_CLEANS_UP inline void select_series(const store& s, family_read& read, bool only_changed) {
    family& f = read.to;
    const row& r = *f.row;
    const bool gauge = r.kind == kind::gauge;
    only_changed = only_changed && !is_a_value(r);
    const table* t = r.tabled ? s.table_at(r.table).pointer_acquire<table>() : nullptr;
    const auto ids = static_cast<std::uint32_t>(f.cells.size() / r.width);
    for (std::uint32_t id = 0; id < ids; ++id) {
        const bool has = touched(f, id);
        const bool overflow = r.tabled && id == 0;
        if (!has && (gauge || overflow || only_changed)) continue;
        if (!r.tabled && !has && !(r.from_zero() && all_declared(r, id))) continue;
        const std::uint64_t* cells = &f.cells[std::size_t{id} * r.width];
        if (gauge) f.cells[id] ^= r.floating() ? unset_double : unset_integer;
        const key* k = r.tabled && id ? t->by_id[id] : nullptr;
        std::span<const exemplar> exemplars;
        if (!f.exemplars.empty())
            exemplars = {&f.exemplars[0] + read.exemplars_at[id], &f.exemplars[0] + read.exemplars_at[id + 1]};
        f.series.emplace_back(r, k ? k->closed : id, k, overflow, cells, exemplars);
    }
    if (!r.tabled || gauge || only_changed || !r.from_zero()) return;
    std::vector<bool> admitted(r.labels->product);
    for (std::uint32_t id = 1; id < ids; ++id) admitted[t->by_id[id]->closed] = true;
    for (std::uint32_t closed = 0; closed < r.labels->product; ++closed)
        if (!admitted[closed] && all_declared(r, closed)) f.series.emplace_back(r, closed, nullptr, false, untouched);
}

APM_CLEANS_UP inline std::vector<const row*> rows_of_store(const store& s) {
    std::vector<const row*> rows;
    for (auto* r = static_cast<const row*>(s.what->rows); r; r = r->previous) rows.push_back(r);
    return {rows.rbegin(), rows.rend()};
}

// What changed since that time; 0: everything.
template <class Adjust>
APM_CLEANS_UP snapshot collect_with(bool only_changed, std::uint64_t since, Adjust&& adjust) {
    root& process = process_root();
    expect_forks(process);
    const lock guard(process.collecting);
    const std::uint64_t begin = monotonic_ns();
    run_observers();
    snapshot result{.families = {}, .origin = process.started.load(), .started = process.started.load(), .time = realtime_ns()};
    std::vector<const store*> stores;
    for (auto* s = process.stores.pointer_acquire<store>(); s; s = s->next) stores.push_back(s);
    for (auto s = stores.rbegin(); s != stores.rend(); ++s) {
        for (const row* r : rows_of_store(**s)) {
            family_read f = read_row(**s, *r, only_changed ? interval{since, result.time} : interval{});
            adjust(f.to);
            select_series(**s, f, only_changed);
            result.families.push_back(std::move(f.to));
        }
    }
    process.collect_ns.store(monotonic_ns() - begin);
    return result;
}

}  // namespace detail

// Everything recorded since the process began (in a forked child: since the fork), observed values included.
APM_CLEANS_UP inline snapshot collect() {
    return detail::collect_with(false, 0, [](family&) {});
}

// Reads what changed since its own last collection (the first time: since the process began); any number of readers, none
// disturbs another. Series that did not change are left out. Gauges and updowns, which are present values, are as they are.
// Not to be used by two threads at once.
class delta_reader {
public:
    APM_CLEANS_UP snapshot collect() {
        if (const auto now = detail::process_root().generation.load(); now != generation_) {  // forked: all began anew
            before_.clear();
            generation_ = now;
            last_ = 0;
        }
        snapshot s = detail::collect_with(true, last_, [this](family& f) { subtract(f); });
        s.delta = true;
        if (last_) s.started = last_;
        last_ = s.time;
        return s;
    }

private:
    static std::uint64_t bits_of(double v) { return __builtin_bit_cast(std::uint64_t, v); }
    struct baseline {
        std::vector<std::uint64_t> cells;
        std::uint64_t rejected = 0, overflowed = 0;
    };
    APM_CLEANS_UP void subtract(family& f) {
        baseline& b = before_[f.row];
        b.cells.resize(f.cells.size());
        const bool is_a_value = detail::is_a_value(*f.row);
        for (std::size_t i = 0; i < f.cells.size() && !is_a_value; ++i) {
            const std::uint64_t now = f.cells[i];
            const std::uint64_t before = std::exchange(b.cells[i], now);
            if (now == before) f.cells[i] = 0;  // an infinite sum, too
            else if (!detail::is_double(*f.row, static_cast<std::uint32_t>(i % f.row->width))) f.cells[i] = now - before;
            else f.cells[i] = bits_of(__builtin_bit_cast(double, now) - __builtin_bit_cast(double, before));
        }
        const std::uint64_t rejected = f.rejected, overflowed = f.overflowed;
        f.rejected -= b.rejected, f.overflowed -= b.overflowed;
        b.rejected = rejected, b.overflowed = overflowed;
    }
    std::unordered_map<const row*, baseline> before_;
    std::uint64_t last_ = 0;
    std::uint64_t generation_ = detail::process_root().generation.load();
};

}  // namespace apm::inline APM_ABI
