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

namespace apm::inline APM_ABI {

namespace detail {

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

}  // namespace detail

// While it lives, every collection finds the library's own counts in apm::self::telemetry. apm::runtime has one.
class self_observation : detail::observer {
public:
    self_observation() : detail::observer([](detail::observer&) { feed(); }) {
        detail::expect_forks(detail::process_root());
        enlist();
    }
    ~self_observation() { remove(); }

private:
    static void feed() {
        const auto& rows = self::telemetry;
        detail::root& process = detail::process_root();
        bring_up(rows.overflowed, detail::sum_over_rows(true));
        bring_up(rows.rejected, detail::sum_over_rows(false));
        bring_up(rows.shared, process.fallbacks.load());
        bring_up(rows.lost, process.lost.load());
        bring_up(rows.conflicts, process.conflicts.load());
        bring_up(rows.errors, process.errors.load());
        bring_up(rows.blocks, process.blocks.load());
        bring_up(rows.memory, process.bytes.load());
        const span_totals spans = count_spans();
        bring_up(rows.started, spans.unsampled, {.sampling = self::Sampling::dropped});
        bring_up(rows.started, spans.started, {.sampling = self::Sampling::kept});
        bring_up(rows.processed, spans.drained, {.cause = {}});
        bring_up(rows.processed, spans.dropped_full, {.cause = self::Loss::queue_full});
        bring_up(rows.processed, spans.dropped_memory, {.cause = self::Loss::no_memory});
        bring_up(rows.processed, spans.dropped_inherited, {.cause = self::Loss::forked});
        bring_up(rows.undelivered, process.undelivered.load());
        bring_up(rows.items, spans.dropped_items);
        bring_up(rows.steps, spans.clock_steps);
        // The duration of the collection before this one; this one is not over yet.
        if (const std::uint64_t ns = process.collect_ns.load()) {
            rows.collect.record<mode::on>(std::chrono::nanoseconds(ns));
            process.collect_ns.store(0);
        }
    }
    // By what the row lacks, not by what grew since the last time: right after a fork, and in a program's second runtime.
    template <class Row>
    static void bring_up(const Row& r, std::uint64_t now, const typename Row::labels_type& at = {}) {
        const std::uint64_t said = detail::total_of(r, detail::labels<typename Row::labels_type>::index(at));
        if (now > said) r.template add<mode::on>(now - said, at);
    }
};

}  // namespace apm::inline APM_ABI
