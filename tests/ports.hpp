#pragma once
// Ports of 127.0.0.1 that belong to a test for as long as it wants. A port that was bound and freed may be another process's a
// moment later, since the kernel gives it to the next one that asks for any.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// A new socket that is bound to 127.0.0.1:port, where 0 is any that is free; -1 if it cannot be. Without SO_REUSEADDR nothing
// else can have its port while it lives.
inline int bound_socket(std::uint16_t port = 0, bool reuse = false) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = reuse;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
    close(fd);
    return -1;
}
inline std::uint16_t port_of(int fd) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
}

// A port at which connections are refused: it is bound, and nothing listens. release() gives the socket to a server that comes up
// there later: it listens on it, and the port is never free in between.
class silent_port {
public:
    silent_port() : fd_(bound_socket()), port_(port_of(fd_)) {
        if (fd_ < 0) std::abort();
    }
    ~silent_port() {
        if (fd_ >= 0) close(fd_);
    }
    silent_port(const silent_port&) = delete;
    silent_port& operator=(const silent_port&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& path = "/v1/traces") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
    std::uint16_t port_;
};

// A port that is free, and stays so but for what the test does: for a server that takes a number, or that comes again at the same
// one. It is none of those that the kernel gives away, and a name that only one process can have keeps other tests off it.
class own_port {
public:
    own_port() {
        unsigned first = 32768, last = 60999;
        if (std::FILE* const range = std::fopen("/proc/sys/net/ipv4/ip_local_port_range", "re")) {
            if (std::fscanf(range, "%u %u", &first, &last) != 2) first = 32768, last = 60999;
            std::fclose(range);
        }
        const bool above = 65535 - last >= 1000;
        const unsigned from = above ? last + 1 : 1024, size = above ? 65535 - last : first - from;
        if (!above && first < 2024) std::abort();  // the kernel gives away all ports there are
        for (unsigned i = 0, start = static_cast<unsigned>(getpid()) * 7; i < size; ++i)
            if (take(static_cast<std::uint16_t>(from + (start + i) % size))) return;
        std::abort();
    }
    ~own_port() { close(name_); }
    own_port(const own_port&) = delete;
    own_port& operator=(const own_port&) = delete;

    [[nodiscard]] std::uint16_t number() const { return number_; }

private:
    bool take(std::uint16_t number) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        const int length = std::snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "apm-test-port-%u", unsigned{number});
        name_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length));
        if (bind(name_, reinterpret_cast<const sockaddr*>(&name), size) == 0) {
            const int probe = bound_socket(number, true);
            if (probe >= 0) {
                close(probe);
                number_ = number;
                return true;
            }
        }
        close(name_);
        return false;
    }
    int name_ = -1;
    std::uint16_t number_ = 0;
};
