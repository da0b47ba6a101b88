// What of a URL may be shown to people.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// Where user and password end, if there are any: behind the last @ of all, since whoever forgot to encode a password may have a
// /, a ? or a # in it. (A path with an @ is shown without what is before it.)
constexpr std::size_t end_of_credentials(std::string_view url) {
    const std::size_t at = url.rfind('@');
    return at == url.npos ? 0 : at + 1;
}
// Behind `http://`; 0 where there is no scheme.
constexpr std::size_t end_of_scheme(std::string_view url) {
    const std::size_t at = url.find("://");
    return at == url.npos || at > url.find_first_of("/?#@") ? 0 : at + 3;
}

// Without user, password and query, which hold secrets.
inline std::string url_without_secrets(std::string_view url) {
    const std::size_t scheme = end_of_scheme(url), rest = std::max(scheme, end_of_credentials(url));
    const std::string_view shown = url.substr(rest);
    return std::string(url.substr(0, scheme)).append(shown.substr(0, shown.find_first_of("?#")));
}

}  // namespace apm::inline APM_ABI::detail
