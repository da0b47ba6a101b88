// Which headers are read and written, in the whole process; and which baggage may leave it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <stdlib.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/root.hpp>
#include <apm/propagation/baggage_text.hpp>

namespace apm::inline APM_ABI {

// By the names that OTEL_PROPAGATORS knows them by. `none`, alone: nothing is read or written.
enum class propagator : std::uint8_t { tracecontext = 1, baggage, b3, b3multi, jaeger, datadog, xray, none };

namespace detail {

inline constexpr std::string_view propagator_names[] = {"tracecontext", "baggage", "b3", "b3multi",
                                                        "jaeger", "datadog", "xray", "none"};
inline constexpr std::size_t propagator_count = sizeof propagator_names / sizeof *propagator_names;
constexpr bool is_named(propagator p, std::string_view name) { return propagator_names[static_cast<std::size_t>(p) - 1] == name; }
static_assert(propagator_count == static_cast<std::size_t>(propagator::none) && propagator_count < 16, "four bits for each");
static_assert(is_named(propagator::tracecontext, "tracecontext") && is_named(propagator::baggage, "baggage") &&
              is_named(propagator::b3, "b3") && is_named(propagator::b3multi, "b3multi") &&
              is_named(propagator::jaeger, "jaeger") && is_named(propagator::datadog, "datadog") &&
              is_named(propagator::xray, "xray") && is_named(propagator::none, "none"));
inline constexpr std::uint64_t usual_propagators = static_cast<std::uint64_t>(propagator::tracecontext) |
                                                   static_cast<std::uint64_t>(propagator::baggage) << 4;
inline constexpr std::uint64_t no_propagators = static_cast<std::uint64_t>(propagator::none);

// A list in one word, so that it changes at once for all threads: four bits for each, the first in the lowest; 0 ends it.
constexpr bool has_propagator(std::uint64_t list, propagator p) {
    for (; list; list >>= 4)
        if ((list & 15) == static_cast<std::uint64_t>(p)) return true;
    return false;
}
constexpr std::uint64_t with_propagator(std::uint64_t list, propagator p) {
    if (has_propagator(list, p)) return list;
    int at = 0;
    while (list >> at & 15) at += 4;
    return list | static_cast<std::uint64_t>(p) << at;
}
constexpr std::uint64_t propagator_list(std::initializer_list<propagator> formats) {
    std::uint64_t list = 0;
    for (const propagator p : formats)
        if (p != propagator::none) list = with_propagator(list, p);
    return list ? list : no_propagators;
}
inline std::uint64_t propagators_now() {
    const std::uint64_t list = process_root().propagators.load();
    return list ? list : usual_propagators;
}

// The list that a text such as `b3, baggage` names, whatever the case of its letters. What is not known is said, as from
// `where`, and skipped; 0, which is the usual ones, where nothing is left.
inline std::uint64_t read_propagators(std::string_view text, const char* where) {
    std::uint64_t list = 0;
    bool none = false;
    split(text, ',', [&](std::string_view name) {
        if (name.empty()) return;
        std::size_t i = 0;
        while (i < propagator_count && !equal_ignoring_case(name, propagator_names[i])) ++i;
        const auto p = static_cast<propagator>(i + 1);
        const int size = static_cast<int>(name.size() < 100 ? name.size() : 100);
        if (i == propagator_count)
            report("%s: %s propagator `%.*s`, which is left out", where,
                   equal_ignoring_case(name, "ottrace") ? "there is no support for the" : "there is no", size, name.data());
        else if (p == propagator::none) none = true;
        else list = with_propagator(list, p);
    });
    if (none && list) report("%s: `none` beside others means nothing", where);
    return list ? list : none ? no_propagators : 0;
}

}  // namespace detail

// From now on, in the whole process. Read in this order, where a later one that finds a parent is taken; all are written. Any
// thread. What is there twice counts once; an empty list is `none`. apm::runtime does this by OTEL_PROPAGATORS, and its options.
inline void propagate_with(std::initializer_list<propagator> formats) {
    detail::process_root().propagators.store(detail::propagator_list(formats));
}
// The same of a text such as "b3,baggage", with OTEL_PROPAGATORS' meaning: names that are not known are reported, and skipped;
// where no name is left, as in "", that is no choice, and the usual ones are on: tracecontext and baggage. "none" is none, which
// {} is, too: a list in braces is a choice, and means what is in it.
inline void propagate_with(std::string_view formats) {
    detail::process_root().propagators.store(detail::read_propagators(formats, "propagate_with"));
}

namespace detail {

[[APM_HIDDEN]] inline constinit cell known_baggage_keys{};  // baggage_keys*: a program that goes to and fro makes each list once

inline bool same_keys(const baggage_keys& list, const std::string_view* keys, std::size_t count) {
    if (list.count != count) return false;
    for (std::size_t i = 0; i < count; ++i)
        if (list.keys[i] != keys[i]) return false;
    return true;
}
// Null where there is no memory.
inline const baggage_keys* baggage_keys_of(const std::string_view* keys, std::size_t count) {
    for (auto* k = known_baggage_keys.pointer_acquire<baggage_keys>(); k; k = k->next)
        if (same_keys(*k, keys, count)) return k;
    std::size_t text = 0;
    for (std::size_t i = 0; i < count; ++i) text += keys[i].size();
    void* const memory = malloc(sizeof(baggage_keys) + count * sizeof(std::string_view) + text);
    if (!memory) return nullptr;
    auto* const made = static_cast<baggage_keys*>(memory);
    made->count = count;
    made->keys = reinterpret_cast<std::string_view*>(made + 1);
    char* at = reinterpret_cast<char*>(made->keys + count);
    for (std::size_t i = 0; i < count; ++i) {
        if (!keys[i].empty()) __builtin_memcpy(at, keys[i].data(), keys[i].size());
        made->keys[i] = std::string_view(at, keys[i].size());
        at += keys[i].size();
    }
    std::uint64_t first = known_baggage_keys.load();
    do made->next = reinterpret_cast<baggage_keys*>(first);
    while (!__atomic_compare_exchange_n(&known_baggage_keys.bits, &first, reinterpret_cast<std::uint64_t>(made), false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return made;
}
inline void allow_baggage(const std::string_view* keys, std::size_t count) {
    static constexpr baggage_keys no_keys{0, nullptr, nullptr};
    const baggage_keys* const made = count ? baggage_keys_of(keys, count) : &no_keys;
    process_root().baggage_keys.publish(made ? made : &no_keys);
}

}  // namespace detail

// From now on, only baggage of these keys leaves the process, wherever it came from; within, all is there as before. An empty
// list: none leaves. What the headers hold already is replaced by what may leave, or taken out where that is nothing: a header
// `baggage`, and of `uberctx-*`, where Jaeger's format is on, those of other keys. A setter, which is a function, cannot take out
// anything: there, do not copy such headers from a request that came. Any thread; each list is kept for good. Without a call, all
// baggage is sent on.
inline void allow_baggage(std::initializer_list<std::string_view> keys) { detail::allow_baggage(keys.begin(), keys.size()); }
// As without a call of allow_baggage(): all baggage is sent on.
inline void allow_all_baggage() { detail::process_root().baggage_keys.store(0); }

}  // namespace apm::inline APM_ABI
