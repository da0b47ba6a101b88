// Samplers: which traces are kept. One is asked where a trace begins in this process; what is below follows.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/context.hpp>

namespace apm::inline APM_ABI {

struct span_row;

// What a sampler is asked.
struct sampling_request {
    trace_id trace;         // of the parent, or just made: 128 random bits
    const context* parent;  // in another process; null where the trace begins here
    const span_row& row;
};

// A rule, and a number that the rule may use. A value to copy; sample_with() alone keeps a pointer, and what it points at must
// live as long as the process.
// `decide` is called by any thread, on the way of every local root; it must not block. One's own:
//     constexpr apm::sampler mine{[](const apm::sampler&, const apm::sampling_request& r) { return r.parent != nullptr; }};
struct sampler {
    bool (*decide)(const sampler&, const sampling_request&);
    std::uint64_t number = 0;
    bool follow_remote = false;  // where the parent in another process was sampled or not, so is this

    [[nodiscard]] bool operator()(const sampling_request& r) const {
        if (follow_remote && r.parent) return r.parent->sampled;
        return decide(*this, r);
    }
};

inline constexpr sampler always_on{[](const sampler&, const sampling_request&) { return true; }};
inline constexpr sampler always_off{[](const sampler&, const sampling_request&) { return false; }};

// Keeps that share of all traces, by the first 8 bytes of the trace's id, as opentelemetry-cpp does (which on x86 takes them for
// a little-endian number): a process with a higher ratio keeps what one with a lower keeps. What is not in [0, 1] is taken
// as the nearer end; NaN as 0.
constexpr sampler trace_id_ratio(double share) {
    if (!(share > 0)) return always_off;
    if (share >= 1) return always_on;
    return {[](const sampler& s, const sampling_request& r) { return __builtin_bswap64(r.trace.high) <= s.number; },
            static_cast<std::uint64_t>(share * 18446744073709551616.0 /* 2^64 */)};
}

// Follows a parent in another process; where there is none, asks `root`. The default is parent_based(always_on).
constexpr sampler parent_based(sampler root) {
    root.follow_remote = true;
    return root;
}

// From now on, in the whole process; `s` must outlive it. apm::runtime does this by its options.
inline void sample_with(const sampler& s) { detail::process_root().chooser.publish(&s); }

}  // namespace apm::inline APM_ABI
