// The member `ot` of a tracestate, by which processes agree on the probability with which a trace is sampled
// (OpenTelemetry's specification, trace/tracestate-probability-sampling.md and tracestate-handling.md).
//
//     tracestate: ot=th:e666;rv:6e6d1a75832a2f,vendor=...
//
// th: a trace is sampled where its randomness, a number of 56 bits, is not below this threshold; hexadecimal, without the zeros
//     at its end.
// rv: the randomness, where the last seven bytes of the trace's id are not it.
// Malformed parts are as if they were not there.
#pragma once

#include <cstdint>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/hex_digit.hpp>
#include <apm/detail/text_part.hpp>
#include <apm/tracing/make_shared_trace.hpp>
#include <apm/tracing/shared_trace.hpp>
#include <apm/tracing/span_record.hpp>

namespace apm::inline APM_ABI {

inline constexpr std::uint64_t randomness_end = std::uint64_t{1} << 56;  // randomness and thresholds are below

namespace detail {

// Of any tracestate (W3C Trace Context, 3.3.1): members, and bytes of a key and of a value.
struct tracestate_limits {
    static constexpr std::uint32_t members = 32, key = 256, value = 256;
};

inline constexpr std::uint64_t no_threshold = ~std::uint64_t{0};

struct ot_member {
    std::uint64_t threshold = no_threshold, randomness = no_threshold;
    const char* at = nullptr;  // the member with its key, if there is one
    std::uint32_t size = 0;
};

inline bool has_key(text_part x, const char (&key)[3], char then) {
    return x.size > 3 && x.at[0] == key[0] && x.at[1] == key[1] && x.at[2] == then;
}
// Up to 14 digits, as if zeros followed; no_threshold where they are not hexadecimal, and lower case.
inline std::uint64_t read_56_bits(text_part digits) {
    if (digits.size == 0 || digits.size > 14) return no_threshold;
    std::uint64_t n = 0;
    for (std::uint32_t i = 0; i < digits.size; ++i) {
        const unsigned digit = hex_value(digits.at[i], letters::lower);
        if (digit > 15) return no_threshold;
        n = n << 4 | digit;
    }
    return n << 4 * (14 - digits.size);
}

inline ot_member read_ot(const char* state, std::uint32_t size) {
    ot_member result;
    text_part rest{state, size};
    while (rest.size) {
        const text_part member = trimmed(cut_part(rest, ','));
        if (!has_key(member, "ot", '=')) continue;
        result.at = member.at, result.size = member.size;
        text_part keys{member.at + 3, member.size - 3};
        while (keys.size) {
            const text_part key = cut_part(keys, ';');
            if (has_key(key, "th", ':')) result.threshold = read_56_bits({key.at + 3, key.size - 3});
            if (has_key(key, "rv", ':') && key.size == 3 + 14) result.randomness = read_56_bits({key.at + 3, key.size - 3});
        }
        break;
    }
    return result;
}

inline ot_member read_ot(const shared_trace* t) { return t ? read_ot(t->state(), t->state_size) : ot_member{}; }

inline std::uint64_t randomness_of(const trace_id& trace, const ot_member& said) {
    return said.randomness != no_threshold ? said.randomness : trace.low & (randomness_end - 1);
}

inline char* put_threshold(char* to, std::uint64_t threshold) {
    *to++ = 't', *to++ = 'h', *to++ = ':';
    do {
        *to++ = hex_digit(threshold >> 52);
        threshold = (threshold & ((std::uint64_t{1} << 52) - 1)) << 4;
    } while (threshold);
    return to;
}

// What is shared by all traces that begin here with one threshold: made once, never freed.
struct known_threshold {
    shared_trace* trace;
    std::uint64_t threshold;
    known_threshold* next;
};
[[APM_HIDDEN]] inline constinit cell known_thresholds{}, known_thresholds_count{};

APM_COLD inline shared_trace* make_known(std::uint64_t threshold) {
    shared_trace* const made = make_shared_trace(shared_trace::usual_room);
    if (!made) return nullptr;
    char* const text = made->state();
    text[0] = 'o', text[1] = 't', text[2] = '=';
    made->state_size = static_cast<std::uint32_t>(put_threshold(text + 3, threshold) - text);
    // A program has few thresholds; one that changes them all the time has the others counted.
    constexpr std::uint64_t most = 64;
    if (known_thresholds_count.load() >= most) return made;
    auto* const entry = static_cast<known_threshold*>(malloc(sizeof(known_threshold)));
    if (!entry) return made;
    known_thresholds_count.add_shared(std::uint64_t{1});
    made->references = 0;
    std::uint64_t first = known_thresholds.load();
    do *entry = {made, threshold, reinterpret_cast<known_threshold*>(first)};
    while (!__atomic_compare_exchange_n(&known_thresholds.bits, &first, reinterpret_cast<std::uint64_t>(entry), false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return made;
}
inline shared_trace* begun_with(std::uint64_t threshold) {
    for (auto* k = known_thresholds.pointer_acquire<known_threshold>(); k; k = k->next)
        if (k->threshold == threshold) return k->trace;
    return make_known(threshold);
}

// The same with another threshold, or none; takes the reference to `from`, and gives one. Where there is no memory, `from` stays
// as it is.
APM_COLD inline shared_trace* with_threshold(shared_trace* from, std::uint64_t threshold) {
    if (!from || from->state_size + from->baggage_size == 0) {
        if (threshold == no_threshold) return from;
        shared_trace* const made = begun_with(threshold);
        return made ? release(from), made : from;
    }
    const ot_member old = read_ot(from);
    if (old.threshold == threshold) return from;
    shared_trace* const made = make_shared_trace(from->state_size + from->baggage_size + 3 + 3 + 14 + 2);
    if (!made) return from;
    char* const begin = made->state();
    char* to = begin;
    const auto put = [&to](text_part x) { __builtin_memcpy(to, x.at, x.size), to += x.size; };
    // A member that changes moves to the left end.
    if (threshold != no_threshold || old.at) {
        to[0] = 'o', to[1] = 't', to[2] = '=';
        char* const value = to += 3;
        if (threshold != no_threshold) to = put_threshold(to, threshold);
        text_part keys{old.at ? old.at + 3 : nullptr, old.at ? old.size - 3 : 0};
        while (keys.size) {
            const text_part key = cut_part(keys, ';');
            if (key.size == 0 || has_key(key, "th", ':')) continue;
            if (static_cast<std::uint32_t>(to - value) + 1 + key.size > tracestate_limits::value) continue;
            if (to != value) *to++ = ';';
            put(key);
        }
        if (to == value) to = begin;
    }
    std::uint32_t members = to != begin;
    text_part rest{from->state(), from->state_size};
    while (rest.size && members < tracestate_limits::members) {
        const text_part member = trimmed(cut_part(rest, ','));
        if (member.size == 0 || has_key(member, "ot", '=')) continue;
        if (to != begin) *to++ = ',';
        put(member);
        ++members;
    }
    made->end_texts(static_cast<std::uint32_t>(to - begin), from->baggage(), from->baggage_size);
    release(from);
    return made;
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
