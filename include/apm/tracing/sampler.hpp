// Samplers: which traces are sampled. One is asked where a trace begins in this process; the spans below follow.
//
//     parent_based(always_on)            the default: what the caller decided, else everything
//     parent_based(probability(0.1))     what the caller decided, else one in ten, and the trace carries that probability
//     parent_based(rate_limited(20))     what the caller decided, else some 20 a second
//     always_on, always_off, trace_id_ratio(0.1), probability(0.1)       whatever the caller decided
#pragma once

#include <cstdint>
#include <initializer_list>

#include <apm/config.hpp>
#include <apm/detail/gate.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/ot_tracestate.hpp>

namespace apm::inline APM_ABI {

struct span_row;

// What a sampler decides on.
struct sampling_request {
    trace_id trace;         // of the parent, or just made: 128 random bits
    const context* parent;  // null where there is none; not valid() where another process sent a decision only
    const span_row& row;

    // The trace's 56 random bits, the same in every process that samples it.
    [[nodiscard]] std::uint64_t randomness() const {
        return detail::randomness_of(trace, parent ? detail::read_ot(parent->shared.get()) : detail::ot_member{});
    }
};

// Whether the trace is sampled. Where that depends on its randomness alone, the threshold is passed on, so that a reader knows
// how many spans each one stands for.
struct sampling_decision {
    bool sampled;
    std::uint64_t threshold;  // 2^56 times the probability that a trace is not sampled

    constexpr sampling_decision(bool s, std::uint64_t t = detail::no_threshold) : sampled(s), threshold(t) {}
};

// A rule, and a number or an object that the rule may use, which must live as long as the process. `decide` is called by any
// thread, on the way of every local root; it must not block, and may be asked twice for one trace. One's own:
//     apm::sampling_decision only_ours(const apm::sampler&, const apm::sampling_request& r) { return r.parent != nullptr; }
//     constexpr apm::sampler mine{only_ours};
struct sampler {
    sampling_decision (*decide)(const sampler&, const sampling_request&) = nullptr;
    std::uint64_t number = 0;
    void* data = nullptr;
    mutable std::uint64_t spent = 0;  // of rate_limited(): a copy begins anew

    constexpr sampler() = default;
    constexpr sampler(sampling_decision (*how)(const sampler&, const sampling_request&), std::uint64_t n = 0, void* d = nullptr)
        : decide(how), number(n), data(d) {}
    constexpr sampler(const sampler& other) : sampler(other.decide, other.number, other.data) {}
    constexpr sampler& operator=(const sampler& other) {
        decide = other.decide, number = other.number, data = other.data;
        return *this;
    }

