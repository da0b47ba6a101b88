// context: which span is current, as a value that can be carried to another thread.
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
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/tail_sampling.hpp>  // what forgetting a trace takes

namespace apm::inline APM_ABI {

// What a child needs to know of its parent, here or in another process. A value; all zero where there is no current span.
// Reading it: a few loads. A copy: a few moves, and an atomic addition where a tracestate or baggage came with the trace.
struct context {
    trace_id trace{};
    std::uint64_t span = 0;
    bool sampled = false;
    bool remote = false;    // it came from another process
    bool random = false;    // W3C's flag: the last seven bytes of the trace's id are random
    bool debug = false;     // B3's and Jaeger's: keep it whatever anybody's sampler says; then `sampled` is true, too
    bool deferred = false;  // of a remote one: it was not decided whether the trace is kept; the sampler here is asked
    detail::shared_trace_ref shared{};  // tracestate and baggage: see propagation.hpp

    APM_INLINE constexpr ~context() = default;  // inline even where an exception passes, so that where APM is off nothing is left

    // Else it is nobody's parent; it may have baggage, or (remote, without ids) a decision, all the same.
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

namespace detail {

// Out of the stack of spans of this thread, wherever it is there. False where it is in another's.
inline bool unlink(thread_state& t, open_span& s) {
    if (t.current.pointer<open_span>() == &s) [[likely]] {
        t.current.publish(s.below);
        return true;
    }
    for (auto* x = t.current.pointer<open_span>(); x; x = x->below) {
        if (x->below != &s) continue;
        x->below = s.below;
        return true;
    }
    return false;
}

// Its last moment: after it, the object is another's.
inline void retire(thread_state& t, open_span& s) {
    const bool gone = !(s.flags & s.linked) || unlink(t, s);
    s.identify(0);
    if (gone) give_idle(t, &s);  // else the thread whose it is meets it again: settle()
}

// Stands for a context in a stack of spans: what is above it is its child. In no stack yet; null where there is no memory.
APM_COLD inline open_span* stand_in(thread_state& t, const context& c) {
    open_span* const s = take_idle(t);
    if (!s) return nullptr;
    s->record.row = nullptr;
    s->record.trace = c.trace;
    s->items = s->within;
    s->used = 0;
    s->room = sizeof s->within;
    s->status = span_status::ok;  // final: whoever takes it for the span itself, which has ended, says nothing to it
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

// `f`, to be called on whatever thread, as if from here: the context that is current now is current in every call. Arguments
// and result go through; a call costs an attach and a detach, some 10 ns.
template <mode M = APM_MODE, class F>
[[nodiscard]] auto wrap(F&& f) {
    if constexpr (M == mode::on)
        return [here = context::current<M>(), f = std::forward<F>(f)]<class... A>(A&&... arguments) mutable -> decltype(auto)
                   requires std::invocable<std::decay_t<F>&, A...>
        {
            const attached_context<M> at(here);
            return f(std::forward<A>(arguments)...);
        };
    else return std::decay_t<F>(std::forward<F>(f));
}

}  // namespace apm::inline APM_ABI
