// What identifies a span, and how a finished one goes through a ring.
#pragma once

#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

struct span_row;

// 16 bytes; all zero is none. As text: 32 hexadecimal digits, `high` first.
struct trace_id {
    std::uint64_t high = 0, low = 0;
    friend constexpr bool operator==(const trace_id&, const trace_id&) = default;
};

enum class span_status : std::uint8_t { unset, ok, error };

// How a span goes through a ring: this, then its items.
struct span_record {
    std::uint32_t size;    // bytes, items included
    std::uint32_t thread;  // that ended it: its id; and, in the bits that no id has, the status and the flags below
    const span_row* row;
    trace_id trace;
    std::uint64_t id, parent;
    std::uint64_t start, end;  // ticks

    static constexpr std::uint32_t thread_bits = 24;  // the kernel's ids are below 2^22 (PID_MAX_LIMIT)
    static constexpr std::uint32_t random_trace = 1u << 26;   // W3C's flag
    static constexpr std::uint32_t remote_parent = 1u << 29;
    static constexpr std::uint32_t unsampled = 1u << 30;      // exported by tail sampling (tail_sampling.hpp)
};
static_assert(sizeof(span_record) == 64);

}  // namespace apm::inline APM_ABI
