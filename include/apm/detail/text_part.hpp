// A part of a text, for what every file of a program includes: <string_view> alone would take longer to compile than most of it.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>

namespace apm::inline APM_ABI::detail {

struct text_part {
    const char* at;
    std::uint32_t size;
};
// Cuts what is before the separator off `rest`.
inline text_part cut_part(text_part& rest, char separator) {
    std::uint32_t n = 0;
    while (n < rest.size && rest.at[n] != separator) ++n;
    const text_part part{rest.at, n};
    const std::uint32_t gone = n < rest.size ? n + 1 : n;
    rest = {rest.at + gone, rest.size - gone};
    return part;
}
inline text_part trimmed(text_part x) {
    while (x.size && is_blank(*x.at)) ++x.at, --x.size;
    while (x.size && is_blank(x.at[x.size - 1])) --x.size;
    return x;
}

}  // namespace apm::inline APM_ABI::detail
