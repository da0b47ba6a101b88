// The socket that a server listens on: an IPv4 or IPv6 address of this machine, or a unix socket.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/detail/file_descriptor.hpp>

namespace apm::inline APM_ABI::detail {

// A forked child closes the socket, for the parent may want its port back while the child lives. One thread at a time.
class http_listener {
public:
    http_listener() = default;
    http_listener(const http_listener&) = delete;
    http_listener& operator=(const http_listener&) = delete;
    ~http_listener() { close(); }

    // `host`: an address, "localhost", or "unix:" and a path, which goes with it when it is closed. Port 0: any that is free.
    [[nodiscard]] error open(std::string_view host, std::uint16_t port) {
        if (host.starts_with(unix_scheme)) return open_unix(std::string(host.substr(unix_scheme.size())));
        const std::string text(host.empty() || host == "localhost" ? "127.0.0.1" : host);
        sockaddr_in v4{};
        sockaddr_in6 v6{};
        v4.sin_family = AF_INET, v4.sin_port = htons(port);
        v6.sin6_family = AF_INET6, v6.sin6_port = htons(port);
        if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
            where_ = text + ":" + std::to_string(port);
            only_local_ = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
            return listen_at(v4);
        }
        if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
            where_ = "[" + text + "]:" + std::to_string(port);
            only_local_ = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
            return listen_at(v6);
        }
        return "cannot listen on host \"" + text + "\": give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1, or "
               "unix:/path";
    }
    void close() {
        if (fd_ < 0) return;
        if (!path_.empty()) ::unlink(path_.c_str());
        registry& r = all();
        const std::lock_guard guard(r.mutex);  // a fork is before this, or after it
        ::close(fd_);
        forget(r);
    }
    // It is closed: by something else, or in a forked child, where the path is still the parent's.
    void release() {
        if (fd_ < 0) return;
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        forget(r);
    }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }     // 0 for a unix socket
    [[nodiscard]] bool only_local() const { return only_local_; }  // reached from this machine alone, by an address
    [[nodiscard]] bool is_unix() const { return where_.starts_with(unix_scheme); }
    [[nodiscard]] const std::string& where() const { return where_; }

private:
    static constexpr std::string_view unix_scheme = "unix:";

    template <class Address>
    error listen_at(const Address& address) {
        const auto& any = reinterpret_cast<const sockaddr&>(address);
        file_descriptor s(::socket(any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int yes = 1;
        if (!s) return failed();
        if constexpr (std::is_same_v<Address, sockaddr_un>) ::fchmod(s.get(), 0660);  // what bind() makes has no more than that
        // What waits in TIME_WAIT from before does not keep a restarted program from its port.
        ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (::bind(s.get(), &any, sizeof address) != 0 || ::listen(s.get(), SOMAXCONN) != 0) return failed();
        sockaddr_storage bound{};
        socklen_t size = sizeof bound;
        if (::getsockname(s.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return failed();
        if (bound.ss_family == AF_INET) port_ = ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
        if (bound.ss_family == AF_INET6) port_ = ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
        fd_ = s.release();
        remember();
        return {};
    }
    error open_unix(std::string path) {
        where_ = "unix:" + path;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.empty() || path.size() >= sizeof address.sun_path)
            return "cannot serve on " + where_ + ": the path has to have 1 to " + std::to_string(sizeof address.sun_path - 1) +
                   " bytes";
        path.copy(address.sun_path, path.size());
        // What a program left that was killed goes. One that runs takes its clients.
        if (struct stat s; ::lstat(path.c_str(), &s) == 0 && S_ISSOCK(s.st_mode)) {
            const file_descriptor asking(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            const auto* const at = reinterpret_cast<const sockaddr*>(&address);
            if (::connect(asking.get(), at, sizeof address) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
        }
        if (error e = listen_at(address); !e.empty()) return e;
        path_ = std::move(path);
        return {};
    }
    [[nodiscard]] error failed() const {
        return "cannot serve on " + where_ + ": " + std::strerror(errno);
    }

    // All of the process, for the fork handler.
    struct registry {
        std::mutex mutex;
        std::vector<http_listener*> listeners;
    };
    static registry& all() {
        static auto* const r = [] {
            pthread_atfork([] { everything->mutex.lock(); }, [] { everything->mutex.unlock(); },
                           [] {
                               for (const http_listener* l : everything->listeners) ::close(l->fd_);
                               everything->mutex.unlock();
                           });
            return everything;
        }();
        return *r;
    }
    void remember() {
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        r.listeners.push_back(this);
    }
    void forget(registry& r) {
        std::erase(r.listeners, this);
        fd_ = -1;
        port_ = 0;
        path_.clear();
    }
    static inline registry* everything = new registry;  // never destroyed: a fork may come late

    int fd_ = -1;
    std::uint16_t port_ = 0;
    bool only_local_ = false;
    std::string where_, path_;
};

}  // namespace apm::inline APM_ABI::detail
