// traced(): a call as a span, with what it throws.
//
//     const Receipt receipt = apm::traced(shop::telemetry.checkout, {.order_id = 7}, [&] { return charge(cart); });
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include <cxxabi.h>

#include <apm/config.hpp>
#include <apm/tracing/exception.hpp>
#include <apm/tracing/span_handle.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// What is being handled, as OpenTelemetry has it (semantic conventions, "Recording errors"). Only within a handler.
APM_COLD inline void record_exception([[maybe_unused]] const span_handle<mode::on>& s) {
#if defined(__cpp_exceptions)
    // Null for what is no exception of C++, such as the cancelling of a thread: that has no type to ask for.
    const char* const mangled = std::current_exception() ? abi::__cxa_current_exception_type()->name() : "";
    const type_name type(mangled);
    const auto say = [&](const char* message) {
        if (message) s.event("exception", {{"exception.type", type.get()}, {"exception.message", message}});
        else s.event("exception", {{"exception.type", type.get()}});
        s.status(span_status::error, message ? message : "");
    };
    if (*mangled) {
        try {
            throw;
        } catch (const std::exception& e) {
            say(e.what());
        } catch (...) {
            say(nullptr);
        }
    } else {
        say(nullptr);
    }
#endif
}

template <class Scope, class F>
std::invoke_result_t<F> call_traced([[maybe_unused]] const Scope& scope, F&& f) noexcept(std::is_nothrow_invocable_v<F>) {
#if defined(__cpp_exceptions)
    if constexpr (!std::is_nothrow_invocable_v<F>) {
        try {
            return std::forward<F>(f)();
        } catch (...) {
            record_exception(scope);
            throw;
        }
    }
#endif
    return std::forward<F>(f)();
}

}  // namespace detail

// Calls f() within a span of `row` and returns what it returns. Where it throws: an event "exception" with the attributes
// exception.type and exception.message, the status error, and the same exception goes on. The status ok, if f gave it,
// stays. Any thread; costs what scope() costs. f is done when it returns: of a coroutine that is too early, TRACE_SCOPE in a
// traced_task (coroutine.hpp) covers all of it. Compiled out, it is the call.
template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL, class Row, class F>
    requires std::is_invocable_v<F>
APM_INLINE std::invoke_result_t<F> traced(const Row& row, F&& f) noexcept(std::is_nothrow_invocable_v<F>) {
    if constexpr (M == mode::off || Row::own_level > Highest) {
        return std::forward<F>(f)();
    } else {
        const auto scope = row.template scope<M, Highest>();
        return detail::call_traced(scope, std::forward<F>(f));
    }
}
template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL, class Row, class F>
    requires std::is_invocable_v<F>
APM_INLINE std::invoke_result_t<F> traced(const Row& row, const typename Row::attributes_type& attributes,
                                          F&& f) noexcept(std::is_nothrow_invocable_v<F>) {
    if constexpr (M == mode::off || Row::own_level > Highest) {
        return std::forward<F>(f)();
    } else {
        const auto scope = row.template scope<M, Highest>(attributes);
        return detail::call_traced(scope, std::forward<F>(f));
    }
}

}  // namespace apm::inline APM_ABI