    [[nodiscard]] sampling_decision operator()(const sampling_request& r) const { return decide(*this, r); }
    friend constexpr bool operator==(const sampler& a, const sampler& b) {
        return a.decide == b.decide && a.number == b.number && a.data == b.data;
    }
};

namespace detail {

inline sampling_decision sample_all(const sampler&, const sampling_request&) { return true; }
inline sampling_decision sample_none(const sampler&, const sampling_request&) { return false; }
inline sampling_decision sample_by_ratio(const sampler& s, const sampling_request& r) {
    return __builtin_bswap64(r.trace.high) <= s.number;
}
inline sampling_decision sample_by_threshold(const sampler& s, const sampling_request& r) {
    return {r.randomness() >= s.number, s.number};
}

// Generic cell rate algorithm (ITU-T I.371): `spent` is when the bucket will be full again, in nanoseconds.
inline sampling_decision sample_by_rate(const sampler& s, const sampling_request&) {
    const std::uint64_t second = 1'000'000'000, each = s.number, now = monotonic_ns();
    const std::uint64_t depth = each > second ? each : second;
    std::uint64_t until = __atomic_load_n(&s.spent, __ATOMIC_RELAXED);
    for (;;) {
        const std::uint64_t next = (until > now ? until : now) + each;
        if (next > now + depth) return false;
        if (__atomic_compare_exchange_n(&s.spent, &until, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return true;
    }
}

// The leading hexadecimal digits that are f, and four more, rounded to the nearest: so much of a threshold is passed on.
constexpr std::uint64_t rounded_threshold(std::uint64_t t) {
    int digits = 4;
    for (int i = 13; i >= 0 && (t >> 4 * i & 15) == 15; --i) ++digits;
    if (digits >= 14) return t;
    const int cut = 4 * (14 - digits);
    return ((t >> (cut - 1)) + 1) >> 1 << cut;
}

}  // namespace detail

inline constexpr sampler always_on{detail::sample_all};
inline constexpr sampler always_off{detail::sample_none};

// Samples that share of all traces, and says so (OpenTelemetry's consistent probability sampling): each span's adjusted_count()
// is known, to this process and to all that the trace reaches; a process that samples more samples all that one with a smaller
// share samples, whatever language it is written in. At least 2^-56; what is not in [0, 1] is taken as the nearer end; NaN as 0.
constexpr sampler probability(double share) {
    if (!(share >= 1.0 / static_cast<double>(randomness_end))) return always_off;
    const double sampled = share >= 1 ? 0x1p56 : share * 0x1p56;
    return {detail::sample_by_threshold, detail::rounded_threshold(randomness_end - static_cast<std::uint64_t>(sampled + 0.5))};
}

// Samples that share of all traces, by the first 8 bytes of the trace's id, as opentelemetry-cpp does (which on x86 takes them
// for a little-endian number). Other languages take others, which is why probability() is to be preferred. What is not in [0, 1]
// is taken as the nearer end; NaN as 0.
constexpr sampler trace_id_ratio(double share) {
    if (!(share > 0)) return always_off;
    if (share >= 1) return always_on;
    return {detail::sample_by_ratio, static_cast<std::uint64_t>(share * 18446744073709551616.0 /* 2^64 */)};
}

// Samples so many a second on average: a bucket of that many is full after a quiet second, so that there may be twice as many
// within one. Below 1: one in so many seconds. What is not positive samples nothing; NaN, too. All threads share it.
constexpr sampler rate_limited(double a_second) {
    if (!(a_second > 1e-9)) return always_off;
    if (a_second >= 1e9) return always_on;
    return {detail::sample_by_rate, static_cast<std::uint64_t>(1e9 / a_second)};
}

// Which sampler is asked, by what the parent is. One without `decide`: not asked, the parent's decision holds; without a parent,
// everything is sampled.
struct sampling_rules {
    sampler root;                                // there is no parent, or it left the decision to this process
    sampler remote_sampled, remote_not_sampled;  // a parent in another process
    sampler local_sampled{}, local_not_sampled{};  // for every span within this process: costs an unsampled one as much as a root

    constexpr sampling_rules(const sampler& all) : root(all), remote_sampled(all), remote_not_sampled(all) {}
    constexpr sampling_rules(const sampler& r, const sampler& rs, const sampler& rn, const sampler& ls, const sampler& ln)
        : root(r), remote_sampled(rs), remote_not_sampled(rn), local_sampled(ls), local_not_sampled(ln) {}

    // Of several that are equal the first, so that they share what rate_limited() allows.
    [[nodiscard]] const sampler& for_parent(const context* parent) const {
        if (!parent || parent->deferred) return root;
        const sampler& remote = parent->sampled ? remote_sampled : remote_not_sampled;
        const sampler& local = parent->sampled ? local_sampled : local_not_sampled;
        const sampler& one = parent->remote ? remote : local;
        for (const sampler* first : {&root, &remote_sampled, &remote_not_sampled, &local_sampled})
            if (*first == one) return *first;
        return one;
    }
    [[nodiscard]] sampling_decision operator()(const sampling_request& r) const {
        const sampler& one = for_parent(r.parent);
        return one.decide ? one(r) : sampling_decision(!r.parent || r.parent->sampled);
    }
    [[nodiscard]] constexpr bool ask_children() const { return local_sampled.decide || local_not_sampled.decide; }
    friend constexpr bool operator==(const sampling_rules&, const sampling_rules&) = default;
};

// Samplers of spans whose parent has a decision: OpenTelemetry's four delegates. Left out: as the parent.
struct parent_delegates {
    sampler remote_sampled{}, remote_not_sampled{}, local_sampled{}, local_not_sampled{};
};

// Follows the parent; without one, asks `root`. The default is parent_based(always_on).
constexpr sampling_rules parent_based(const sampler& root, const parent_delegates& d = {}) {
    return {root, d.remote_sampled, d.remote_not_sampled, d.local_sampled, d.local_not_sampled};
}

namespace detail {

inline void set_sampling_rules(const sampling_rules* rules) {
    root& r = process_root();
    r.sampler.publish(rules);
    set_gate(r, gate::asks_children, rules && rules->ask_children() ? gate::asks_children : 0);
}

}  // namespace detail

// From now on, in the whole process; `rules` must outlive it. apm::runtime does this by its options, apm::control while it runs.
inline void sample_with(const sampling_rules& rules) { detail::set_sampling_rules(&rules); }
void sample_with(const sampling_rules&& rules) = delete;  // which would be gone at the end of the line

}  // namespace apm::inline APM_ABI
