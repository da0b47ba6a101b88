// apm::control: what is traced, changed while the program runs.
//
//     apm::control::sample_rate(0.5);                                // half of the traces that begin here
//     apm::control::sample_row(telemetry.checkout, apm::always_on);  // but all that begin with this row
//     apm::control::max_level(2);                                    // rows of level 3 and more are left out
//     apm::control::tracing(false);
//
// Any thread, with a runtime or without; what is called last counts, for spans that begin from then on: at once on this thread,
// within microseconds on others. A change is seen whole or not at all, and no thread waits for it. It costs less than 100 ns.
// Apart from the bounds below nothing is kept: changing the rate a million times takes no memory. A trace that begins here costs
// some 3 ns more; with rows that have samplers of their own 20 to 30, for the look-up of the name. An apm::runtime that starts
// sets sampler, level and tail sampling as its settings say, and leaves the rest. In a program of several modules (shared
// objects) with hidden symbols, one of them should do this: each knows its own rows. In a file without APM it does nothing, and
// now() returns the defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/gate.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/controls.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/span_row.hpp>
#include <apm/tracing/tail_sampling.hpp>

namespace apm::inline APM_ABI {

namespace control {

inline constexpr int every_level = detail::gate::every_level;

// What is in effect.
struct state {
    sampling_rules sampler = parent_based(always_on);
    std::vector<std::pair<std::string, apm::sampler>> rows = {};  // sorted by name
    int max_level = every_level;
    tail_rules tail_sampling = {};
    bool tracing = true;
};

// The rules for everything that has none of its own. A sampler's `data` must live as long as the process.
template <mode M = APM_MODE>
APM_CLEANS_UP void sample_with(const sampling_rules& rules) {
    if constexpr (M == mode::on) {
        detail::controls& c = detail::controls::all();
        const detail::lock guard(c.guard);
        c.set(rules);
    }
}

// parent_based(probability(share)): that share of the traces that begin here, from 0 to 1; what is not in it is taken as the
// nearer end, NaN as 0.
template <mode M = APM_MODE>
void sample_rate(double share) {
    sample_with<M>(parent_based(probability(share)));
}

// Traces that begin here with that row ask this, and not the rules' root sampler. (A row with apm::sampled_by, and one whose
// parent has decided, do not.) A sampler without `decide`, {}: the row is sampled like others again. By name where there is no
// row at hand; the name need not be known yet. False, and nothing changed, beyond 256 different names in a process's life, and
// for a name that is empty or has a zero byte.
template <mode M = APM_MODE>
APM_CLEANS_UP bool sample_row(std::string_view name, const apm::sampler& s) {
    if constexpr (M == mode::on) {
        detail::controls& c = detail::controls::all();
        const detail::lock guard(c.guard);
        const sampling_rules now = c.rules();
        if (!c.rows.set(name, s)) return false;
        c.set(now);  // from now on the rows are asked
    }
    return true;
}
template <mode M = APM_MODE>
bool sample_row(const span_row& row, const apm::sampler& s) {
    return sample_row<M>(std::string_view(row.name), s);
}

// Rows of a higher level are not recorded from now on; measured ones are still timed. every_level, or more: all rows. Below 0: 0.
template <mode M = APM_MODE>
void max_level(int level) {
    if constexpr (M == mode::on) {
        const int highest = level >= every_level ? detail::gate::every_level : level < 0 ? 0 : level;
        detail::set_gate(detail::process_root(), detail::gate::level, detail::gate::up_to(highest));
    }
}

// Which spans of unsampled traces are exported all the same (tracing/tail_sampling.hpp has what that costs), for traces that
// begin from now on. False, and nothing changed, beyond 1024 different rules in a process's life.
template <mode M = APM_MODE>
APM_CLEANS_UP bool tail_sample(const tail_rules& rules) {
    if constexpr (M == mode::on) {
        detail::controls& c = detail::controls::all();
        const detail::lock guard(c.guard);
        const tail_rules* const own = detail::interned(c.tail_sampling, rules, c.most_tail_rules);
        if (!own) return false;
        apm::tail_sample(*own);
        c.tail_bytes = rules.bytes;
    }
    return true;
}

// False: no span is recorded, whatever else is set; measured rows are still timed. True: as the rest is set.
template <mode M = APM_MODE>
void tracing(bool on) {
    if constexpr (M == mode::on) detail::mute(detail::gate::muted_by_control, !on);
}

// What is in effect now. Allocates where there are rows.
template <mode M = APM_MODE>
APM_CLEANS_UP state now() {
    state s;
    if constexpr (M == mode::on) {
        detail::controls& c = detail::controls::all();
        const detail::lock guard(c.guard);
        detail::root& process = detail::process_root();
        s.sampler = c.rules();
        c.rows.each([&s](const char* name, const sampler& rule) {
            auto at = s.rows.begin();
            while (at != s.rows.end() && at->first < name) ++at;
            s.rows.insert(at, {name, rule});
        });
        const std::uint64_t gates = process.gate.load();
        s.max_level = detail::gate::highest_level(gates);
        if (const auto* on = process.tail_rules.pointer_acquire<const tail_rules>()) s.tail_sampling = *on;
        else s.tail_sampling.bytes = c.tail_bytes;
        s.tracing = !(gates & detail::gate::muted_by_control);
    }
    return s;
}

}  // namespace control

}  // namespace apm::inline APM_ABI
