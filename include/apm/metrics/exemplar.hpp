// exemplar: one of the records that a series counted, which belongs to a sampled trace.
//
//     histogram<Call, apm::seconds, apm::latency_buckets> latency{this, "latency", "Time of a call", {.exemplars = true}};
//
// A row with the option has a slot for each series and bucket (a counter: for each series), which all threads share. The first
// record in a sampled span after a collection takes the slot. So each collection finds exemplars of the time since the last one,
// a slot is written once per collection however often is recorded, and no clock is read to find out that it is taken.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/block.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/store.hpp>
#include <apm/detail/table.hpp>
#include <apm/metrics/row.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/span_record.hpp>

namespace apm::inline APM_ABI {

// A recorded value, and the span that it belongs to.
struct exemplar {
    trace_id trace;
    std::uint64_t span;    // of the trace: the one that was current
    double value;          // what was recorded, in the row's unit; of a histogram it lies in its bucket
    std::uint64_t time;    // nanoseconds since the epoch
    std::uint32_t bucket;  // of a counter: 0
    std::uint64_t kept;    // what was recorded, as the row keeps it: of a histogram of integers, a std::int64_t
};

namespace detail {

// The span to which a record of this thread belongs, if its trace is sampled.
APM_INLINE const open_span* sampled_span() {
    thread_state* const t = this_thread();
    if (!t) [[unlikely]] return nullptr;
    const open_span* const s = visible(current_of(*t));
    return s && (s->flags & (s->sampled | s->no_span)) == s->sampled ? s : nullptr;
}

// --- a slot -----------------------------------------------------------------------------------------------------------

// `version` is 0 while it is empty, odd while it is written, and never the same for two exemplars: it grows.
struct exemplar_slot {
    cell version, high, low, span, value, time;
};
static_assert(sizeof(exemplar_slot) == row::slot_words * sizeof(cell));

// Any thread. `round` counts collections. A thread that comes second, or too late, leaves it. Each word is released, so that a
// reader who sees one of them sees from `version` that it is being written.
inline void put_exemplar(exemplar_slot& x, std::uint64_t round, const open_span& s, std::uint64_t value) {
    const std::uint64_t mine = 2 * round + 2;
    std::uint64_t seen = x.version.load();
    if (seen % 2 || seen >= mine) return;
    const std::uint64_t id = s.id();
    if (!id) return;  // another thread just ended it
    const std::uint64_t now = realtime_ns();
    if (!__atomic_compare_exchange_n(&x.version.bits, &seen, mine - 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    x.high.store_release(s.record.trace.high);
    x.low.store_release(s.record.trace.low);
    x.span.store_release(id);
    x.value.store_release(value);
    x.time.store_release(now);
    x.version.store_release(mine);
}

// In the row's unit. A bound is rounded to what the row can hold, or a value to a double: never out of its bucket.
inline double exemplar_value(const row& r, std::uint32_t bucket, std::uint64_t kept) {
    double v = __builtin_bit_cast(double, kept);
    if (!r.floating()) {
        const bool may_be_negative = r.kind == kind::histogram;
        v = may_be_negative ? static_cast<double>(static_cast<std::int64_t>(kept)) : static_cast<double>(kept);
        v /= r.unit->scale;
    }
    if (r.kind != kind::histogram) return v;
    const double* const bounds = r.buckets->bounds;
    if (bucket > 0 && v <= bounds[bucket - 1]) v = __builtin_nextafter(bounds[bucket - 1], __builtin_huge_val());
    return bucket < r.buckets->count && v > bounds[bucket] ? bounds[bucket] : v;
}

// False where there is none, or none that keeps still.
inline bool read_exemplar(const exemplar_slot& x, const row& r, std::uint32_t bucket, exemplar& to) {
    for (int tries = 0; tries < 16; ++tries) {
        const std::uint64_t version = x.version.load_acquire();
        if (version == 0) return false;
        const trace_id trace{x.high.load_acquire(), x.low.load_acquire()};
        const std::uint64_t span = x.span.load_acquire(), kept = x.value.load_acquire(), time = x.time.load_acquire();
        if (version % 2 || x.version.load() != version) continue;
        to = {trace, span, exemplar_value(r, bucket, kept), time, bucket, kept};
        return true;
    }
    return false;
}

// --- a row's slots ----------------------------------------------------------------------------------------------------

// How often the row was collected.
inline cell& rounds_of(const store& s, const row& r) { return s.shared[r.first_shared]; }

// The slots of one series, known by its number: a dense row's index, a tabled row's id. Null where there are none yet, or, to
// be made, no memory for them.
inline exemplar_slot* slots_of(const store& s, const row& r, std::uint32_t number, bool make) {
    cell* at = s.shared + r.first_shared + 1;
    if (r.tabled) {
        const std::uint32_t chunk = chunk_of(number);
        cell& pointer = at[chunk];
        at = pointer.pointer_acquire<cell>();
        if (!at && make) at = grow_shared(pointer, chunk, r.slots_per_series() * row::slot_words);
        if (!at) return nullptr;
        number -= chunk_base(chunk);
    }
    return reinterpret_cast<exemplar_slot*>(at) + number * r.slots_per_series();
}

// Of a row that keeps exemplars: `value`, as kept, was just recorded here to that series.
template <const description& What>
void keep_exemplar(const row& r, std::uint32_t number, std::uint32_t bucket, std::uint64_t value) {
    const open_span* const span = sampled_span();
    store* const s = span ? store_of<What>() : nullptr;
    if (!s) return;
    if (exemplar_slot* own = slots_of(*s, r, number, true)) put_exemplar(own[bucket], rounds_of(*s, r).load(), *span, value);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
