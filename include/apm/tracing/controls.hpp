// What can be changed of tracing while the program runs, and how a change is made: what apm/control.hpp is a door to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include <pthread.h>

#include <apm/config.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/dynamic_sampler.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/span_row.hpp>
#include <apm/tracing/tail_sampling.hpp>

namespace apm::inline APM_ABI::detail {

// All that can be changed. One in the process, never destroyed.
struct controls {
    static constexpr std::size_t most_rows = 256, most_tail_rules = 1024;

    mutex guard;  // one change at a time
    dynamic_sampler root, remote_sampled, remote_not_sampled, local_sampled, local_not_sampled;
    row_samplers rows{most_rows};
    std::deque<tail_rules> tail_sampling;  // all that were ever set, since readers take no lock
    std::uint64_t tail_bytes = tail_rules{}.bytes;  // as set last, while tail sampling is off
    std::deque<sampling_rules> started;  // the same of rules that runtimes started with
    // The rules that spans ask, which never change: they ask the samplers above. With `asking`, children ask, too.
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
        const auto* const now = process_root().sampler.pointer_acquire<const sampling_rules>();
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
        set_sampling_rules(r.ask_children() ? &asking : &straight);
    }
    [[nodiscard]] bool any_row() const {
        bool any = false;
        rows.each([&any](const char*, const sampler&) { any = true; });
        return any;
    }
};

// An equal one that is never freed, since threads may still read it; null where there are too many. Under the guard.
template <class T>
const T* interned(std::deque<T>& all, const T& x, std::size_t most) {
    for (const T& one : all)
        if (one == x) return &one;
    return all.size() < most ? &all.emplace_back(x) : nullptr;
}

// A runtime's settings: without rows of their own, spans ask the rules themselves, one step less.
APM_CLEANS_UP inline void start_sampling(const sampling_rules& rules) {
    controls& c = controls::all();
    const lock guard(c.guard);
    constexpr std::size_t most = 256;
    const sampling_rules* const own = c.any_row() ? nullptr : interned(c.started, rules, most);
    if (own) set_sampling_rules(own);
    else c.set(rules);
}

}  // namespace apm::inline APM_ABI::detail
