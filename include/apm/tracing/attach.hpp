// attach, wrap: a context made current on this thread, for a scope or for a call.
//
//     auto here = apm::context::current();
//     pool.post([here] { auto attached = apm::attach(here); work(); });     // what work() traces is a child of this span
//     pool.post(apm::wrap([] { work(); }));                                 // the same
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <apm/config.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// Stands for a context in a stack of spans: what is above it is its child. In no stack yet; null where there is no memory.
APM_COLD inline open_span* stand_in(thread_state& t, const context& c) {
    open_span* const s = take_idle(t);
    if (!s) return nullptr;
    s->record.row = nullptr;
    s->record.trace = c.trace;
    s->items = s->within;
    s->used = 0;
    s->room = sizeof s->within;
    s->status = span_status::ok;  // final: a handle that takes it for the span itself, which has ended, changes nothing
    s->uncaught = 0;
    s->shared = retain(c.shared.get());
    const bool pending = !c.sampled && !c.remote && s->shared && s->shared->tail;
    s->flags = static_cast<std::uint8_t>(s->linked | (c.sampled ? s->sampled : 0) | (c.remote ? s->remote : 0) |
                                         (c.valid() ? 0 : s->no_span) | (pending ? s->tail_pending : 0));
    s->traits = static_cast<std::uint8_t>((c.random ? s->random : 0) | (c.debug ? s->debug : 0) | (c.deferred ? s->deferred : 0));
    s->identify(c.valid() ? c.span : 1);
    s->below = nullptr;
    return s;
}
APM_COLD inline open_span* push_context(const context& c) {
    thread_state* t = this_thread();
    open_span* s = t ? stand_in(*t, c) : nullptr;
    if (!s) return nullptr;
    s->below = t->current.pointer<open_span>();
    t->current.publish(s);
    return s;
}
APM_COLD inline void pop_context(open_span& s) {
    if (thread_state* t = this_thread()) retire(*t, s);
}

}  // namespace detail

// What attach() returns: makes the context current on this thread until it is destroyed or detached, which must happen on this
// thread. Moved, not copied.
template <mode M>
class attached_context {
public:
    explicit attached_context(const context& c) : pushed_(detail::push_context(c)) {}
    attached_context(attached_context&& other) noexcept : pushed_(std::exchange(other.pushed_, nullptr)) {}
    attached_context& operator=(attached_context&& other) noexcept {
        std::swap(pushed_, other.pushed_);
        return *this;
    }
    ~attached_context() { detach(); }

    // What was current before is current again, unless something else was attached since. A second time: nothing.
    void detach() {
        if (pushed_) detail::pop_context(*std::exchange(pushed_, nullptr));
    }

private:
    detail::open_span* pushed_;
};
template <>
class attached_context<mode::off> {
public:
    APM_INLINE constexpr explicit attached_context(const context&) {}
    APM_INLINE constexpr attached_context(attached_context&&) noexcept {}
    APM_INLINE constexpr attached_context& operator=(attached_context&&) noexcept { return *this; }
    APM_INLINE constexpr ~attached_context() {}
    APM_INLINE constexpr void detach() {}
};

// Makes `c` this thread's current context. One that is not valid means "no span": what is traced then begins a trace.
template <mode M = APM_MODE>
[[nodiscard]] APM_INLINE attached_context<M> attach(const context& c) {
    return attached_context<M>(c);
}

namespace detail {

// What wrap() returns: called as F is, const where F is.
template <class F>
class wrapped {
public:
    template <class From>
    wrapped(context&& here, From&& f) : here_(std::move(here)), f_(std::forward<From>(f)) {}

    template <class... A>
        requires std::invocable<F&, A...>
    decltype(auto) operator()(A&&... arguments) {
        const attached_context<mode::on> at(here_);
        return f_(std::forward<A>(arguments)...);
    }
    template <class... A>
        requires std::invocable<const F&, A...>
    decltype(auto) operator()(A&&... arguments) const {
        const attached_context<mode::on> at(here_);
        return f_(std::forward<A>(arguments)...);
    }

private:
    context here_;
    F f_;
};

}  // namespace detail

// `f`, to be called on whatever thread, as if from here: the context that is current now is current in every call. Arguments
// and result go through; a call costs an attach and a detach, some 10 ns.
template <mode M = APM_MODE, class F>
[[nodiscard]] auto wrap(F&& f) {
    if constexpr (M == mode::on) return detail::wrapped<std::decay_t<F>>(context::current<M>(), std::forward<F>(f));
    else return std::decay_t<F>(std::forward<F>(f));
}

}  // namespace apm::inline APM_ABI
