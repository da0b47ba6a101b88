#pragma once
// A client that says exactly what a test wants said, and keeps every byte of the answer.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patience.hpp"

class connection {
public:
    explicit connection(std::uint16_t port, bool v6 = false) : fd_(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{patience.count(), 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockaddr_in6 to6{};
        to6.sin6_family = AF_INET6;
        to6.sin6_port = htons(port);
        to6.sin6_addr = in6addr_loopback;
        connected_ = v6 ? ::connect(fd_, reinterpret_cast<const sockaddr*>(&to6), sizeof to6) == 0
                        : ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool connected() const { return connected_; }
    void say(std::string_view text) const { [[maybe_unused]] const auto n = send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
    // Waits for the first byte, and leaves it there.
    [[nodiscard]] bool hears_something() const {
        char first;
        return recv(fd_, &first, 1, MSG_PEEK) == 1;
    }
    // Until the other side closes.
    [[nodiscard]] std::string hear() const {
        std::string all;
        char some[16384];
        for (ssize_t n; (n = recv(fd_, some, sizeof some, 0)) > 0;) all.append(some, static_cast<std::size_t>(n));
        return all;
    }

    // What was heard was all: not a time that is over.
    [[nodiscard]] bool is_closed() const {
        char byte;
        const ssize_t n = recv(fd_, &byte, 1, MSG_DONTWAIT);
        return n == 0 || (n < 0 && errno != EAGAIN);
    }

private:
    int fd_;
    bool connected_ = false;
};

struct answer {
    int status = 0;  // 0: none
    std::string head, body;

    explicit answer(const std::string& all) {
        const std::size_t end = all.find("\r\n\r\n");
        if (end == all.npos || all.rfind("HTTP/1.", 0) != 0) return;
        status = std::stoi(all.substr(9, 3));
        head = all.substr(0, end + 2);
        body = all.substr(end + 4);
    }
    // A header's value; empty where it is not there.
    [[nodiscard]] std::string header(const std::string& name) const {
        const std::size_t at = head.find("\r\n" + name + ": ");
        if (at == head.npos) return {};
        const std::size_t from = at + name.size() + 4;
        return head.substr(from, head.find("\r\n", from) - from);
    }
    [[nodiscard]] bool has(const std::string& line) const { return ("\n" + body).find("\n" + line + "\n") != std::string::npos; }
};

// `headers`: whole lines.
inline answer ask(std::uint16_t port, std::string_view headers = {}, std::string_view request = "GET /metrics", bool v6 = false) {
    const connection c(port, v6);
    if (!c.connected()) return answer({});
    c.say(std::string(request) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + std::string(headers) + "\r\n");
    return answer(c.hear());
}
