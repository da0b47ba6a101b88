// propagation: a trace that goes on in another process, by the headers of a request.
//
//     const auto caller = apm::attach(apm::extract(request.headers));    // a server: what is traced below is a child
//     TRACE_SCOPE(shop::telemetry.checkout, {...});
//     ...
//     apm::add_trace_context(call.headers);                              // a client: other headers stay as they are
//
// Which headers: W3C's traceparent, tracestate and baggage; others by OTEL_PROPAGATORS or propagate_with(). Which containers:
// propagation/carrier.hpp. Baggage as a value: baggage.hpp. Not a part of apm.hpp: for files that speak to the network.
#pragma once

#include <cstdint>
#include <type_traits>

#include <apm/config.hpp>
#include <apm/propagation/carrier.hpp>
#include <apm/propagation/formats.hpp>
#include <apm/propagation/headers.hpp>
#include <apm/tracing/attach.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI {

// The caller's context, as the headers have it: remote, and not valid() where no format that is on finds a trace there; malformed
// headers are as if they were not there, and never more than that. Baggage comes along, with a trace or without. Any thread.
// No allocation without tracestate and baggage; up to some 480 bytes of both, none where the last reference to the context
// goes on the thread that extracted it, and one malloc where that is another thread, as in a server whose acceptor extracts and
// whose workers serve: memory is used again by the thread that let go of it. About 100 ns, and 17 KiB of stack (with Jaeger's
// baggage 25).
template <mode M = APM_MODE, class Carrier>
[[nodiscard]] APM_INLINE context extract(Carrier&& headers) {
    detail::check_source<detail::carrier_of<Carrier>>();
    if constexpr (M == mode::on) {
        if constexpr (std::is_function_v<std::remove_reference_t<Carrier>>) {
            auto* const function = headers;
            return extract<M>(function);
        } else {
            return detail::read_headers(detail::source_of(headers), detail::propagators_now());
        }
    } else {
        return {};
    }
}

namespace detail {

// Below a span that is not sampled no spans are made, and the requests sent there would all have its identifier. Receivers tell
// calls apart by it, so each request has one of its own, as if there were a span for it.
APM_COLD inline void identify_call(context& c) {
    const bool may_be_exported = c.shared.get() && c.shared.get()->tail;
    thread_state* const t = this_thread();
    if (!c.remote && !may_be_exported && t) c.span = random_of(*t);
}
// The current context, as a request carries it.
template <mode M>
[[nodiscard]] APM_INLINE context outgoing() {
    context c = context::current<M>();
    if constexpr (M == mode::on)
        if (c.valid() && !c.sampled) identify_call(c);
    return c;
}

}  // namespace detail

// Writes `c`, by default the current span's context, into the headers of a request, in each format that is on. Headers of these
// names that are there already are replaced, never doubled; where there is nothing to write, nothing is touched, but for baggage
// that allow_baggage() does not let out, which is removed. A setter, which is a function, removes nothing: what is there already
// is for its owner to clear. Any thread, as far as the headers allow that. No allocation but the container's own; about 50 ns and
// what the container takes, and 9 KiB of stack where baggage is chosen or goes out in Jaeger's format.
template <mode M = APM_MODE, class Carrier>
APM_INLINE void inject(Carrier&& headers, const context& c = detail::outgoing<M>()) {
    static_assert(!detail::temporary_headers<Carrier>,
                  "apm: these headers are a temporary, and what is written to them is lost with it: give them a name");
    detail::check_sink<detail::carrier_of<Carrier>>();
    if constexpr (M == mode::on) {
        if constexpr (std::is_function_v<std::remove_reference_t<Carrier>>) {
            auto* const function = headers;
            inject<M>(function, c);
        } else {
            detail::write_headers(detail::sink_of(headers), c, detail::propagators_now());
        }
    }
}

// inject() by a name that says what it does where a request is sent. (inject is OpenTelemetry's word, and extract()'s
// counterpart.) The same in all else.
template <mode M = APM_MODE, class Carrier>
APM_INLINE void add_trace_context(Carrier&& headers, const context& c = detail::outgoing<M>()) {
    inject<M>(static_cast<Carrier&&>(headers), c);
}

}  // namespace apm::inline APM_ABI
