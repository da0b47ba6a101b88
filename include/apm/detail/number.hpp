// Integers as headers, settings and files write them: one strict reader for all. The whole text is the number: decimal digits,
// of a signed type with or without a `-` before them; no blanks (trimmed() takes them away first), no `+`, in any locale.
#pragma once

#include <limits>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

template <class T>
struct same_type_as {
    using type = T;
};

// False where the text is no such number from low to high; then `n` is as it was.
template <class Integer>
constexpr bool read_integer(std::string_view text, Integer& n,
                            typename same_type_as<Integer>::type low = (std::numeric_limits<Integer>::min)(),
                            typename same_type_as<Integer>::type high = (std::numeric_limits<Integer>::max)()) {
    const bool negative = std::numeric_limits<Integer>::is_signed && text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (text.empty()) return false;
    Integer result = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        const int digit = negative ? '0' - c : c - '0';
        if (__builtin_mul_overflow(result, 10, &result) || __builtin_add_overflow(result, digit, &result)) return false;
    }
    if (result < low || result > high) return false;
    n = result;
    return true;
}

}  // namespace apm::inline APM_ABI::detail
