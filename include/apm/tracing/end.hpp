// How a span ends: what its record lacks is added, and it is written, or buffered until tail sampling decides.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/items.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/span_bytes.hpp>
#include <apm/tracing/tail_sampling.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

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

// Ends the span, if it has that id. Then calls done(root, start, end, failed). Timed: the clock is read even if it is not
// recorded.
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

}  // namespace apm::inline APM_ABI::detail
