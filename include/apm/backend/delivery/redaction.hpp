// What of a destination, and of a receiver's text, may be shown.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend/delivery/destination.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/pairs.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// What must not be printed, longest first: the values of headers, also without a word like "Bearer" before them, and what URLs
// have of passwords and queries. What is shorter than 3 bytes hides nothing.
inline std::vector<std::string> secrets_of(const destination& to) {
    std::vector<std::string> all;
    const auto add = [&all](std::string_view s) {
        if (s.size() >= 3) all.emplace_back(s);
    };
    for (const auto& [name, value] : to.headers) {
        add(value);
        if (const std::size_t space = value.find(' '); space != value.npos) add(std::string_view(value).substr(space + 1));
    }
    for (const std::string& secret : to.secrets) add(secret);
    for (const std::string_view url : {std::string_view(to.url), std::string_view(to.proxy)}) {
        const std::size_t from = end_of_scheme(url), end = end_of_credentials(url);
        if (end > from) {
            const std::string_view user = url.substr(from, end - 1 - from);
            add(user);
            if (const std::size_t colon = user.find(':'); colon != user.npos) add(user.substr(colon + 1));
        }
        // An @ may belong to the query, which then begins before it.
        for (const std::size_t query : {url.find('?', (std::max)(from, end)), url.find('?')}) {
            if (query == url.npos) continue;
            split(url.substr(query + 1), '&', [&add](std::string_view part) {
                const std::size_t equals = part.find('=');
                const std::string_view value = equals == part.npos ? part : part.substr(equals + 1);
                std::string plain;
                add(value);
                if (percent_decode(value, plain)) add(plain);
            });
        }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return all;
}

// A receiver's text: without secrets that it echoes, printable, 200 bytes at most.
inline std::string cleaned(std::string text, const destination& to) {
    constexpr std::size_t most = 200;
    const auto printable = [](std::string s) {
        for (char& c : s)
            if (c == '\n' || c == '\r' || c == '\t') c = ' ';
            else if (c < 0x20 || c > 0x7e) c = '?';
        return s;
    };
    const auto hide = [&text](const std::string& secret) {
        constexpr std::string_view hidden = "***";
        for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos; at += hidden.size())
            text.replace(at, secret.size(), hidden);
    };
    const std::vector<std::string> secrets = secrets_of(to);
    for (const std::string& s : secrets) hide(s);
    text = printable(std::move(text));
    for (const std::string& s : secrets) hide(printable(s));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text.size() > most) text.replace(most - 3, text.npos, "...");
    return text;
}

}  // namespace apm::inline APM_ABI::detail::delivery
