// What is served at a path, and what has to be right about a request before it is.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend/http/credentials.hpp>
#include <apm/backend/http/message.hpp>
#include <apm/config.hpp>
#include <apm/detail/number.hpp>

namespace apm::inline APM_ABI::detail {

struct http_route {
    std::string path;
    std::function<http_answer(const http_request&)> answer;  // by the server's thread; what throws is answered with 500
    http_credentials credentials = {};
    std::size_t most_bytes = 0;    // of a body; 0: there is none, and nothing is changed, by GET and HEAD
    bool only_local = false;       // for clients on this machine, which ask by its address
};

class http_routes {
public:
    void add(http_route r) { all_.push_back(std::move(r)); }
    // Whether a browser's user can be made to ask for what is served to this machine only: names are refused then.
    void only_by_address() { only_by_address_ = true; }

    // The first that was added goes first.
    [[nodiscard]] const http_route* find(std::string_view path) const {
        for (const http_route& r : all_)
            if (r.path == path) return &r;
        return nullptr;
    }

    // What is wrong with a request whose head has come; nothing: its body may come, and be answered.
    [[nodiscard]] std::optional<http_answer> refusal(const http_route* route, const http_request& r) const {
        if (!route) return http_answer{404, "nothing here; there is " + (all_.empty() ? "nothing" : all_.front().path) + "\n"};
        if (route->only_local && !r.is_local) return http_answer{403, "from this machine only\n"};
        if (r.count("Host") > 1) return http_answer{400, "more than one Host\n"};
        const std::string host = r.host();
        if ((only_by_address_ || route->only_local) && !host.empty() && !is_address(host))
            return http_answer{421, "not served by this name: ask 127.0.0.1, or localhost\n"};
        if (!route->credentials.are_shown_by(r.header("Authorization")))
            return http_answer{.status = 401, .body = "credentials needed\n",
                               .headers = {{"WWW-Authenticate", route->credentials.challenge()}}};
        const bool reads = r.method == "GET" || r.method == "HEAD", changes = r.method == "POST" || r.method == "PUT";
        if (!reads && !(changes && route->most_bytes != 0))
            return http_answer{.status = 405, .body = route->most_bytes ? "GET, POST or PUT\n" : "GET only\n",
                               .headers = {{"Allow", route->most_bytes ? "GET, HEAD, POST, PUT" : "GET, HEAD"}}};
        return changes ? refused_body(*route, r) : std::nullopt;
    }

    // Of a body that is longer than a route takes.
    static http_answer too_long(std::size_t most) { return {413, std::to_string(most) + " bytes at most\n"}; }

private:
    static std::optional<http_answer> refused_body(const http_route& route, const http_request& r) {
        if (r.count("Content-Length") > 1) return http_answer{400, "more than one Content-Length\n"};
        if (r.count("Transfer-Encoding") != 0) return std::nullopt;  // chunks: counted as they come
        if (r.count("Content-Length") == 0) return http_answer{411, "say Content-Length\n"};
        std::size_t size = 0;
        if (!read_integer(std::string_view(r.header("Content-Length")), size))
            return http_answer{400, "Content-Length is no number\n"};
        if (size > route.most_bytes) return too_long(route.most_bytes);
        return std::nullopt;
    }

    std::vector<http_route> all_;
    bool only_by_address_ = false;
};

}  // namespace apm::inline APM_ABI::detail
