// What a span that begins takes over from its parent, here or in another process, and whether it is sampled.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/ot_tracestate.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_row.hpp>
#include <apm/tracing/tail_sampling.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

inline void take_out_wrong_threshold(open_span& s, bool sampled) {
    if (!s.shared || !s.shared->state_size) return;
    const ot_member said = read_ot(s.shared);
    if (said.threshold == no_threshold || (randomness_of(s.record.trace, said) >= said.threshold) == sampled) return;
    s.shared = with_threshold(s.shared, no_threshold);
}
// Asks the sampler, and brings the tracestate into line: a threshold that is known now is passed on; one that contradicts the
// decision is taken out.
[[APM_HIDDEN, gnu::noinline]] inline bool ask(const sampling_rules& rules, open_span& s, const open_span* above,
                                              const span_row& row) {
    context parent;
    if (above) parent = context::of(*above);
    const sampling_request request{s.record.trace, above ? &parent : nullptr, row};
    const sampling_decision v = rules(request);
    if (v.sampled && v.threshold != no_threshold) s.shared = with_threshold(s.shared, v.threshold);
    else take_out_wrong_threshold(s, v.sampled);
    return v.sampled;
}
// The rules where none were set.
[[APM_HIDDEN]] inline constexpr sampling_rules usual_rules = parent_based(always_on);

APM_COLD inline int begin_tail_sampling(root& r, open_span& s, const tail_rules& rules) {
    shared_trace* const made = with_tail_buffer(r, rules, s.shared, s.id());
    if (!made) return 0;
    release(s.shared);
    s.shared = made;
    return s.tail_pending;
}

// Of a span without a parent in this process: its trace, and what becomes of it.
inline int begin_trace(root& r, thread_state& t, open_span& s, const open_span* above, const span_row& row,
                       const sampling_rules* rules) {
    bool sampled = true;
    if (!above) [[likely]] {
        s.record.parent = 0;
        s.record.trace = {random_of(t), random_of(t)};
        s.traits = s.random;
        s.shared = nullptr;
        if (rules) sampled = ask(*rules, s, nullptr, row);
    } else {
        const bool no_span = above->flags & above->no_span;  // baggage without a span, a decision without a trace, or neither
        s.record.parent = no_span ? 0 : above->id();
        s.record.trace = no_span ? trace_id{random_of(t), random_of(t)} : above->record.trace;
        s.traits = static_cast<std::uint8_t>(no_span ? s.random | (above->traits & s.debug) : above->traits & ~s.deferred);
        s.flags = no_span ? std::uint8_t{0} : std::uint8_t{s.remote_above};
        s.shared = retain(above->shared);
        const bool decided = above->flags & above->remote && !(above->traits & above->deferred);
        if (above->traits & above->debug) take_out_wrong_threshold(s, true);
        else if (rules || (s.shared && s.shared->state_size))
            sampled = ask(rules ? *rules : usual_rules, s, no_span && !decided ? nullptr : above, row);
        else if (decided) sampled = above->flags & above->sampled;
    }
    if (sampled) return s.sampled;
    const auto* const tail = r.tail_rules.pointer_acquire<const tail_rules>();
    return tail ? begin_tail_sampling(r, s, *tail) : 0;
}

// What a span takes over from its parent in this process.
APM_INLINE void begin_below(const open_span& above, open_span& s) {
    s.record.trace = above.record.trace;
    s.record.parent = above.id();  // another thread may end it at this moment
    s.traits = above.traits;
    s.shared = retain(above.shared);
}

// A span that is not recorded, but may be timed. Spans that begin above it on the stack do not see it; its context() is that of
// the span below it.
APM_COLD inline int begin_hidden(open_span& s, const open_span* above, bool linked) {
    s.traits = 0, s.shared = nullptr;
    if (linked || !above) return s.no_span;
    begin_below(*above, s);
    s.identify(above->id());
    return above->flags & (above->sampled | above->tail_pending | above->remote | above->no_span);
}

// All but the usual case: there is no parent in this process, or its decision is not all that counts.
[[APM_HIDDEN, gnu::noinline]] inline int begin_otherwise(root& r, thread_state& t, open_span& s, open_span* above,
                                                         const span_row& row, bool linked, bool ask_sampler, bool hidden) {
    above = visible(above);
    const auto* const rules = row.rules ? row.rules : r.sampler.pointer_acquire<const sampling_rules>();
    int how = 0;
    if (hidden) return begin_hidden(s, above, linked);
    if (!above || above->flags & (above->remote | above->no_span)) {
        how = begin_trace(r, t, s, above, row, rules);
    } else {
        begin_below(*above, s);
        how = above->flags & (above->sampled | above->tail_pending);
        if (ask_sampler && rules && !(above->traits & above->debug)) {
            if (ask(*rules, s, above, row)) how = s.sampled;
            else how &= s.tail_pending;
        }
        // Not below what a parent process began, nor where a sampler of the program's own was asked in between.
        if (how & s.tail_pending && !(s.shared->tail && s.shared->tail->generation == r.generation.load())) how = 0;
    }
    return how ? how | s.recording : 0;
}

}  // namespace apm::inline APM_ABI::detail
