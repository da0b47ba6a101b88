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

// Of one as people give it: without user, password and query, which hold secrets.
inline std::string url_without_secrets(std::string_view url) {
    const std::size_t scheme = end_of_scheme(url), rest = std::max(scheme, end_of_credentials(url));
    const std::string_view shown = url.substr(rest);
    return std::string(url.substr(0, scheme)).append(shown.substr(0, shown.find_first_of("?#")));
}

// The same of a URL that is well-formed, where an @ behind the host means nothing.
inline std::string parsed_url_without_secrets(std::string_view url) {
    const std::size_t scheme = end_of_scheme(url), end = std::min(url.size(), url.find_first_of("/?#", scheme));
    const std::size_t host = std::max(scheme, end_of_credentials(url.substr(0, end)));
    return std::string(url.substr(0, scheme)).append(url.substr(host, url.find_first_of("?#", end) - host));
}

}  // namespace apm::inline APM_ABI::detail
