// What a character is, in any locale. Without <string_view>, for what every file of a program includes.
#pragma once

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alphanumeric(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

}  // namespace apm::inline APM_ABI::detail
