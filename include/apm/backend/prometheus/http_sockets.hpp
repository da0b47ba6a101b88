// CivetWeb does not give its sockets away: they are those of this process that are bound to the port, at the address. A forked
// child closes the listening ones, for the parent may want its port back while the child lives.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/number.hpp>

namespace apm::inline APM_ABI::detail {

// One thread at a time.
class http_sockets {
public:
    http_sockets() = default;
    http_sockets(const http_sockets&) = delete;
    http_sockets& operator=(const http_sockets&) = delete;
    ~http_sockets() { stop_watching_forks(); }

    // `host`: an address as inet_pton() takes it. From now on a forked child closes those that listen.
    void find(std::string host, std::uint16_t port) {
        host_ = std::move(host), port_ = port;
        std::vector<int> listening;
        each([&](int fd) {
            int listens = 0;
            socklen_t size = sizeof listens;
            if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens) listening.push_back(fd);
        });
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        listening_ = std::move(listening);
        r.sockets.push_back(this);
        watched_ = true;
    }
    // A number may be another file's once a socket is closed.
    void stop_watching_forks() {
        if (!std::exchange(watched_, false)) return;
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        std::erase(r.sockets, this);
        listening_.clear();
    }

    // Ends what they wait for: CivetWeb's threads look up every two seconds only, from a client as from the port.
    void hang_up() const {
        each([this](int fd) {
            const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);  // the number may be another socket's by now, a copy stays what it is
            if (copy < 0) return;
            if (is_ours(copy)) shutdown(copy, SHUT_RDWR);
            close(copy);
        });
    }

private:
    [[nodiscard]] bool is_ours(int fd) const {
        int protocol = 0;
        socklen_t size = sizeof protocol;
        if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != IPPROTO_TCP) return false;
        sockaddr_storage bound{};
        size = sizeof bound;
        if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return false;
        const auto matches = [&](int family, const auto& address, in_port_t port) {
            constexpr std::remove_cvref_t<decltype(address)> any{};
            auto wanted = any;
            return bound.ss_family == family && ntohs(port) == port_ && inet_pton(family, host_.c_str(), &wanted) == 1 &&
                   (std::memcmp(&wanted, &any, sizeof any) == 0 || std::memcmp(&wanted, &address, sizeof wanted) == 0);
        };
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound);
        return matches(AF_INET, v4.sin_addr, v4.sin_port) || matches(AF_INET6, v6.sin6_addr, v6.sin6_port);
    }
    template <class F>
    void each(F&& f) const {
        // Not <filesystem>, which ends the program where there is no memory.
        const std::unique_ptr<DIR, int (*)(DIR*)> all(opendir("/proc/self/fd"), closedir);
        while (const dirent* const entry = all ? readdir(all.get()) : nullptr)
            if (int fd = -1; read_integer(std::string_view(entry->d_name), fd) && is_ours(fd)) f(fd);
    }

    // All of the process, for the fork handler.
    struct registry {
        std::mutex mutex;
        std::vector<http_sockets*> sockets;
    };
    static registry& all() {
        static auto* r = [] {
            pthread_atfork([] { everything->mutex.lock(); }, [] { everything->mutex.unlock(); },
                           [] {
                               for (http_sockets* s : everything->sockets)
                                   for (const int fd : s->listening_) close(fd);
                               everything->mutex.unlock();
                           });
            return everything;
        }();
        return *r;
    }
    static inline registry* everything = new registry;  // never destroyed: a fork may come late

    std::string host_;
    std::uint16_t port_ = 0;
    std::vector<int> listening_;
    bool watched_ = false;
};

}  // namespace apm::inline APM_ABI::detail
