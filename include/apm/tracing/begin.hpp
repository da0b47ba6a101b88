// How a span begins, whatever begins it: a scope, a manual span, a literal name.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/gate.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/parent.hpp>
#include <apm/tracing/span_row.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

// What is known of a span when the code that begins it is compiled.
struct start_options {
    bool linked;       // becomes the current span
    bool measured;     // is timed, recorded or not
    bool own_sampler;  // its row has one

    // Where nothing is recorded, no object is needed. (Of one that is not linked, the context may be asked for.)
    [[nodiscard]] constexpr bool may_be_null() const { return linked && !measured; }
};

APM_COLD inline open_span* cannot_begin(thread_state* t) {
    if (t) t->dropped_memory.add(std::uint64_t{1}), t->started.add(std::uint64_t{1});
    else process_root().unattached.add_shared(std::uint64_t{1});
    return nullptr;
}

template <start_options How>
[[APM_HIDDEN, gnu::noinline]] open_span* begin_here(root& r, const span_row& row) {
    thread_state* const t = this_thread();
    if (!t) [[unlikely]] return cannot_begin(t);
    open_span* const above = current_of(*t);
    constexpr int that_matter = open_span::sampled | open_span::remote | open_span::no_span | open_span::tail_pending;
    const int of_above = above ? above->flags & that_matter : open_span::no_span;
    bool hidden = false, ask_sampler = How.own_sampler;
    if (const std::uint64_t gates = r.gate.load()) [[unlikely]] {
        hidden = gate::stops(gates, row.level);
        ask_sampler = ask_sampler || gates & gate::asks_children;
        if (How.may_be_null() && hidden) return nullptr;
    }
    if constexpr (How.may_be_null()) {
        if (of_above == 0 && !ask_sampler) {
            t->unsampled.add(std::uint64_t{1});
            return nullptr;
        }
    }
    open_span* const s = take_idle(*t);
    if (!s) [[unlikely]] return cannot_begin(t);
    s->flags = 0;
    s->identify(random_of(*t));
    int how = s->sampled | s->recording;
    if (of_above == s->sampled && !ask_sampler && !hidden) [[likely]] begin_below(*above, *s);
    else how = begin_otherwise(r, *t, *s, above, row, How.linked, ask_sampler, hidden);
    s->flags = static_cast<std::uint8_t>(s->flags | how | (How.linked ? s->linked : 0));
    if (!(how & s->recording)) t->unsampled.add(std::uint64_t{1});
    else if (how & s->sampled) [[likely]] t->started.add(std::uint64_t{1});  // a pending one is counted when it is decided
    s->record.row = &row;
    s->items = s->within;
    s->used = 0;
    s->room = sizeof s->within;
    s->attributes = s->events = s->links = 0;
    s->status = span_status::unset;
    s->dropped[0] = s->dropped[1] = s->dropped[2] = 0;
    s->cut = false;
    s->uncaught = exceptions_in_flight(*t);
    s->generation = static_cast<std::uint32_t>(r.generation.load());
    if constexpr (How.linked) {
        s->below = t->current.pointer<open_span>();
        t->current.store(reinterpret_cast<std::uint64_t>(s));
    }
    if (How.measured || how) s->record.start = ticks(r);  // last: what was done here is not the span's
    return s;
}
// Null where there is nothing to end. Switched off at run time, it is two loads.
template <start_options How>
APM_INLINE open_span* begin(const span_row& row) {
    root& r = process_root();
    if (How.may_be_null() && r.gate.load() & gate::muted) return nullptr;
    return begin_here<How>(r, row);
}

}  // namespace apm::inline APM_ABI::detail
