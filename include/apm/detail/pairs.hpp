// Lists of pairs, as environment variables and headers have them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail {

using text_pairs = std::vector<std::pair<std::string, std::string>>;

// Appends the decoded text; false where the percent-encoding is malformed.
inline bool percent_decode(std::string_view s, std::string& out) {
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '%') {
            out += s[i];
            continue;
        }
        char byte = 0;
        if (!is_percent_encoded(s, i, byte)) return false;
        out += byte;
        i += 2;
    }
    return true;
}

// `k1=v1,k2=v2`, percent-encoded, with white space around each part; an empty pair is none. False where it is not that, with what
// was wrong in `at`; then all of it is to be ignored, as OpenTelemetry's specification says.
inline bool read_pairs(std::string_view list, text_pairs& to, std::string& at) {
    bool good = true;
    if (list.empty()) return good;
    split(list, ',', [&](std::string_view pair) {
        pair = without_white_space(pair);
        if (!good || pair.empty()) return;
        const std::size_t equals = pair.find('=');
        auto& [key, text] = to.emplace_back();
        good = equals != pair.npos && percent_decode(without_white_space(pair.substr(0, equals)), key) && !key.empty() &&
               percent_decode(without_white_space(pair.substr(equals + 1)), text);
        if (!good) at = pair;
    });
    if (!good) to.clear();
    return good;
}

}  // namespace apm::inline APM_ABI::detail
