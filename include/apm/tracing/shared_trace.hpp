// What the spans of one trace share in this process: the tracestate and the baggage that came with it, and the spans that are
// buffered until tail sampling decides (tracing/tail_sampling.hpp). One object, counted by those that share it; constant once
// made.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

struct tail_buffer;

struct shared_trace {
    std::uint32_t references;                // 0: there for good, and nobody counts
    std::uint32_t room;                      // bytes behind this object
    std::uint32_t state_size, baggage_size;  // of two texts there: the values of the headers `tracestate` and `baggage`
    tail_buffer* tail;                       // of a trace that tail sampling decides on; else null
    shared_trace* next;                      // of an idle one: the next idle one; else the one whose `tail` it shares

    static constexpr std::uint32_t usual_room = 512 - 32;  // objects of so much are used again
    static constexpr std::uint32_t most_text = 8192;       // of each text

    [[nodiscard]] char* state() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* state() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] char* baggage() { return state() + state_size; }
    [[nodiscard]] const char* baggage() const { return state() + state_size; }
};
static_assert(sizeof(shared_trace) == 32);

// With room for so much text, whose sizes its maker says; one reference. Null where there is no memory.
shared_trace* make_shared_trace(std::uint32_t room);  // tracing/open_span.hpp
void forget(shared_trace& t);

APM_INLINE shared_trace* retain(shared_trace* t) {
    if (t && __atomic_load_n(&t->references, __ATOMIC_RELAXED)) __atomic_fetch_add(&t->references, 1u, __ATOMIC_RELAXED);
    return t;
}
[[APM_HIDDEN, gnu::noinline]] inline void let_go(shared_trace& t) {
    const bool counted = __atomic_load_n(&t.references, __ATOMIC_RELAXED) != 0;
    if (counted && __atomic_sub_fetch(&t.references, 1u, __ATOMIC_ACQ_REL) == 0) forget(t);
}
APM_INLINE void release(shared_trace* t) {
    if (t) let_go(*t);
}

// One who shares it. Two are equal where the same would be sent to the next process.
class shared_trace_ref {
public:
    constexpr shared_trace_ref() = default;
    explicit shared_trace_ref(shared_trace* adopted) : at_(adopted) {}
    constexpr shared_trace_ref(const shared_trace_ref& other) : at_(other.at_ ? retain(other.at_) : nullptr) {}
    constexpr shared_trace_ref(shared_trace_ref&& other) noexcept : at_(other.at_) { other.at_ = nullptr; }
    constexpr shared_trace_ref& operator=(shared_trace_ref other) noexcept {
        shared_trace* const mine = at_;
        at_ = other.at_;
        other.at_ = mine;
        return *this;
    }
    APM_INLINE constexpr ~shared_trace_ref() {
        if (at_) release(at_);
    }

    [[nodiscard]] constexpr shared_trace* get() const { return at_; }

    friend constexpr bool operator==(const shared_trace_ref& a, const shared_trace_ref& b) {
        if (a.at_ == b.at_) return true;
        const std::uint32_t state = a.at_ ? a.at_->state_size : 0, baggage = a.at_ ? a.at_->baggage_size : 0;
        if (state != (b.at_ ? b.at_->state_size : 0) || baggage != (b.at_ ? b.at_->baggage_size : 0)) return false;
        return state + baggage == 0 || __builtin_memcmp(a.at_->state(), b.at_->state(), state + baggage) == 0;
    }

private:
    shared_trace* at_ = nullptr;
};

}  // namespace apm::inline APM_ABI::detail
