// A small HTTP server on libmicrohttpd: one thread serves every path and every client, and no client holds another up.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/http/clients.hpp>
#include <apm/backend/http/listener.hpp>
#include <apm/backend/http/message.hpp>
#include <apm/backend/http/route.hpp>
#include <apm/config.hpp>
#include <apm/detail/file_descriptor.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/own_thread.hpp>

namespace apm::inline APM_ABI::detail {

struct http_server_options {
    std::string_view host;
    std::uint16_t port = 0;
    std::string certificate = {};               // the text of a PEM file with key and certificate: TLS, and nothing but TLS
    unsigned connections = 1;                   // open at once
    std::chrono::milliseconds client_deadline;  // for the head of a request; and then for its body and the answer
};

// Serves its routes from a thread of its own. Not copied, not moved.
class http_server {
public:
    http_server() = default;
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server() { stop(); }

    http_routes routes;  // before start()

    [[nodiscard]] error start(const http_server_options& o) {
        if (!o.certificate.empty() && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
            return "cannot serve HTTPS: this libmicrohttpd is built without TLS";
        if (error e = listener_.open(o.host, o.port); !e.empty()) return e;
        if (listener_.only_local()) routes.only_by_address();
        clients_.emplace((std::max)(o.connections, 1u), o.client_deadline, idle_deadline);
        error e = start_daemon(o);
        if (e.empty()) e = start_thread(thread_, "apm-http", [this] { run(); });
        if (e.empty()) return {};
        e = "cannot serve on " + listener_.where() + ": " + e;
        close();
        return e;
    }
    // Closes the clients' connections; an answer that is being made is waited for. In a forked child it does nothing: the thread
    // is not there, and the socket is closed already.
    void stop() {
        if (!thread_) return;
        if (getpid() != process_) {
            static_cast<void>(thread_.release());
            daemon_ = nullptr;
            listener_.release();
            return;
        }
        stopping_ = true;
        wake();
        thread_->join();
        thread_.reset();
        close();
    }

    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

private:
    using clock = std::chrono::steady_clock;
    using client = http_client<MHD_Connection*>;

    // Scrapers come again on their connections, mostly within a minute.
    static constexpr std::chrono::seconds idle_deadline{90};
    // Wrong credentials are answered late: who guesses them gets some answers a second.
    static constexpr std::chrono::milliseconds pause{200};
    // Beyond what is cut off, for those that are not gone yet.
    static constexpr unsigned spare_connections = 64;
    static constexpr std::size_t most_header_bytes = 16 << 10;
    static constexpr std::size_t most_unwanted_bytes = 64 << 10;  // of a body that is read away

    // A request, from its head to its answer.
    struct exchange {
        const http_route* route = nullptr;
        std::optional<http_answer> refused;
        std::string body;
        bool is_early = false;  // answered before its body, behind which the connection ends
        bool paused = false;
    };

    // --- start and end ------------------------------------------------------------------------------------------------

    [[nodiscard]] error start_daemon(const http_server_options& o) {
        wake_ = file_descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!wake_) return std::strerror(errno);
        no_memory_ = MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT);
        if (!no_memory_) return "no memory";
        MHD_add_response_header(no_memory_, "Connection", "close");
        log_.clear();
        starting_ = true;
        const bool tls = !o.certificate.empty();
        MHD_OptionItem secured[] = {
            {MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(o.certificate.c_str())},
            {MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(o.certificate.c_str())},
            {MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2")},
            {MHD_OPTION_END, 0, nullptr}};
        // The socket is libmicrohttpd's to close, started or not, until it is quiesced.
        daemon_ = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : MHD_NO_FLAG), 0, nullptr, nullptr,
            handle, this, MHD_OPTION_EXTERNAL_LOGGER, keep_log_line, this, MHD_OPTION_LISTEN_SOCKET, listener_.fd(),
            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, (std::max)(o.connections, 1u) + spare_connections,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, most_header_bytes, MHD_OPTION_NOTIFY_CONNECTION, note_connection, this,
            MHD_OPTION_NOTIFY_COMPLETED, complete, this, MHD_OPTION_ARRAY, tls ? secured : secured + 3, MHD_OPTION_END);
        starting_ = false;
        if (!daemon_) {
            listener_.release();
            return log_.empty() ? "the server did not start" : log_;
        }
        process_ = getpid();
        return {};
    }
    void close() {
        if (daemon_) {
            MHD_quiesce_daemon(daemon_);  // it gives the socket back
            listener_.close();
            clients_->resume((clock::time_point::max)(), [](client& c) { c.cut = true, MHD_resume_connection(c.connection); });
            MHD_stop_daemon(std::exchange(daemon_, nullptr));
        }
        if (no_memory_) MHD_destroy_response(std::exchange(no_memory_, nullptr));
        wake_.reset();
        stopping_ = false;
    }
    void wake() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
    }
    [[gnu::format(printf, 2, 0)]] static void keep_log_line(void* self, const char* format, va_list arguments) {
        // The first line while starting says what went wrong; later ones are about clients.
        auto& server = *static_cast<http_server*>(self);
        if (!server.starting_ || !server.log_.empty()) return;
        char line[256];
        if (std::vsnprintf(line, sizeof line, format, arguments) <= 0) return;
        line[std::strcspn(line, "\r\n")] = 0;
        try {
            server.log_ = line;
        } catch (...) {  // no memory: the reason is not said
        }
    }

    // --- the thread ---------------------------------------------------------------------------------------------------

    void run() {
        const int epoll = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        unsigned in_vain = 0;
        for (bool changed = false; !stopping_;) {
            pollfd ready[] = {{wake_.get(), POLLIN, 0}, {epoll, POLLIN, 0}};
            // Where something has changed, libmicrohttpd may accept again: it looks when it is run.
            poll(ready, 2, changed ? 0 : time_left());
            const unsigned before = events_;
            MHD_run(daemon_);
            const auto now = clock::now();
            clients_->cut_off(now, [](client& c) { shutdown(c.fd, SHUT_RDWR); });
            if (clients_->resume(now, [](client& c) { MHD_resume_connection(c.connection); })) MHD_run(daemon_);
            changed = events_ != before;
            // A client that cannot be accepted, for want of descriptors, makes the socket ready again and again.
            in_vain = !changed && ready[1].revents ? in_vain + 1 : 0;
            if (in_vain > 100) poll(ready, 1, 10);
        }
    }
    // For poll(): milliseconds, -1 for no limit.
    [[nodiscard]] int time_left() const {
        long long left = -1;
        if (const auto next = clients_->next(); next != (clock::time_point::max)())
            left = std::max<long long>(std::chrono::ceil<std::chrono::milliseconds>(next - clock::now()).count(), 0);
        if (MHD_UNSIGNED_LONG_LONG own = 0; MHD_get_timeout(daemon_, &own) == MHD_YES)
            left = left < 0 ? static_cast<long long>(own) : (std::min)(left, static_cast<long long>(own));
        return static_cast<int>((std::min)(left, 60'000LL));
    }

    // --- what libmicrohttpd calls, in that thread -----------------------------------------------------------------------

    static void note_connection(void* self, MHD_Connection* c, void** context, MHD_ConnectionNotificationCode what) {
        auto& server = *static_cast<http_server*>(self);
        ++server.events_;
        if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
            if (*context) server.clients_->remove(*static_cast<client*>(*context));
            return;
        }
        const int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        try {
            *context = &server.clients_->add(c, fd, clock::now());
        } catch (...) {  // no memory: this client is not served
            *context = nullptr;
            shutdown(fd, SHUT_RDWR);
        }
    }
    static client* client_of(MHD_Connection* c) {
        return static_cast<client*>(MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
    }
    static void complete(void* self, MHD_Connection* c, void** state, MHD_RequestTerminationCode) {
        auto& server = *static_cast<http_server*>(self);
        ++server.events_;
        delete static_cast<exchange*>(std::exchange(*state, nullptr));
        if (client* const who = client_of(c)) server.clients_->enters(*who, http_phase::idle, clock::now());
    }
    static MHD_Result handle(void* self, MHD_Connection* c, const char* url, const char* method, const char*, const char* part,
                             std::size_t* size, void** state) {
        auto& server = *static_cast<http_server*>(self);
        ++server.events_;
        client* const who = client_of(c);
        if (!who || who->cut) return MHD_NO;
        try {
            auto* const now = static_cast<exchange*>(*state);
            if (!now) return server.head_came(*who, server.request_of(c, url, method), *state);
            if (*size == 0) return server.body_came(*who, *now, server.request_of(c, url, method));
            server.part_came(*now, {part, std::exchange(*size, 0)});
            return MHD_YES;
        } catch (...) {  // mostly no memory: this client has nothing, the program runs on
            return MHD_queue_response(c, 500, server.no_memory_);
        }
    }

    // --- a request ----------------------------------------------------------------------------------------------------

    MHD_Result head_came(client& who, const http_request& r, void*& state) {
        auto made = std::make_unique<exchange>();
        made->route = routes.find(r.path);
        made->refused = routes.refusal(made->route, r);
        clients_->enters(who, made->refused ? http_phase::unwanted : http_phase::served, clock::now());
        exchange& x = *made;
        state = made.release();
        // What is refused is answered behind a short body, so that the connection can go on; otherwise before it.
        std::size_t announced = 0;
        const std::string length = r.header("Content-Length");
        const bool is_short = length.empty() ||
                              (read_integer(std::string_view(length), announced) && announced <= most_unwanted_bytes);
        const bool waits = r.count("Expect") != 0 || r.count("Transfer-Encoding") != 0;
        x.is_early = x.refused && (!is_short || waits || x.refused->status == 411);
        return x.is_early ? refuse(who, x, r) : MHD_YES;
    }
    // Wrong credentials wait first; then this is called again.
    MHD_Result refuse(client& who, exchange& x, const http_request& r) {
        const bool guessed = x.refused->status == 401 && r.count("Authorization") != 0;
        if (!guessed || std::exchange(x.paused, true)) return reply(who.connection, std::move(*x.refused), x.is_early);
        clients_->enters(who, http_phase::served, clock::now());
        MHD_suspend_connection(who.connection);
        who.resumes = clock::now() + pause;
        return MHD_YES;
    }
    void part_came(exchange& x, std::string_view part) {
        if (x.refused) return;
        if (x.body.size() + part.size() > x.route->most_bytes) {
            x.refused = http_routes::too_long(x.route->most_bytes);
            return;
        }
        x.body += part;
    }
    MHD_Result body_came(client& who, exchange& x, http_request&& r) {
        clients_->enters(who, http_phase::served, clock::now());
        if (x.refused) return refuse(who, x, r);
        r.body = x.body;
        return reply(who.connection, x.route->answer(r), false);
    }

    static MHD_Result reply(MHD_Connection* c, http_answer&& a, bool is_last) {
        auto body = std::make_unique<std::string>(std::move(a.body));
        MHD_Response* const r = MHD_create_response_from_buffer_with_free_callback_cls(
            body->size(), body->data(), [](void* made) { delete static_cast<std::string*>(made); }, body.get());
        if (!r) return MHD_NO;
        static_cast<void>(body.release());
        MHD_add_response_header(r, "Content-Type", std::string(a.type).c_str());
        for (const auto& [key, value] : a.headers) MHD_add_response_header(r, key, value.c_str());
        if (is_last) MHD_add_response_header(r, "Connection", "close");
        const MHD_Result queued = MHD_queue_response(c, static_cast<unsigned>(a.status), r);
        MHD_destroy_response(r);
        return queued;
    }
    http_request request_of(MHD_Connection* c, std::string_view target, std::string_view method) {
        http_request r;
        r.method = method, r.path = target;
        if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != target.npos) {
            const std::size_t path = (std::min)(target.find('/', scheme + 3), target.size());
            r.authority = target.substr(scheme + 3, path - scheme - 3);
            r.path = target.substr(path);
        }
        const int lines = MHD_get_connection_values_n(
            c, MHD_HEADER_KIND,
            [](void* to, MHD_ValueKind, const char* key, std::size_t key_size, const char* value, std::size_t size) {
                auto& headers = *static_cast<decltype(r.headers)*>(to);
                try {
                    headers.emplace_back(std::string_view(key, key_size), std::string_view(value ? value : "", size));
                    return MHD_YES;
                } catch (...) {
                    return MHD_NO;
                }
            },
            &r.headers);
        if (static_cast<std::size_t>(lines) != r.headers.size()) throw std::bad_alloc();
        r.is_local = listener_.is_unix() ||
                     is_loopback(MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        return r;
    }
    static bool is_loopback(const sockaddr* a) {
        if (a->sa_family == AF_INET) return (ntohl(reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr) >> 24) == 127;
        if (a->sa_family != AF_INET6) return false;
        const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    }

    http_listener listener_;
    std::optional<http_clients<MHD_Connection*>> clients_;  // the thread's, while it runs
    MHD_Daemon* daemon_ = nullptr;
    MHD_Response* no_memory_ = nullptr;
    file_descriptor wake_;
    std::unique_ptr<std::thread> thread_;
    std::atomic<bool> starting_{false}, stopping_{false};
    pid_t process_ = 0;
    unsigned events_ = 0;
    std::string log_;
};

}  // namespace apm::inline APM_ABI::detail
