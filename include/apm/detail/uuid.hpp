// A random name for a process.
#pragma once

#include <string>

#include <sys/random.h>
#include <sys/types.h>

#include <apm/config.hpp>
#include <apm/detail/hex.hpp>

namespace apm::inline APM_ABI::detail {

// Version 4: 122 random bits.
inline std::string random_uuid() {
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != static_cast<ssize_t>(sizeof b)) return {};
    b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40), b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
    std::string text;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        append_hex(text, b[i], 2);
    }
    return text;
}

}  // namespace apm::inline APM_ABI::detail
