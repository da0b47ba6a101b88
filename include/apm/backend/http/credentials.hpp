// Who may ask: `Authorization: <scheme> <secret>` (RFC 9110, 11).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>

namespace apm::inline APM_ABI::detail {

// Takes the same time however much of a secret was guessed.
inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned difference = a.size() != b.size();
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ (i < b.size() ? b[i] : '\0'));
    return difference == 0;
}

struct http_credentials {
    std::string scheme = {}, secret = {}, realm = {};  // no scheme: none are asked for

    // The scheme has no case; the secret has.
    [[nodiscard]] bool are_shown_by(std::string_view authorization) const {
        if (scheme.empty()) return true;
        authorization = trimmed(authorization);
        const std::size_t end = authorization.find(' ');
        return end != authorization.npos && equal_ignoring_case(authorization.substr(0, end), scheme) &&
               equal_in_constant_time(trimmed(authorization.substr(end)), secret);
    }
    [[nodiscard]] std::string challenge() const { return scheme + " realm=\"" + realm + "\""; }
};

}  // namespace apm::inline APM_ABI::detail
