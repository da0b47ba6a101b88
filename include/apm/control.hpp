// apm::control: what is traced, changed while the program runs.
//
//     apm::control::sample_rate(0.5);                                // half of the traces that begin here
//     apm::control::sample_row(telemetry.checkout, apm::always_on);  // but all that begin with this row
//     apm::control::max_level(2);                                    // rows of level 3 and more are left out
//     apm::control::tracing(false);
//
// Any thread, with a runtime or without; what is called last counts, for spans that begin from then on: at once on this thread,
// within microseconds on others. Nobody sees half of a change, and nobody waits. A change costs less than 100 ns. Apart
// from the bounds said below nothing is kept: changing the rate a million times takes no memory. Of a trace that begins here it
// takes some 3 ns; with rows that are sampled otherwise 20 to 30, for the look at the name. An apm::runtime that starts sets
// sampler, level and tail sampling as its settings say, and leaves the rest. In a program of several modules (shared objects)
// with hidden symbols, one of them should do this: each knows its own rows.
// In a file without APM: nothing, and now() says what a program that changed nothing has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pthread.h>

#include <apm/config.hpp>
#include <apm/detail/gate.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/dynamic_sampler.hpp>
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

}  // namespace control

namespace detail {

// All that can be changed. One in the process, never destroyed.
struct controls {
    static constexpr std::size_t most_rows = 256, most_tail_rules = 1024;

    mutex guard;  // one change at a time
    dynamic_sampler root, remote_sampled, remote_not_sampled, local_sampled, local_not_sampled;
    row_samplers rows{most_rows};
    std::deque<tail_rules> tail_sampling;  // all that there ever were: a reader takes no lock
    std::uint64_t tail_bytes = tail_rules{}.bytes;  // as set last, while tail sampling is off
    std::deque<sampling_rules> started;  // the same of rules that runtimes started with
    // What spans ask: these never change. With `asking`, children ask, too.
    sampling_rules straight{{ask_root, 0, this}, {ask_remote_sampled, 0, this}, {ask_remote_not_sampled, 0, this}, {}, {}};
    sampling_rules asking{straight.root, straight.remote_sampled, straight.remote_not_sampled, {ask_local_sampled, 0, this},
                          {ask_local_not_sampled, 0, this}};

    static controls& all() {
        static controls* const one = [] {
            auto* const made = new controls;
            of_process = made;
            pthread_atfork([] { of_process->guard.lock(); }, [] { of_process->guard.unlock(); },
                           [] { of_process->guard.reset(); });
            return made;
        }();
        return *one;
    }
    static inline controls* of_process = nullptr;

    static const controls& of(const sampler& s) { return *static_cast<const controls*>(s.data); }
    using request = sampling_request;
    using decision = sampling_decision;
    static decision ask_root(const sampler& s, const request& r) {
        const controls& c = of(s);
        const dynamic_sampler* const own = c.rows.find(r.row.name);
        return own ? own->ask(r, &c.root) : c.root.ask(r);
    }
    static decision ask_remote_sampled(const sampler& s, const request& r) { return of(s).remote_sampled.ask(r); }
    static decision ask_remote_not_sampled(const sampler& s, const request& r) { return of(s).remote_not_sampled.ask(r); }
    static decision ask_local_sampled(const sampler& s, const request& r) { return of(s).local_sampled.ask(r); }
    static decision ask_local_not_sampled(const sampler& s, const request& r) { return of(s).local_not_sampled.ask(r); }

    // Under the guard.
    [[nodiscard]] sampling_rules rules() const {
        const auto* const now = process_root().chooser.pointer_acquire<const sampling_rules>();
        if (!now) return parent_based(always_on);
        if (now != &straight && now != &asking) return *now;
        // A remote parent's that goes to the root's, and so to the rows, is the root's.
        const auto whole = [this](const sampler& s) { return s == straight.root ? root.get() : s; };
        return {root.get(), whole(remote_sampled.get()), whole(remote_not_sampled.get()), local_sampled.get(),
                local_not_sampled.get()};
    }
    void set(const sampling_rules& r) {
        const sampler first = r.root.decide ? r.root : always_on;
        const auto rest = [&](const sampler& s) { return s.decide && s == r.root ? straight.root : s; };
        root.set(first);
        remote_sampled.set(rest(r.remote_sampled)), remote_not_sampled.set(rest(r.remote_not_sampled));
        local_sampled.set(r.local_sampled), local_not_sampled.set(r.local_not_sampled);
        choose_by(r.ask_children() ? &asking : &straight);
    }
    [[nodiscard]] bool any_row() const {
        bool any = false;
        rows.each([&any](const char*, const sampler&) { any = true; });
        return any;
    }
};

// An equal one that outlives all who may still read it; null where there are too many. Under the guard.
template <class T>
const T* interned(std::deque<T>& all, const T& x, std::size_t most) {
    for (const T& one : all)
        if (one == x) return &one;
    return all.size() < most ? &all.emplace_back(x) : nullptr;
}

// A runtime's settings: without rows of their own, spans ask the rules themselves, one step less.
inline void start_sampling(const sampling_rules& rules) {
    controls& c = controls::all();
    const lock guard(c.guard);
    constexpr std::size_t most = 256;
    const sampling_rules* const own = c.any_row() ? nullptr : interned(c.started, rules, most);
    if (own) choose_by(own);
    else c.set(rules);
}

}  // namespace detail

namespace control {

// The rules for everything that has none of its own. A sampler's `data` must live as long as the process.
template <mode M = APM_MODE>
void sample_with(const sampling_rules& rules) {
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
// parent has decided, do not.) A sampler without `decide`, {}: as the other rows again. By a name where there is no row at hand;
// it need not be one's that is known. At most 256 different names in a process's life: false, and nothing changed, beyond; the
// same of a name that is empty, or has a zero byte.
template <mode M = APM_MODE>
bool sample_row(std::string_view name, const apm::sampler& s) {
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

// Rows of a higher level are not recorded from now on; measured ones still are timed. every_level, or more: all are. Below 0: 0.
template <mode M = APM_MODE>
void max_level(int level) {
    if constexpr (M == mode::on) {
        const int highest = level >= every_level ? detail::gate::every_level : level < 0 ? 0 : level;
        detail::set_gate(detail::process_root(), detail::gate::level, detail::gate::up_to(highest));
    }
}

// Which spans of unsampled traces are kept all the same (tracing/tail_sampling.hpp says what that costs). At most 1024 different
// rules in a process's life: false, and nothing changed, beyond. For traces that begin from now on.
template <mode M = APM_MODE>
bool tail_sample(const tail_rules& rules) {
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

// False: no span is recorded, whatever else is said; measured rows still are timed. True: as the rest says.
template <mode M = APM_MODE>
void tracing(bool on) {
    if constexpr (M == mode::on) detail::mute(detail::gate::muted_by_control, !on);
}

// What is in effect now. Allocates where there are rows.
template <mode M = APM_MODE>
state now() {
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
