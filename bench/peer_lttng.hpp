// LTTng-UST's table of tracepoints: what a span is to us is two of them. Read several times, as its manual wants it.
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER apm_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./peer_lttng.hpp"

#if !defined(PEER_LTTNG_HPP) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PEER_LTTNG_HPP

#include <stdint.h>

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(apm_bench, step_begin, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())
LTTNG_UST_TRACEPOINT_EVENT(apm_bench, step_end, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())
LTTNG_UST_TRACEPOINT_EVENT(apm_bench, visit_begin,
    LTTNG_UST_TP_ARGS(uint64_t, visitor, const char*, route, double, share),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(uint64_t, visitor, visitor)
        lttng_ust_field_string(route, route)
        lttng_ust_field_float(double, share, share)))
LTTNG_UST_TRACEPOINT_EVENT(apm_bench, visit_end, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())

#endif

#include <lttng/tracepoint-event.h>
