// Text as a template argument.
#pragma once

#include <cstddef>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

template <std::size_t N>
struct fixed_string {
    char text[N]{};
    static constexpr std::size_t size = N - 1;

    constexpr fixed_string(const char (&literal)[N]) {
        for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
    }
};
template <std::size_t N>
fixed_string(const char (&)[N]) -> fixed_string<N>;

constexpr std::size_t length(const char* text) {
    std::size_t n = 0;
    while (text[n]) ++n;
    return n;
}
constexpr bool equal(const char* a, const char* b) {
    while (*a && *a == *b) ++a, ++b;
    return *a == *b;
}
constexpr bool begins_with(const char* text, const char* prefix) {
    while (*prefix && *text == *prefix) ++text, ++prefix;
    return !*prefix;
}
constexpr bool ends_with(const char* text, std::size_t size, const char* suffix) {
    const std::size_t n = length(suffix);
    if (n > size) return false;
    for (std::size_t i = 0; i < n; ++i)
        if (text[size - n + i] != suffix[i]) return false;
    return true;
}

}  // namespace apm::inline APM_ABI::detail
