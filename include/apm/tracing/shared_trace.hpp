// What the spans of one trace share in this process: the tracestate and the baggage that came with it, and the spans that are
// buffered until tail sampling decides (tail_sampling.hpp). One object, counted by those that share it; constant once made.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/thread_state.hpp>

namespace apm::inline APM_ABI::detail {

// --- what tail sampling keeps -----------------------------------------------------------------------------------------

// Records one behind the other; a list of them goes to the reader.
struct tail_records {
    tail_records* next;
    std::uint64_t generation;  // of the process: in a forked child, they are the parent's
    std::uint32_t used, room;
    std::uint32_t read;        // how much of them was

    [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

// The spans of one local root, until it ends.
struct tail_buffer {
    enum state : std::uint8_t { undecided, sampled, dropped };

    mutex guard;               // of what follows
    std::uint64_t root;        // the local root's id
    std::uint64_t generation;  // of the process: in a forked child, they are the parent's
    std::uint64_t slower_than, most_bytes;
    bool errors, failed;
    state decision;
    std::uint32_t count;
    tail_records* records;
};

inline void forget_records(tail_records* x) {
    if (!x) return;
    root& r = process_root();
    // After a fork, the child's account begins anew.
    if (x->generation == r.generation.load()) r.tail_bytes.add_shared(std::uint64_t{0} - sizeof(tail_records) - x->room);
    free(x);
}
inline void forget(tail_buffer& b) {
    forget_records(b.records);
    free(&b);
}

// --- the object -------------------------------------------------------------------------------------------------------

struct shared_trace {
    std::uint32_t references;                // 0: never freed, and not counted
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

    // Of one under construction: so much of a tracestate is there; the baggage goes behind it.
    void end_texts(std::uint32_t size_of_state, const char* baggage_text, std::uint32_t size_of_baggage) {
        state_size = size_of_state, baggage_size = size_of_baggage;
        if (size_of_baggage) __builtin_memcpy(baggage(), baggage_text, size_of_baggage);
    }
};
static_assert(sizeof(shared_trace) == 32);

// --- references -------------------------------------------------------------------------------------------------------

APM_INLINE shared_trace* retain(shared_trace* t) {
    if (t && __atomic_load_n(&t->references, __ATOMIC_RELAXED)) __atomic_fetch_add(&t->references, 1u, __ATOMIC_RELAXED);
    return t;
}
// True of the last one.
inline bool give_up_reference(shared_trace& t) {
    const bool counted = __atomic_load_n(&t.references, __ATOMIC_RELAXED) != 0;
    return counted && __atomic_sub_fetch(&t.references, 1u, __ATOMIC_ACQ_REL) == 0;
}
// Frees it, or keeps it for this thread's next one; with it, what it had the last reference to.
APM_COLD inline void forget(shared_trace& gone) {
    constexpr std::uint64_t most = 16;
    for (shared_trace* at = &gone; at;) {
        shared_trace* const owner = at->next;
        if (!owner && at->tail) forget(*at->tail);
        thread_state* const t = at->room == shared_trace::usual_room ? attached_thread() : nullptr;
        if (!t || t->idle_traces_count.load() >= most) {
            free(at);
        } else {
            at->next = t->idle_traces.pointer<shared_trace>();
            t->idle_traces.publish(at);
            t->idle_traces_count.add(std::uint64_t{1});
        }
        at = owner && give_up_reference(*owner) ? owner : nullptr;
    }
}
[[APM_HIDDEN, gnu::noinline]] inline void let_go(shared_trace& t) {
    if (give_up_reference(t)) forget(t);
}
APM_INLINE void release(shared_trace* t) {
    if (t) let_go(*t);
}

// One counted reference. Two are equal where the same would be sent to the next process.
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
