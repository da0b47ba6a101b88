// context: which span is current, as a value. attach.hpp makes one current on another thread.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_record.hpp>

namespace apm::inline APM_ABI {

// What a child needs to know of its parent, here or in another process. A value; all zero where there is no current span.
// Reading it: a few loads. A copy: a few moves, and an atomic addition where a tracestate or baggage came with the trace.
struct context {
    trace_id trace{};
    std::uint64_t span = 0;
    bool sampled = false;
    bool remote = false;    // it came from another process
    bool random = false;    // W3C's flag: the last seven bytes of the trace's id are random
    bool debug = false;     // B3's and Jaeger's: sampled whatever any sampler says; then `sampled` is true, too
    bool deferred = false;  // of a remote one: its process has not decided; the sampler here is asked
    detail::shared_trace_ref shared{};  // tracestate and baggage: see propagation.hpp

    APM_INLINE constexpr ~context() = default;  // inline even where an exception passes, so that where APM is off nothing is left

    // One that is not valid is no parent; it may have baggage, or (remote, without ids) a decision, all the same.
    [[nodiscard]] constexpr bool valid() const { return span != 0 && trace != trace_id{}; }
    friend constexpr bool operator==(const context&, const context&) = default;

    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE static context current() {
        if constexpr (M == mode::on) {
            if (detail::thread_state* t = detail::this_thread())
                if (const detail::open_span* s = detail::visible(detail::current_of(*t))) return of(*s);
        }
        return {};
    }
    static context of(const detail::open_span& s) {
        const bool no_span = (s.flags & s.no_span) != 0;
        return {no_span ? trace_id{} : s.record.trace, no_span ? 0 : s.id(), (s.flags & s.sampled) != 0,
                (s.flags & s.remote) != 0, (s.traits & s.random) != 0, (s.traits & s.debug) != 0, (s.traits & s.deferred) != 0,
                detail::shared_trace_ref(detail::retain(s.shared))};
    }
};

}  // namespace apm::inline APM_ABI
