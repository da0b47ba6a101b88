// Statements that are nothing at all, arguments included, when APM is compiled out.
//
//     APM(telemetry.orders.add(count_them(), {.method = m}));    // off: count_them() is checked, not called
//     APM_TIME(telemetry.duration, {.method = m});               // the time from here to the end of this scope
//     TRACE_SCOPE(telemetry.checkout, {.order_id = id});         // a span from here to the end of this scope; its attributes
//                                                                // are evaluated only where they are recorded
//     TRACE_SCOPE("quick look");                                 // a span of that name, without a row: for a quick look
//     TRACE_FUNCTION();                                          // a span named after this function
//
// TRACE_SCOPE and TRACE_FUNCTION are APM_TRACE_SCOPE and APM_TRACE_FUNCTION; APM_NO_SHORT_NAMES leaves only these.
#pragma once

#include <apm/config.hpp>
#include <apm/span.hpp>
#include <apm/tracing/literal_span.hpp>

#define APM_DETAIL_JOIN(a, b) a##b
#define APM_DETAIL_NAME(prefix, line) APM_DETAIL_JOIN(prefix, line)

// An expression that is no value. Not a cast: of a call that returns nothing, g++ calls it useless (-Wuseless-cast).
#define APM_DETAIL_VOID(...) (__VA_ARGS__, void())
// Checked, not evaluated: nothing is emitted, not even without optimization.
#define APM_DETAIL_CHECK(...) static_cast<void>(sizeof((APM_DETAIL_VOID(__VA_ARGS__), 0)))

#define APM(...) APM_IF_ENABLED(APM_DETAIL_VOID(__VA_ARGS__)) APM_IF_DISABLED(APM_DETAIL_CHECK(__VA_ARGS__))

#define APM_TIME(row, ...)                                                                                              \
    APM_IF_ENABLED([[maybe_unused]] const auto APM_DETAIL_NAME(apm_timer_, __LINE__) = (row).time(__VA_ARGS__))         \
    APM_IF_DISABLED(APM_DETAIL_CHECK((row).time(__VA_ARGS__)))

// Two statements, so that it does not compile under an `if` without braces, where the span would end at once.
#define APM_DETAIL_SCOPE(name, row, ...)                                                                                \
    APM_IF_ENABLED(auto name = ::apm::detail::open_scope(row); name.begun() ? name.begin_with(__VA_ARGS__) : void())    \
    APM_IF_DISABLED(using name [[maybe_unused]] = decltype(::apm::detail::open_scope(row).begin_with(__VA_ARGS__));     \
                    enum class APM_DETAIL_JOIN(name, _twice) {}; /* a second one on this line is an error here, too */          \
                    static_cast<void>(sizeof(name*)))
#define APM_TRACE_SCOPE(row, ...) APM_DETAIL_SCOPE(APM_DETAIL_NAME(apm_scope_, __LINE__), (row), __VA_ARGS__)
#define APM_TRACE_FUNCTION() APM_DETAIL_FUNCTION(APM_DETAIL_NAME(apm_scope_, __LINE__), APM_DETAIL_NAME(apm_function_, __LINE__))
#define APM_DETAIL_FUNCTION(scope, function)                                                                            \
    APM_IF_ENABLED(static constexpr auto function = ::apm::detail::function_name(__PRETTY_FUNCTION__);                  \
                   APM_DETAIL_SCOPE(scope, function, ))                                                                 \
    APM_IF_DISABLED(APM_DETAIL_SCOPE(scope, ::apm::detail::function_name(__PRETTY_FUNCTION__), ))

#ifndef APM_NO_SHORT_NAMES
#define TRACE_SCOPE(...) APM_TRACE_SCOPE(__VA_ARGS__)
#define TRACE_FUNCTION() APM_TRACE_FUNCTION()
#endif
