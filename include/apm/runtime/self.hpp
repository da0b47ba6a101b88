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

}  // namespace detail

// While it lives, every collection finds the library's own counts in apm::self::telemetry. apm::runtime has one.
class self_observation : detail::observer {
public:
    self_observation() : detail::observer([](detail::observer& o) { static_cast<self_observation&>(o).feed(); }) { enlist(); }
    ~self_observation() { remove(); }

private:
    // Each count grows by what is new since the last collection.
    void feed() {
        const auto& rows = self::telemetry;
        detail::root& process = detail::process_root();
        if (generation_ != process.generation.load()) restart(process.generation.load());  // forked: all counts began anew
        rows.overflowed.add<mode::on>(growth(overflowed_, detail::sum_over_rows(true)));
        rows.refused.add<mode::on>(growth(refused_, detail::sum_over_rows(false)));
        rows.shared.add<mode::on>(growth(shared_, process.fallbacks.load()));
        rows.lost.add<mode::on>(growth(lost_, process.lost.load()));
        rows.conflicts.add<mode::on>(growth(conflicts_, process.conflicts.load()));
        rows.errors.add<mode::on>(growth(errors_, process.errors.load()));
        rows.blocks.add<mode::on>(growth(blocks_, process.blocks.load()));
        rows.memory.add<mode::on>(growth(memory_, process.bytes.load()));
        // The duration of the collection before this one; this one is not over yet.
        if (const std::uint64_t ns = process.collect_ns.load()) {
            rows.collect.record<mode::on>(std::chrono::nanoseconds(ns));
            process.collect_ns.store(0);
        }
    }
    static std::uint64_t growth(std::uint64_t& before, std::uint64_t now) {
        const std::uint64_t grown = now - before;
        before = now;
        return grown;
    }
    void restart(std::uint64_t generation) {
        overflowed_ = refused_ = shared_ = lost_ = conflicts_ = errors_ = blocks_ = memory_ = 0;
        generation_ = generation;
    }
    std::uint64_t generation_ = detail::process_root().generation.load();
    std::uint64_t overflowed_ = 0, refused_ = 0, shared_ = 0, lost_ = 0, conflicts_ = 0, errors_ = 0, blocks_ = 0, memory_ = 0;
};

}  // namespace apm::inline APM_ABI
