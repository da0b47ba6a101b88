// The endpoint that changes something: /control. For clients on this machine that show the token.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <apm/backend/prometheus/http_connection.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

struct http_answer {
    int status = 200;
    std::string body;
};

struct http_control {
    static constexpr std::string_view path = "/control";
    static constexpr std::size_t most_bytes = 64 << 10;  // of a body
    std::string token;                                   // empty: there is no such endpoint
    std::function<http_answer(bool change, std::string_view body)> answer;  // any thread, several at once

    // The status that is replied.
    int serve(http_connection& c) const {
        if (!c.is_local()) return c.reply(403, "Forbidden", plain_text, "from this machine only\n");
        if (!equal_in_constant_time(c.header("Authorization"), "Bearer " + token))
            return c.reply(401, "Unauthorized", plain_text, "credentials needed\n",
                           "WWW-Authenticate: Bearer realm=\"control\"\r\n");
        const std::string_view method = c.method();
        const bool change = method == "POST" || method == "PUT";
        if (!change && method != "GET" && method != "HEAD")
            return c.reply(405, "Method Not Allowed", plain_text, "GET, POST or PUT\n", "Allow: GET, HEAD, POST, PUT\r\n");
        std::string body;
        if (change) {
            const long long size = c.body_size();
            if (size < 0) return c.reply(411, "Length Required", plain_text, "say Content-Length\n", "Connection: close\r\n");
            if (size > static_cast<long long>(most_bytes))
                return c.reply(413, "Content Too Large", plain_text, "65536 bytes at most\n", "Connection: close\r\n");
            if (!c.read_body(body, static_cast<std::size_t>(size)))
                return c.reply(400, "Bad Request", plain_text, "the body is not all there\n", "Connection: close\r\n");
        }
        const http_answer a = answer(change, body);
        const char* const reason = a.status == 200 ? "OK" : a.status == 400 ? "Bad Request" : "Conflict";
        return c.reply(a.status, reason, plain_text, a.body, "Cache-Control: no-store\r\n");
    }
};

}  // namespace apm::inline APM_ABI::detail
