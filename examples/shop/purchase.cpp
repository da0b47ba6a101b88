#include "purchase.hpp"

#include <algorithm>

namespace shop {

namespace {

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
}

std::string escaped(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_plain(c)) out += c;
        else if (c == ' ') out += '+';
        else (out += '%') += {digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned byte = 0;
        if (text[i] == '+') out += ' ';
        else if (text[i] == '%' && i + 2 < text.size() &&
                 std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16).ptr == &text[i + 1] + 2) {
            out += static_cast<char>(byte);
            i += 2;
        } else out += text[i];
    }
    return out;
}

}  // namespace

std::string to_text(const Form& form) {
    std::string text;
    for (const auto& [name, value] : form) text += (text.empty() ? "" : "&") + escaped(name) + '=' + escaped(value);
    return text;
}

Form form_of(std::string_view text) {
    Form form;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        form[unescaped(pair.substr(0, equals))] = unescaped(pair.substr(std::min(pair.size(), equals + 1)));
    }
    return form;
}

}  // namespace shop
