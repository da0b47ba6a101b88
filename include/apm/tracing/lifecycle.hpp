// How a span begins and ends: the steps that everything which traces shares.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/tracing/attributes.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/span_bytes.hpp>
#include <apm/tracing/tail_sampling.hpp>

namespace apm::inline APM_ABI {

enum class span_kind : std::uint8_t { internal = 1, server, client, producer, consumer };  // as OTLP numbers them

struct scope;

// One span of a schema, as data. The typed row (span.hpp) derives from it; back ends read it.
struct span_row {
    const span_row* previous;
    const char* name;
    const char* help;
    const scope* from;  // whose it is
    const attributes_info* attributes;
    span_kind kind;
    std::uint8_t level;
    const sampling_rules* rules;  // its own; null: the process's
};

namespace detail {

APM_COLD inline open_span* cannot_begin(thread_state* t) {
    if (t) t->dropped_memory.add(std::uint64_t{1}), t->started.add(std::uint64_t{1});
    else process_root().unattached.add_shared(std::uint64_t{1});
    return nullptr;
}

inline void take_out_wrong_threshold(open_span& s, bool kept) {
    if (!s.shared || !s.shared->state_size) return;
    const ot_member said = read_ot(s.shared);
    if (said.threshold == no_threshold || (randomness_of(s.record.trace, said) >= said.threshold) == kept) return;
    s.shared = with_threshold(s.shared, no_threshold);
}
// Asks. What the answer does to the tracestate: a threshold that is known now is passed on; one that contradicts the
// decision is taken out.
[[APM_HIDDEN, gnu::noinline]] inline bool ask(const sampling_rules& rules, open_span& s, const open_span* above,
                                              const span_row& row) {
    context parent;
    if (above) parent = context::of(*above);
    const sampling_request request{s.record.trace, above ? &parent : nullptr, row};
    const sampling_decision v = rules(request);
    if (v.keep && v.threshold != no_threshold) s.shared = with_threshold(s.shared, v.threshold);
    else take_out_wrong_threshold(s, v.keep);
    return v.keep;
}
// What a span without a parent, or with one elsewhere, is asked by where nobody said anything else.
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
    bool kept = true;
    if (!above) [[likely]] {
        s.record.parent = 0;
        s.record.trace = {random_of(t), random_of(t)};
        s.traits = s.random;
        s.shared = nullptr;
        if (rules) kept = ask(*rules, s, nullptr, row);
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
            kept = ask(rules ? *rules : usual_rules, s, no_span && !decided ? nullptr : above, row);
        else if (decided) kept = above->flags & above->sampled;
    }
    if (kept) return s.sampled;
    const auto* const tail = r.tail_rules.pointer_acquire<const tail_rules>();
    return tail ? begin_tail_sampling(r, s, *tail) : 0;
}

struct start_options {
    bool linked;    // becomes the current span
    bool measured;  // is timed, recorded or not
    bool asks;      // its row has a sampler of its own

