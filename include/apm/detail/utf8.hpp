// UTF-8, as text formats demand it (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// The length of the well-formed sequence at `s`, or 0.
constexpr std::size_t utf8_sequence(const char* s, std::size_t size) {
    const auto at = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return i < size && at(i) >= low && at(i) <= high;
    };
    const unsigned c = at(0);
    if (c < 0x80) return 1;
    if (c >= 0xc2 && c <= 0xdf) return follows(1) ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef)
        return follows(1, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
    if (c >= 0xf0 && c <= 0xf4)
        return follows(1, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

constexpr bool utf8_valid(const char* s, std::size_t size) {
    while (size > 0) {
        const std::size_t n = utf8_sequence(s, size);
        if (n == 0) return false;
        s += n, size -= n;
    }
    return true;
}

inline constexpr char utf8_replacement[] = "\xef\xbf\xbd";  // U+FFFD, in place of a byte that belongs to no sequence

// Copies to `out` (room for 3 * size), each byte that belongs to no sequence as U+FFFD; returns the bytes written.
constexpr std::size_t utf8_repair(const char* s, std::size_t size, char* out) {
    char* const begin = out;
    while (size > 0) {
        std::size_t n = utf8_sequence(s, size);
        if (n == 0) {
            for (std::size_t i = 0; i < 3; ++i) *out++ = utf8_replacement[i];
            n = 1;
        } else {
            for (std::size_t i = 0; i < n; ++i) *out++ = s[i];
        }
        s += n, size -= n;
    }
    return static_cast<std::size_t>(out - begin);
}

}  // namespace apm::inline APM_ABI::detail
