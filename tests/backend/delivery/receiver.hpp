#pragma once
// A receiver of HTTP on a loopback port, or a socket of the file system, that behaves as badly as a test wants it to.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ports.hpp"

struct request {
    std::string line, head, body;  // "POST /v1/traces HTTP/1.1"; header lines; decoded from nothing

    // A header's value, whatever the case of its name; empty where it is not there.
    [[nodiscard]] std::string header(std::string_view name) const {
        const std::string wanted = "\n" + std::string(name) + ":";
        for (std::size_t at = 0; at + wanted.size() < head.size(); ++at) {
            if (strncasecmp(head.data() + at, wanted.data(), wanted.size()) != 0) continue;
            const std::size_t from = head.find_first_not_of(' ', at + wanted.size());
            return head.substr(from, head.find_first_of("\r\n", from) - from);
        }
        return {};
    }
};

// One connection, as a behaviour sees it.
class peer {
public:
    peer(int fd, const std::atomic<bool>& closing) : fd_(fd), closing_(closing) {}
    // False where the other side is gone.
    bool say(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t n = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    // A pause that ends with the receiver.
    [[nodiscard]] bool wait(std::chrono::milliseconds time) const {
        const auto end = std::chrono::steady_clock::now() + time;
        while (!closing_ && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return !closing_;
    }
    void reset() const {
        const linger at_once{1, 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
    const std::atomic<bool>& closing_;
};

// What to do with a request, the n-th from 0; false: the connection is closed after it.
using behaviour = std::function<bool(const peer&, const request&, std::size_t n)>;

inline std::string answer_text(int status, std::string_view headers, std::string_view body) {
    return "HTTP/1.1 " + std::to_string(status) + " Words\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
}
// `headers`: whole lines.
inline behaviour answers(int status, std::string headers = {}, std::string body = {}) {
    return [=](const peer& p, const request&, std::size_t) { return p.say(answer_text(status, headers, body)); };
}
inline behaviour hangs() {
    return [](const peer& p, const request&, std::size_t) { return p.wait(std::chrono::hours(1)); };
}
inline behaviour says(std::string raw) {
    return [=](const peer& p, const request&, std::size_t) { return static_cast<void>(p.say(raw)), false; };
}
inline behaviour resets_after(std::string raw) {
    return [=](const peer& p, const request&, std::size_t) { return static_cast<void>(p.say(raw)), p.reset(), false; };
}
// One byte, and another one after the pause.
inline behaviour drips(std::chrono::milliseconds pause) {
    return [=](const peer& p, const request&, std::size_t) {
        for (const char c : answer_text(200, {}, std::string(1000, 'x')))
            if (!p.say({&c, 1}) || !p.wait(pause)) return false;
        return true;
    };
}
// A body of so many bytes, with its length or in chunks without an end.
inline behaviour floods(std::uint64_t size, bool chunked, std::atomic<std::uint64_t>& sent) {
    return [=, &sent](const peer& p, const request&, std::size_t) {
        p.say(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
        const std::string piece = (chunked ? "10000\r\n" : "") + std::string(0x10000, '\0') + (chunked ? "\r\n" : "");
        while (sent < size && p.say(piece)) sent += 0x10000;
        return false;
    };
}

class receiver {
public:
    explicit receiver(behaviour does) : receiver(std::move(does), bound_socket()) {}
    // Where there was none until now.
    receiver(behaviour does, silent_port& at) : receiver(std::move(does), at.release()) {}
    receiver(behaviour does, const std::string& path) : does_(std::move(does)) {
        listening_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        if (bind(listening_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(listening_, 64) != 0) std::abort();
        begin();
    }
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;
    ~receiver() {
        closing_ = true;
        accepting_.join();
        {
            const std::lock_guard guard(mutex_);
            for (const int fd : open_) shutdown(fd, SHUT_RDWR);
        }
        for (std::thread& t : serving_) t.join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(std::string_view path = "/v1/traces", std::string_view host = "127.0.0.1") const {
        return "http://" + std::string(host) + ":" + std::to_string(port_) + std::string(path);
    }
    [[nodiscard]] std::size_t accepted() const { return accepted_; }
    [[nodiscard]] std::size_t count() const { return count_; }  // of requests, whole ones
    [[nodiscard]] std::vector<request> requests() const {
        const std::lock_guard guard(mutex_);
        return requests_;
    }
    void now(behaviour does) {
        const std::lock_guard guard(mutex_);
        does_ = std::move(does);
    }

private:
    receiver(behaviour does, int bound) : does_(std::move(does)), listening_(bound), port_(port_of(bound)) {
        if (listening_ < 0 || listen(listening_, 64) != 0) std::abort();
        begin();
    }
    void begin() {
        accepting_ = std::thread([this] {
            while (!closing_) {
                pollfd waiting{listening_, POLLIN, 0};
                if (poll(&waiting, 1, 2) <= 0) continue;
                const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
                if (fd < 0) continue;
                ++accepted_;
                {
                    const std::lock_guard guard(mutex_);
                    open_.push_back(fd);
                }
                serving_.emplace_back([this, fd] { serve(fd); });
            }
            close(listening_);
        });
    }
    void serve(int fd) {
        const peer p(fd, closing_);
        std::string text;
        for (request r; read_one(fd, text, r); r = {}) {
            behaviour does;
            std::size_t n = 0;
            {
                const std::lock_guard guard(mutex_);
                requests_.push_back(r);
                n = count_++;
                does = does_;
            }
            if (!does(p, r, n)) break;
        }
        const std::lock_guard guard(mutex_);
        open_.remove(fd);
        close(fd);
    }
    static bool read_one(int fd, std::string& text, request& r) {
        char some[16384];
        const auto more = [&] {
            const ssize_t n = recv(fd, some, sizeof some, 0);
            if (n > 0) text.append(some, static_cast<std::size_t>(n));
            return n > 0;
        };
        std::size_t end = 0;
        while ((end = text.find("\r\n\r\n")) == text.npos)
            if (!more()) return false;
            else if (text.front() == '\x16') return send(fd, "HTTP/1.1 400 Not TLS\r\n\r\n", 24, MSG_NOSIGNAL), false;
        r.line = text.substr(0, text.find("\r\n"));
        r.head = text.substr(r.line.size(), end + 2 - r.line.size());
        const std::size_t size = std::strtoull(r.header("Content-Length").c_str(), nullptr, 10);
        while (text.size() < end + 4 + size)
            if (!more()) return false;
        r.body = text.substr(end + 4, size);
        text.erase(0, end + 4 + size);
        return true;
    }

    mutable std::mutex mutex_;
    behaviour does_;
    std::vector<request> requests_;
    std::list<int> open_;
    std::list<std::thread> serving_;
    std::thread accepting_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> closing_{false};
    std::atomic<std::size_t> accepted_{0}, count_{0};
};
