// Texts of hexadecimal digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/hex_digit.hpp>

namespace apm::inline APM_ABI::detail {

constexpr bool is_hex(std::string_view text, letters which = letters::lower) {
    for (const char c : text)
        if (hex_value(c, which) > 15) return false;
    return true;
}

// The number that 1 to 16 digits are. False where they are not that; then `n` is as it was.
constexpr bool read_hex(std::string_view digits, std::uint64_t& n, letters which = letters::lower) {
    if (digits.empty() || digits.size() > 16) return false;
    std::uint64_t result = 0;
    unsigned bad = 0;
    for (const char c : digits) {
        const unsigned d = hex_value(c, which);
        bad |= d;
        result = result << 4 | (d & 15);
    }
    if (bad & 16) return false;
    n = result;
    return true;
}

// Appends the last digits of n, as write_hex() writes them.
template <class String>
void append_hex(String& to, std::uint64_t n, int digits = 16) {
    char text[16];
    to.append(text, static_cast<std::size_t>(write_hex(text, n, digits) - text));
}

}  // namespace apm::inline APM_ABI::detail
