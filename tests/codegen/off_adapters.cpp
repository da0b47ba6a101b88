#include "off.hpp"

#include <coroutine>
#ifndef ABSENT
#include <apm/coroutine.hpp>
#include <apm/runtime.hpp>
#include <apm/traced.hpp>
#endif

// OFF: `apm::runtime apm;`, `.running()`, `.flush(timeout)`, `.prometheus_port()`
int runtime(int n) {
    PLAIN(apm::runtime apm;)
    PLAIN(if (apm.running()) n = step(n);)
    const int result = step(n);
    PLAIN(if (!apm.flush(std::chrono::seconds(1))) return apm.prometheus_port();)
    return result + 1;
}

// OFF: `apm::traced(row, f)`: the call of f
int traced(int n) {
#if !defined(ABSENT) && !defined(MACROS_ONLY)
    return apm::traced(telemetry.step, [n] { return step(n) + 2; });
#else
    return step(n) + 2;
#endif
}

// OFF: `apm::wrap(f)`: f
int wrapped(int n) {
#if !defined(ABSENT) && !defined(MACROS_ONLY)
    auto f = apm::wrap([n](int m) { return step(n + m); });
#else
    auto f = [n](int m) { return step(n + m); };
#endif
    return f(3) + f(4);
}

struct job {
    struct promise_type {
        job get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
struct turn {
    bool await_ready() const noexcept { return step(1) != 0; }
    void await_suspend(std::coroutine_handle<> h) const noexcept { h.resume(); }
    void await_resume() const noexcept {}
};

// OFF: `apm::coroutine_context<> here;`, `co_await here(x)`: `co_await x`
job coroutine(int n) {
#if !defined(ABSENT) && !defined(MACROS_ONLY)
    apm::coroutine_context<> here;
    co_await here(turn{});
#else
    co_await turn{};
#endif
    step(n + 3);
}
