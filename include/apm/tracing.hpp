// How a span begins and ends: the steps that everything which traces shares.
#pragma once

#include <cstdint>

#include <apm/attributes.hpp>
#include <apm/config.hpp>
#include <apm/context.hpp>
#include <apm/open_span.hpp>
#include <apm/sampler.hpp>

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
};

namespace detail {

APM_COLD inline open_span* cannot_begin(thread_state* t) {
    if (t) t->dropped_memory.add(std::uint64_t{1}), t->started.add(std::uint64_t{1});
    else process_root().unattached.add_shared(std::uint64_t{1});
    return nullptr;
}

// Of a span without a parent in this process: its trace, and whether that is kept.
APM_INLINE bool begin_trace(root& r, thread_state& t, open_span& s, const open_span* above, const span_row& row) {
    const bool remote = above && !(above->flags & above->nothing);
    s.record.parent = remote ? above->id() : 0;
    s.record.trace = remote ? above->record.trace : trace_id{random_of(t), random_of(t)};
    if (remote) s.flags = s.remote_above;
    const auto* rule = r.chooser.pointer_acquire<const sampler>();
    if (!rule) [[likely]] return remote ? (above->flags & above->sampled) != 0 : true;
    context parent;
    if (remote) parent = context::of(*above);
    return (*rule)({s.record.trace, remote ? &parent : nullptr, row});
}

struct manner {
    bool linked;    // becomes the current span
    bool measured;  // is timed, recorded or not
};

template <manner How>
[[APM_HIDDEN, gnu::noinline]] open_span* begin_here(root& r, const span_row& row) {
    thread_state* const t = this_thread();
    if (!t) [[unlikely]] return cannot_begin(t);
    const bool muted = How.measured && r.muted.load() != 0;
    const open_span* above = current_of(*t);
    if constexpr (!How.measured) {
        if (above && !(above->flags & (above->sampled | above->remote | above->nothing))) {
            t->unsampled.add(std::uint64_t{1});
            return nullptr;
        }
    }
    open_span* const s = take_idle(*t);
    if (!s) [[unlikely]] return cannot_begin(t);
    s->flags = 0;
    bool kept;
    if (above && !(above->flags & (above->remote | above->nothing))) [[likely]] {
        s->record.trace = above->record.trace;
        s->record.parent = above->id();  // another thread may end it at this moment
        kept = above->flags & above->sampled;
    } else {
        kept = begin_trace(r, *t, *s, above, row);
    }
    kept = kept && !muted;
    // Muted, it is nobody's parent: what is below it is not to take this for a verdict.
    const int flags = s->flags | (muted ? s->nothing : 0) | (kept ? s->sampled | s->recording : 0) | (How.linked ? s->linked : 0);
    s->flags = static_cast<std::uint8_t>(flags);
    (kept ? t->started : t->unsampled).add(std::uint64_t{1});
    s->record.row = &row;
    s->identify(random_of(*t));
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
    if (How.measured || kept) s->record.start = ticks(r);  // last: what was done here is not the span's
    return s;
}
// Null where there is nothing to end. Switched off at run time, it is two loads.
template <manner How>
APM_INLINE open_span* begin(const span_row& row) {
    root& r = process_root();
    if (!How.measured && r.muted.load()) return nullptr;
    return begin_here<How>(r, row);
}

// Adds what the record lacks, and writes it.
APM_INLINE void keep(root& r, thread_state& t, open_span& s) {
    if (s.generation != static_cast<std::uint32_t>(r.generation.load())) [[unlikely]]
        return t.dropped_inherited.add(std::uint64_t{1}), t.started.add(std::uint64_t{1});
    s.record.thread = static_cast<std::uint32_t>(t.thread.load()) |
                      static_cast<std::uint32_t>(s.status) << span_record::thread_bits |
                      (s.flags & s.remote_above ? span_record::remote_parent : 0);
    if (s.dropped[0] | s.dropped[1] | s.dropped[2]) [[unlikely]] {
        t.dropped_items.add(std::uint64_t{s.dropped[0]} + s.dropped[1] + s.dropped[2]);
        constexpr std::uint32_t size = sizeof s.dropped;
        if (char* to = s.items == s.within ? room_for(s, 5 + size) : s.items + s.used) {  // grow_items() left room for this
            put_raw(put_raw(put_raw(to, item::dropped), size), s.dropped);
            s.used += 5 + size;
        }
    }
    if (s.cut) [[unlikely]] t.dropped_items.add(std::uint64_t{1});
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
    if (s.flags & s.recording) [[likely]] keep(r, *t, s);
    retire(*t, s);
    done(r, start, now, failed);
}
[[APM_HIDDEN, gnu::noinline]] inline void end(open_span& s, std::uint64_t id) {
    end<false>(s, id, [](root&, std::uint64_t, std::uint64_t, bool) {});
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
