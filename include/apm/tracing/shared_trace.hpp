// What the spans of one trace share in this process: the tracestate and the baggage that came with it, and the spans that wait
// for a late verdict (tracing/tail_sampling.hpp). One object, counted by those who share it, and not changed any more.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

struct waiting_spans;

struct local_trace {
    std::uint32_t references;                // 0: there for good, and nobody counts
    std::uint32_t room;                      // bytes behind this object
    std::uint32_t state_size, baggage_size;  // of two texts there: the values of the headers `tracestate` and `baggage`
    waiting_spans* waiting;                  // null, unless it is decided late whether its spans are kept
    local_trace* next;                       // of an idle one: the next idle one; else the one whose `waiting` it shares

    static constexpr std::uint32_t usual_room = 512 - 32;  // objects of so much are used again
    static constexpr std::uint32_t most_text = 8192;       // of each text

    [[nodiscard]] char* state() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* state() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] char* baggage() { return state() + state_size; }
    [[nodiscard]] const char* baggage() const { return state() + state_size; }
};
static_assert(sizeof(local_trace) == 32);

// With room for so much text, whose sizes its maker says; one reference. Null where there is no memory.
local_trace* make_local_trace(std::uint32_t room);  // tracing/open_span.hpp
void forget(local_trace& t);

APM_INLINE local_trace* retain(local_trace* t) {
    if (t && __atomic_load_n(&t->references, __ATOMIC_RELAXED)) __atomic_fetch_add(&t->references, 1u, __ATOMIC_RELAXED);
    return t;
}
[[APM_HIDDEN, gnu::noinline]] inline void let_go(local_trace& t) {
    const bool counted = __atomic_load_n(&t.references, __ATOMIC_RELAXED) != 0;
    if (counted && __atomic_sub_fetch(&t.references, 1u, __ATOMIC_ACQ_REL) == 0) forget(t);
}
APM_INLINE void release(local_trace* t) {
    if (t) let_go(*t);
}

// One who shares it. Two are equal where the same would be sent to the next process.
class shared_trace {
public:
    constexpr shared_trace() = default;
    explicit shared_trace(local_trace* adopted) : at_(adopted) {}
    constexpr shared_trace(const shared_trace& other) : at_(other.at_ ? retain(other.at_) : nullptr) {}
    constexpr shared_trace(shared_trace&& other) noexcept : at_(other.at_) { other.at_ = nullptr; }
    constexpr shared_trace& operator=(shared_trace other) noexcept {
        local_trace* const mine = at_;
        at_ = other.at_;
        other.at_ = mine;
        return *this;
    }
    APM_INLINE constexpr ~shared_trace() {
        if (at_) release(at_);
    }

    [[nodiscard]] constexpr local_trace* get() const { return at_; }

    friend constexpr bool operator==(const shared_trace& a, const shared_trace& b) {
        if (a.at_ == b.at_) return true;
        const std::uint32_t state = a.at_ ? a.at_->state_size : 0, baggage = a.at_ ? a.at_->baggage_size : 0;
        if (state != (b.at_ ? b.at_->state_size : 0) || baggage != (b.at_ ? b.at_->baggage_size : 0)) return false;
        return state + baggage == 0 || __builtin_memcmp(a.at_->state(), b.at_->state(), state + baggage) == 0;
    }

private:
    local_trace* at_ = nullptr;
};

}  // namespace apm::inline APM_ABI::detail
