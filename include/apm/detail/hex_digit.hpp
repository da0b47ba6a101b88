// Hexadecimal digits, read and written by table: the digits of an id are random, a comparison of them is often mispredicted.
// Without <string_view>, for what every file of a program includes.
#pragma once

#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

enum class letters : bool { lower, any };

struct hex_tables {
    unsigned char value[2][256]{};  // by what letters are allowed; 16 where it is no digit
    char digits[256][2]{};

    constexpr hex_tables() {
        constexpr char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
        for (auto& table : value)
            for (auto& v : table) v = 16;
        for (unsigned i = 0; i < 16; ++i) {
            value[0][static_cast<unsigned char>(lower[i])] = value[1][static_cast<unsigned char>(lower[i])] =
                value[1][static_cast<unsigned char>(upper[i])] = static_cast<unsigned char>(i);
        }
        for (unsigned i = 0; i < 256; ++i) digits[i][0] = lower[i >> 4], digits[i][1] = lower[i & 15];
    }
};
inline constexpr hex_tables hex_lookup{};

// The value of one digit; 16 where it is none.
constexpr unsigned hex_value(char c, letters which = letters::any) {
    return hex_lookup.value[which == letters::any][static_cast<unsigned char>(c)];
}
// The last digit of n, in lower case; in upper case.
constexpr char hex_digit(std::uint64_t n) { return hex_lookup.digits[n & 15][1]; }
constexpr char upper_hex_digit(std::uint64_t n) { return "0123456789ABCDEF"[n & 15]; }

// The last digits of n, an even number of them up to 16, in lower case; the end of what is written.
APM_INLINE char* write_hex(char* to, std::uint64_t n, int digits = 16) {
    for (int i = 0; i < digits; i += 2) __builtin_memcpy(to + i, hex_lookup.digits[n >> 4 * (digits - 2 - i) & 255], 2);
    return to + digits;
}

}  // namespace apm::inline APM_ABI::detail
