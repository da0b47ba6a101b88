// Feeds the library's own schema from the counts that the process root keeps.
#pragma once

#include <chrono>
#include <cstdint>

#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/description.hpp>
#include <apm/schema/apm.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// One cell of every row of every store: records that overflowed, or values that were rejected.
inline std::uint64_t sum_over_rows(bool overflowed) {
    std::uint64_t sum = 0;
    for (auto* s = process_root().stores.pointer_acquire<store>(); s; s = s->next) {
        for (auto* r = static_cast<const row*>(s->what->rows); r; r = r->previous) {
            if (overflowed && !r->tabled) continue;
            const std::uint32_t cell = overflowed ? r->first : r->rejected_cell();
            if (r->kind == kind::gauge) {
                sum += s->shared[cell].load();
                continue;
            }
            sum += s->fallback[cell].load();
            for (auto* b = s->blocks.pointer_acquire<block>(); b; b = b->next) sum += b->cells()[cell].load();
        }
    }
    return sum;
}

// What a series of a row of the library's own says so far.
inline std::uint64_t total_of(const row& r, std::uint32_t series) {
    const store* s = store_of<description_of<self::Schema>>();
    if (!s) return 0;
    std::uint64_t sum = s->fallback[r.first + series].load();
    for (auto* b = s->blocks.pointer_acquire<block>(); b; b = b->next) sum += b->cells()[r.first + series].load();
    return sum;
}

// While it lives, every collection finds the library's own counts in apm::self::telemetry. apm::runtime has one.
class self_observation : observer {
public:
    self_observation() : observer([](observer&) { feed(); }) {
        expect_forks(process_root());
        enlist();
    }
    ~self_observation() { remove(); }

private:
    static void feed() {
        const auto& rows = self::telemetry;
        root& process = process_root();
        raise_to(rows.overflowed, sum_over_rows(true));
        raise_to(rows.rejected, sum_over_rows(false));
        raise_to(rows.shared, process.fallbacks.load());
        raise_to(rows.lost, process.lost.load());
        raise_to(rows.conflicts, process.conflicts.load());
        raise_to(rows.errors, process.errors.load());
        raise_to(rows.blocks, process.blocks.load());
        raise_to(rows.memory, process.bytes.load());
        const span_totals spans = count_spans();
        raise_to(rows.started, spans.unsampled, {.sampling = self::Sampling::dropped});
        raise_to(rows.started, spans.started, {.sampling = self::Sampling::kept});
        raise_to(rows.processed, spans.drained, {.cause = {}});
        raise_to(rows.processed, spans.dropped_full, {.cause = self::Loss::queue_full});
        raise_to(rows.processed, spans.dropped_memory, {.cause = self::Loss::no_memory});
        raise_to(rows.processed, spans.dropped_inherited, {.cause = self::Loss::forked});
        raise_to(rows.undelivered, process.undelivered.load());
        raise_to(rows.items, spans.dropped_items);
        raise_to(rows.steps, spans.clock_steps);
        // The duration of the collection before this one; this one is not over yet.
        if (const std::uint64_t ns = process.collect_ns.load()) {
            rows.collect.record<mode::on>(std::chrono::nanoseconds(ns));
            process.collect_ns.store(0);
        }
    }
    // By what the row lacks, not by what grew since the last time: right after a fork, and in a program's second runtime.
    template <class Row>
    static void raise_to(const Row& r, std::uint64_t now, const typename Row::labels_type& at = {}) {
        const std::uint64_t said = total_of(r, labels<typename Row::labels_type>::index(at));
        if (now > said) r.template add<mode::on>(now - said, at);
    }
};

}  // namespace apm::inline APM_ABI::detail
