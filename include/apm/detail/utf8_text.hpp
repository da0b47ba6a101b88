// Text that a format demands to be UTF-8: each byte that belongs to no sequence becomes U+FFFD.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/utf8.hpp>

namespace apm::inline APM_ABI::detail {

inline std::string utf8_repaired(std::string_view given) {
    if (utf8_valid(given.data(), given.size())) return std::string(given);
    std::string text(3 * given.size(), '\0');
    text.resize(utf8_repair(given.data(), given.size(), text.data()));
    return text;
}

// Appends the text, of which `escape(c)` appends the ASCII characters that are `special(c)`.
template <class Special, class Escape>
void append_utf8(std::string& out, std::string_view text, Special&& special, Escape&& escape) {
    std::size_t from = 0;  // what is behind it is copied in one piece
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool ascii = static_cast<unsigned char>(c) < 0x80;
        if (ascii && !special(c)) continue;
        if (!ascii) {
            if (const std::size_t n = utf8_sequence(text.data() + i, text.size() - i); n > 0) {
                i += n - 1;
                continue;
            }
        }
        out.append(text, from, i - from);
        if (ascii) escape(c);
        else out += utf8_replacement;
        from = i + 1;
    }
    out.append(text, from);
}

}  // namespace apm::inline APM_ABI::detail
