// Making what the spans of a trace share: with room for its texts, or as a copy with other baggage.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI::detail {

// With room for so much text; one reference. Null where there is no memory.
APM_COLD inline shared_trace* make_shared_trace(std::uint32_t room) {
    constexpr std::uint32_t usual = shared_trace::usual_room;
    thread_state* const t = room <= usual ? this_thread() : nullptr;
    auto* made = t ? t->idle_traces.pointer<shared_trace>() : nullptr;
    if (made) {
        t->idle_traces.publish(made->next);
        t->idle_traces_count.add(~std::uint64_t{0});
    } else {
        const std::uint32_t bytes = room > usual ? room : usual;
        made = static_cast<shared_trace*>(malloc(sizeof(shared_trace) + bytes));
        if (!made) return nullptr;
        made->room = bytes;
    }
    made->references = 1;
    made->state_size = made->baggage_size = 0;
    made->tail = nullptr;
    made->next = nullptr;
    return made;
}
// With the tracestate of `from` (null: none), and this baggage.
inline shared_trace* copy_with_baggage(const shared_trace* from, const char* baggage, std::uint32_t baggage_size) {
    const std::uint32_t state = from ? from->state_size : 0;
    shared_trace* const made = make_shared_trace(state + baggage_size);
    if (!made) return nullptr;
    if (state) __builtin_memcpy(made->state(), from->state(), state);
    made->end_texts(state, baggage, baggage_size);
    return made;
}

}  // namespace apm::inline APM_ABI::detail
