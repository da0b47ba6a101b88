// stack_part: the spans of a coroutine, which go to the stack of the thread that runs it.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/tracing/attach.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/open_span.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

// A coroutine's part of a stack of spans: `base`, which stands for the context that the coroutine was created in, and what was
// begun above it. It is on the stack of the thread that runs the coroutine, or on none.
class stack_part {
public:
    stack_part() noexcept {
        const context here = context::current<mode::on>();
        if (thread_state* t = this_thread()) base_ = top_ = stand_in(*t, here);
    }
    stack_part(const stack_part&) = delete;
    stack_part& operator=(const stack_part&) = delete;
    ~stack_part() {
        thread_state* const t = base_ ? this_thread() : nullptr;
        if (t && !top_) retire(*t, *base_);
        if (!t) return;
        for (open_span* s = top_; s;) {
            open_span* const below = s->below;
            if (s == base_) s->identify(0);
            if (s->is(0)) give_idle(*t, s);  // ended with the coroutine, while it was on no stack
            else s->flags &= static_cast<std::uint8_t>(~open_span::linked);  // was moved to elsewhere
            s = below;
        }
    }

    // On top of what this thread has; nothing where it is on a stack.
    [[gnu::noinline]] void enter() noexcept {
        thread_state* const t = top_ ? this_thread() : nullptr;
        if (!t) return;
        const std::uint32_t in_flight = exceptions_in_flight(*t);
        if (in_flight != in_flight_) [[unlikely]]  // each thread has its own: those of another are no sign of failure here
            for (open_span* s = top_; s; s = s->below) s->uncaught += in_flight - in_flight_;
        base_->below = t->current.pointer<open_span>();
        t->current.publish(top_);
        top_ = nullptr;
    }
    // Off this thread's stack; nothing where it is not on it.
    [[gnu::noinline]] void leave() noexcept {
        thread_state* const t = base_ && !top_ ? this_thread() : nullptr;
        if (!t) return;
        auto* const first = t->current.pointer<open_span>();
        for (open_span* s = first; s; s = s->below) {
            if (s != base_) continue;
            top_ = first;
            in_flight_ = exceptions_in_flight(*t);
            t->current.publish(base_->below);
            base_->below = nullptr;
            return;
        }
    }

private:
    open_span* base_ = nullptr;  // null where there was no memory
    open_span* top_ = nullptr;   // null while it is on a stack
    std::uint32_t in_flight_ = 0;
};

}  // namespace apm::inline APM_ABI::detail