    // Where nothing is recorded, nothing is needed. (Not linked, it may be asked for its context.)
    [[nodiscard]] constexpr bool may_be_null() const { return linked && !measured; }
};

// What a span takes over from its parent in this process.
APM_INLINE void begin_below(const open_span& above, open_span& s) {
    s.record.trace = above.record.trace;
    s.record.parent = above.id();  // another thread may end it at this moment
    s.traits = above.traits;
    s.shared = retain(above.shared);
}

// One that is as if it were not there: it may be timed. On a stack it is not seen; whoever is given its context() is given that
// of the span above it.
APM_COLD inline int begin_hidden(open_span& s, const open_span* above, bool linked) {
    s.traits = 0, s.shared = nullptr;
    if (linked || !above) return s.no_span;
    begin_below(*above, s);
    s.identify(above->id());
    return above->flags & (above->sampled | above->tail_pending | above->remote | above->no_span);
}

// All but the usual case: there is no parent in this process, or its decision is not all that counts.
[[APM_HIDDEN, gnu::noinline]] inline int begin_otherwise(root& r, thread_state& t, open_span& s, open_span* above,
                                                         const span_row& row, start_options m, bool asks, bool hidden) {
    above = visible(above);
    const auto* const rules = row.rules ? row.rules : r.chooser.pointer_acquire<const sampling_rules>();
    int how = 0;
    if (hidden) return begin_hidden(s, above, m.linked);
    if (!above || above->flags & (above->remote | above->no_span)) {
        how = begin_trace(r, t, s, above, row, rules);
    } else {
        begin_below(*above, s);
        how = above->flags & (above->sampled | above->tail_pending);
        if (asks && rules && !(above->traits & above->debug)) {
            if (ask(*rules, s, above, row)) how = s.sampled;
            else how &= s.tail_pending;
        }
        // Not below what a parent process began, nor where a sampler of the program's own was asked in between.
        if (how & s.tail_pending && !(s.shared->tail && s.shared->tail->generation == r.generation.load())) how = 0;
    }
    return how ? how | s.recording : 0;
}

template <start_options How>
[[APM_HIDDEN, gnu::noinline]] open_span* begin_here(root& r, const span_row& row) {
    thread_state* const t = this_thread();
    if (!t) [[unlikely]] return cannot_begin(t);
    open_span* const above = current_of(*t);
    constexpr int that_matter = open_span::sampled | open_span::remote | open_span::no_span | open_span::tail_pending;
    const int of_above = above ? above->flags & that_matter : open_span::no_span;
    bool hidden = false, asks = How.asks;
    if (const std::uint64_t gates = r.gate.load()) [[unlikely]] {
        hidden = gates & gate::muted || (gates & gate::level && row.level >= (gates & gate::level) >> 8);
        asks = asks || gates & gate::asks_children;
        if (How.may_be_null() && hidden) return nullptr;
    }
    if constexpr (How.may_be_null()) {
        if (of_above == 0 && !asks) {
            t->unsampled.add(std::uint64_t{1});
            return nullptr;
        }
    }
    open_span* const s = take_idle(*t);
    if (!s) [[unlikely]] return cannot_begin(t);
    s->flags = 0;
    s->identify(random_of(*t));
    int how = s->sampled | s->recording;
    if (of_above == s->sampled && !asks && !hidden) [[likely]] begin_below(*above, *s);
    else how = begin_otherwise(r, *t, *s, above, row, How, asks, hidden);
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

// The tracestate that its trace came with.
[[APM_HIDDEN, gnu::noinline]] inline void add_trace_state(open_span& s) {
    const std::uint32_t size = s.shared->state_size;
    char* const to = room_for(s, 5 + size);
    if (!to) {
        s.cut = true;
        return;
    }
    put_bytes(put_raw(put_raw(to, item::trace_state), size), s.shared->state(), size);
    s.used += 5 + size;
}

// Adds what the record lacks, and writes it.
APM_INLINE void complete_and_write(root& r, thread_state& t, open_span& s) {
    if (s.generation != static_cast<std::uint32_t>(r.generation.load())) [[unlikely]]
        return t.dropped_inherited.add(std::uint64_t{1}), t.started.add(std::uint64_t{1});
    s.record.thread = static_cast<std::uint32_t>(t.thread.load()) | s.record_flags();
    if (s.shared && s.shared->state_size) [[unlikely]] add_trace_state(s);
    if (s.dropped[0] | s.dropped[1] | s.dropped[2]) [[unlikely]] {
        t.dropped_items.add(std::uint64_t{s.dropped[0]} + s.dropped[1] + s.dropped[2]);
        constexpr std::uint32_t size = sizeof s.dropped;
        if (char* to = s.items == s.within ? room_for(s, 5 + size) : s.items + s.used) {  // grow_items() left room for this
            put_raw(put_raw(put_raw(to, item::dropped), size), s.dropped);
            s.used += 5 + size;
        }
    }
    if (s.cut) [[unlikely]] t.dropped_items.add(std::uint64_t{1});
    if (s.flags & s.tail_pending) [[unlikely]] return buffer_until_decided(r, t, s);
    write_record(r, t, s);
}

// On a thread that can have no memory, not even to count in.
APM_COLD inline void cannot_end(root& r, open_span& s) {
    if (s.flags & s.recording) r.unattached.add_shared(std::uint64_t{1}), r.unended.add_shared(std::uint64_t{1});
    const bool gone = !(s.flags & s.linked);
    const lock guard(r.registering);
    s.identify(0);
    if (!gone) return;  // the thread whose it is meets it again: settle()
    if (s.items != s.within) free(s.items);
    s.below = r.spare.pointer<open_span>();
    r.spare.publish(&s);
}

// Ends the span, if it is the one of that id. `done(root, start, end, failed)` is told how it went, if it is Timed whatever
// happens.
template <bool Timed, class Done>
APM_INLINE void end(open_span& s, std::uint64_t id, Done&& done) {
    root& r = process_root();
    const std::uint64_t now = Timed || (s.flags & s.recording) ? ticks(r) : 0;
    if (!s.is(id)) [[unlikely]] return;
    thread_state* const t = this_thread();
    if (!t) [[unlikely]] return cannot_end(r, s);
    if (exceptions_in_flight(*t) > s.uncaught && s.status == span_status::unset) [[unlikely]] s.status = span_status::error;
    const std::uint64_t start = s.record.start;
    const bool failed = s.status == span_status::error;
    s.record.end = now;
    if (s.flags & s.recording) [[likely]] complete_and_write(r, *t, s);
    retire(*t, s);
    done(r, start, now, failed);
}
[[APM_HIDDEN, gnu::noinline]] inline void end(open_span& s, std::uint64_t id) {
    end<false>(s, id, [](root&, std::uint64_t, std::uint64_t, bool) {});
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
