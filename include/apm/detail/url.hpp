// URLs: their parts, what of them may be shown, and percent-encoding, which headers and settings have, too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>
#include <apm/detail/hex.hpp>

namespace apm::inline APM_ABI::detail {

// --- percent-encoding -------------------------------------------------------------------------------------------------
// The caller says what to encode, and what becomes of a % that two digits do not follow: headers allow other characters than
// URLs, and such a % stands for itself in baggage, but makes a list of settings invalid.

// Whether %XX begins there, and which byte that is.
constexpr bool is_percent_encoded(std::string_view text, std::size_t at, char& byte) {
    if (text[at] != '%' || text.size() - at < 3) return false;
    const unsigned high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
    if (high > 15 || low > 15) return false;
    byte = static_cast<char>(high << 4 | low);
    return true;
}
// `to` has put(char) and put(std::string_view); what is `plain(char)` goes as it is, all else as %XX.
template <class Out, class Plain>
constexpr void put_percent_encoded(Out& to, std::string_view raw, Plain&& plain) {
    for (const char c : raw) {
        if (plain(c)) {
            to.put(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            const char text[] = {'%', upper_hex_digit(byte >> 4), upper_hex_digit(byte)};
            to.put(std::string_view(text, 3));
        }
    }
}
struct string_out {
    std::string& text;
    void put(std::string_view x) { text += x; }
    void put(char c) { text += c; }
};
// A part of a path, or of a query.
inline std::string url_encoded(std::string_view raw) {
    std::string all;
    string_out out{all};
    put_percent_encoded(out, raw, [](char c) {
        return is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
    });
    return all;
}

// --- for people -------------------------------------------------------------------------------------------------------

// Where user and password end, if there are any: behind the last @ of all, since a password that was not encoded may have a
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

// A URL as people give it, cut where its parts begin; a part that is not there is empty.
struct url_parts {
    std::string_view scheme;    // `http://`
    std::string_view host;      // what is before the port: with a user and a password, too
    std::string_view port;
    std::string_view path;      // `/v1/traces`
    std::string_view query;     // `?key=value`
};
constexpr url_parts split_url(std::string_view url) {
    url_parts p;
    p.scheme = url.substr(0, end_of_scheme(url));
    url.remove_prefix(p.scheme.size());
    const std::size_t query = (std::min)(url.size(), url.find('?')), path = (std::min)(query, url.find('/'));
    p.query = url.substr(query), p.path = url.substr(path, query - path), p.host = url.substr(0, path);
    const std::size_t before = p.host.find_last_of("]@");  // an IPv6 address, a password
    const std::size_t colon = p.host.find(':', before == p.host.npos ? 0 : before);
    if (colon != p.host.npos) p.port = p.host.substr(colon + 1), p.host = p.host.substr(0, colon);
    return p;
}

// A URL as people give it, without user, password and query, which hold secrets.
inline std::string url_without_secrets(std::string_view url) {
    const std::size_t scheme = end_of_scheme(url), rest = (std::max)(scheme, end_of_credentials(url));
    const std::string_view shown = url.substr(rest);
    return std::string(url.substr(0, scheme)).append(shown.substr(0, shown.find_first_of("?#")));
}

// The same of a URL that is well-formed, where an @ behind the host means nothing.
inline std::string parsed_url_without_secrets(std::string_view url) {
    const std::size_t scheme = end_of_scheme(url), end = (std::min)(url.size(), url.find_first_of("/?#", scheme));
    const std::size_t host = (std::max)(scheme, end_of_credentials(url.substr(0, end)));
    return std::string(url.substr(0, scheme)).append(url.substr(host, url.find_first_of("?#", end) - host));
}

}  // namespace apm::inline APM_ABI::detail
