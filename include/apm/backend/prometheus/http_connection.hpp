// One request to CivetWeb, and what is answered.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <civetweb.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

// Takes the same time however much of a secret was guessed.
inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned difference = a.size() != b.size();
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ (i < b.size() ? b[i] : '\0'));
    return difference == 0;
}

// CivetWeb would wait for a whole body, with a new timeout for every byte: so bodies are read byte by byte, until a deadline.
class http_connection {
public:
    using clock = std::chrono::steady_clock;

    http_connection(mg_connection* c, clock::time_point until) : c_(c), until_(until) {}

    [[nodiscard]] std::string_view header(const char* name) const {
        const char* const value = mg_get_header(c_, name);
        return value ? value : "";
    }
    [[nodiscard]] std::string_view method() const { return info().request_method; }
    [[nodiscard]] std::string_view path() const { return info().local_uri; }
    // From this machine, by a loopback address.
    [[nodiscard]] bool is_local() const {
        const std::string_view from = info().remote_addr;
        return from.starts_with("127.") || from.starts_with("::ffff:127.") || from == "::1";
    }

    // -1: it is not said.
    [[nodiscard]] long long body_size() const { return has_chunks() ? -1 : info().content_length; }
    // False where not all of it comes in time.
    bool read_body(std::string& body, std::size_t size) {
        body.resize(size);
        for (char& byte : body)
            if (clock::now() >= until_ || mg_read(c_, &byte, 1) != 1) return false;
        return true;
    }

    // The status. `more`: whole lines of the head.
    int reply(int status, const char* reason, std::string_view type, std::string_view body, const char* more = "") {
        std::string head = "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nContent-Type: " + std::string(type) +
                           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n";
        if (method() != "HEAD") head += body;
        mg_write(c_, head.data(), head.size());
        if (std::string_view(more).starts_with("Connection: close")) mg_disable_connection_keep_alive(c_);
        return status;
    }
    // Without memory.
    void reply_without_memory() {
        static constexpr char answer[] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
                                        "Connection: close\r\n\r\n";
        mg_write(c_, answer, sizeof answer - 1);
        mg_disable_connection_keep_alive(c_);
    }

    // Reads what is left of a body, for a second at most: a client that is cut off while it sends may not see the reply.
    void read_away() {
        const bool endless = has_chunks();
        if (!endless && info().content_length <= 0) return;
        const auto until = std::min(until_, clock::now() + std::chrono::seconds(1));
        char byte;
        int n = 0;
        if (!endless) do n = mg_read(c_, &byte, 1); while (n > 0 && clock::now() < until);
        if (endless || n < 0 || clock::now() >= until) mg_disable_connection_keep_alive(c_);
    }

private:
    [[nodiscard]] const mg_request_info& info() const { return *mg_get_request_info(c_); }
    [[nodiscard]] bool has_chunks() const { return mg_get_header(c_, "Transfer-Encoding"); }

    mg_connection* c_;
    clock::time_point until_;
};

}  // namespace apm::inline APM_ABI::detail
