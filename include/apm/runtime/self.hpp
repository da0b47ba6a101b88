// Feeds the library's own schema from the counts that the process root keeps.
#pragma once

#include <chrono>
#include <cstdint>

#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/schema/apm.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// One cell of every row of every store: records that overflowed, or values that were refused.
inline std::uint64_t sum_over_rows(bool overflowed) {
    std::uint64_t sum = 0;
    for (auto* s = process_root().stores.pointer_acquire<store>(); s; s = s->next) {
        for (auto* r = static_cast<const row*>(s->what->rows); r; r = r->previous) {
            if (overflowed && !r->tabled) continue;
            const std::uint32_t cell = overflowed ? r->first : r->refused_cell();
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

// What a row of the library's own says so far. It has no labels, hence one cell.
inline std::uint64_t total_of(const row& r) {
    const store* s = store_of<description_of<self::Schema>>();
    if (!s) return 0;
    std::uint64_t sum = s->fallback[r.first].load();
    for (auto* b = s->blocks.pointer_acquire<block>(); b; b = b->next) sum += b->cells()[r.first].load();
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
        bring_up(rows.refused, detail::sum_over_rows(false));
        bring_up(rows.shared, process.fallbacks.load());
        bring_up(rows.lost, process.lost.load());
        bring_up(rows.conflicts, process.conflicts.load());
        bring_up(rows.errors, process.errors.load());
        bring_up(rows.blocks, process.blocks.load());
        bring_up(rows.memory, process.bytes.load());
        // The duration of the collection before this one; this one is not over yet.
        if (const std::uint64_t ns = process.collect_ns.load()) {
            rows.collect.record<mode::on>(std::chrono::nanoseconds(ns));
            process.collect_ns.store(0);
        }
    }
    // By what the row lacks, not by what grew since the last time: right after a fork, and in a program's second runtime.
    template <class Row>
    static void bring_up(const Row& r, std::uint64_t now) {
        const std::uint64_t said = detail::total_of(r);
        if (now > said) r.template add<mode::on>(now - said);
    }
};

}  // namespace apm::inline APM_ABI
