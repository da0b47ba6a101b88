// A request that came, and what is answered.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>

namespace apm::inline APM_ABI::detail {

struct http_request {
    std::string_view method = {}, path = {}, body = {};  // the path as it was decoded, without its query
    std::vector<std::pair<std::string_view, std::string_view>> headers = {};  // one for each line, in their order
    std::string_view authority = {};                     // of a target that is a whole URL
    bool is_local = false;                               // from this machine: a loopback address, or a unix socket

    // Lines of one name are one list (RFC 9110, 5.3). Empty where there is none.
    [[nodiscard]] std::string header(std::string_view name) const {
        std::string all;
        bool first = true;
        for (const auto& [key, value] : headers) {
            if (!equal_ignoring_case(key, name)) continue;
            if (!std::exchange(first, false)) all += ", ";
            all += value;
        }
        return all;
    }
    // What is asked for by name, with its port.
    [[nodiscard]] std::string host() const { return authority.empty() ? header("Host") : std::string(authority); }
    [[nodiscard]] auto count(std::string_view name) const {
        return std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return equal_ignoring_case(h.first, name); });
    }
};

struct http_answer {
    int status = 200;
    std::string body = {};
    std::string_view type = "text/plain; charset=utf-8";
    std::vector<std::pair<const char*, std::string>> headers = {};
};

// Is `host` (RFC 9110, 7.2) an address, or this machine's own name for itself? Any other name may be one that an attacker's DNS
// leads here, for a browser to ask in the name of its user.
inline bool is_address(std::string_view host) {
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        in6_addr v6;
        return end != host.npos && inet_pton(AF_INET6, std::string(host.substr(1, end - 1)).c_str(), &v6) == 1;
    }
    host = host.substr(0, host.find(':'));
    in_addr v4;
    constexpr std::string_view own = "localhost", below = ".localhost";
    return equal_ignoring_case(host, own) || inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 ||
           (host.size() > below.size() && equal_ignoring_case(host.substr(host.size() - below.size()), below));
}

}  // namespace apm::inline APM_ABI::detail
