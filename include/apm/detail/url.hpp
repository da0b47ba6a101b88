// What of a URL may be shown to people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// Without user, password and query, which hold secrets.
inline std::string url_without_secrets(std::string_view url) {
    const auto scheme = url.find("://");
    std::string text(url.substr(0, url.find_first_of("?#")));
    const std::size_t host = scheme == url.npos ? 0 : scheme + 3;
    const auto end = text.find('/', host), at = text.rfind('@', end);
    if (at != text.npos && at >= host) text.erase(host, at + 1 - host);
    return text;
}

}  // namespace apm::inline APM_ABI::detail
