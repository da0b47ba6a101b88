// Words of protocols and settings: blanks around them do not count, nor does the case of their letters, in any locale.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>

namespace apm::inline APM_ABI::detail {

inline std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

// Ends of lines are no part of what a file or an environment variable says, either. (They never are within a header.)
inline std::string_view without_white_space(std::string_view s) {
    constexpr std::string_view all = " \t\r\n";
    const std::size_t from = s.find_first_not_of(all);
    return from == s.npos ? s.substr(s.size()) : s.substr(from, s.find_last_not_of(all) - from + 1);
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Of a token (RFC 9110, 5.6.2): the name of a header, a key of W3C Baggage.
constexpr bool is_token(char c) {
    return is_alphanumeric(c) || (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// Calls f(item), trimmed, for each part of a list; an empty list has one empty part.
template <class F>
void split(std::string_view list, char separator, F&& f) {
    for (;;) {
        const std::size_t end = list.find(separator);
        f(trimmed(list.substr(0, end)));
        if (end == list.npos) return;
        list.remove_prefix(end + 1);
    }
}

}  // namespace apm::inline APM_ABI::detail
