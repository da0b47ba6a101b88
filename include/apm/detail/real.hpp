// Real numbers as headers, settings and files write them: the whole text is the number, as number.hpp has it for integers.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// False where the text is no number, or beyond what a double holds; then `x` is as it was. `inf` and `nan` are numbers.
inline bool read_real(std::string_view text, double& x) {
    const char* const end = text.data() + text.size();
    double read = 0;
    const auto [at, failed] = std::from_chars(text.data(), end, read);
    if (failed != std::errc{} || at != end) return false;
    x = read;
    return true;
}

}  // namespace apm::inline APM_ABI::detail
