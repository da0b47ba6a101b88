// A small HTTP server on CivetWeb: one page, credentials, TLS, bounds on clients; a second page that changes something, where it
// is asked for; and what a fork does to it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <civetweb.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/backend/prometheus/http_negotiation.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/config.hpp>
#include <apm/detail/base64.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

struct http_page {
    std::string body;
    std::string_view content_type;
};

// What a page answers that changes something.
struct http_answer {
    int status = 200;
    std::string body;
};
// Such a page: /control. For clients on this machine, by a loopback address, that show the token.
struct http_control {
    static constexpr std::string_view path = "/control";
    static constexpr std::size_t most_bytes = 64 << 10;  // of a body
    std::string token;                                   // empty: there is no such page
    std::function<http_answer(bool change, std::string_view body)> answer;  // any thread, several at once
};

// In a time that does not tell how much of a secret was guessed.
inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned difference = a.size() != b.size();
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ (i < b.size() ? b[i] : '\0'));
    return difference == 0;
}

// CivetWeb 1.15 and 1.16 do not find all they need in OpenSSL 3 unless they are built for it, start all the same, and crash at
// the first client (https://github.com/civetweb/civetweb/issues/1334). They say so once; asked again they say that all is well.
inline bool tls_works() {
    static const bool works = (mg_init_library(MG_FEATURES_TLS) & MG_FEATURES_TLS) != 0;
    return works;
}

// Serves one page, made anew for each request, from threads of its own. Not copied, not moved.
class http_server {
public:
    using produce = std::function<http_page(std::string_view accept)>;

    http_server() = default;
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server() { stop(); }

    // Before start(). The page for metrics goes first where it has the same path.
    void control(http_control c) { control_ = std::move(c); }
    error start(const prometheus_options& o, produce page);
    // Clients are hung up on; a page that is being made is waited for. In a forked child: nothing, for the threads that served
    // are not there; the socket is closed already.
    void stop();

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    using clock = std::chrono::steady_clock;

    static int handle(mg_connection* c, void* self) {
        auto& server = *static_cast<http_server*>(self);
        const clock::time_point until = clock::now() + server.patience_;
        int status = 500;
        try {
            status = server.answer(c, until);
        } catch (...) {  // no memory for the page: this client has nothing, the program runs on
            static constexpr char sorry[] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
                                            "Connection: close\r\n\r\n";
            mg_write(c, sorry, sizeof sorry - 1);
            mg_disable_connection_keep_alive(c);
        }
        read_away(c, until);
        return status;
    }
    static void read_away(mg_connection* c, clock::time_point until);
    static int keep_log_line(const mg_connection* c, const char* line) {
        // The first line while starting says what went wrong; later ones are about clients. (It comes with a connection that is
        // none but leads to the context.)
        const mg_context* context = c ? mg_get_context(c) : nullptr;
        auto* self = context ? static_cast<http_server*>(mg_get_user_data(context)) : nullptr;
        if (self && self->starting_ && self->log_.empty()) self->log_ = line;
        return 1;
    }
    int answer(mg_connection* c, clock::time_point until);
    int answer_control(mg_connection* c, std::string_view authorization, clock::time_point until);
    int reply(mg_connection* c, int status, const char* reason, std::string_view type, std::string_view body,
              const char* more = "");
    [[nodiscard]] bool is_ours(int fd) const;
    template <class F>
    void each_socket(F&& f) const;
    void hang_up() const;
    [[nodiscard]] std::string reason() const;

    mg_context* context_ = nullptr;
    std::atomic<bool> starting_{false};  // CivetWeb's threads look
    pid_t process_ = 0;
    std::uint16_t port_ = 0;
    std::chrono::milliseconds patience_{};
    std::string host_, path_, authorization_, log_;
    produce page_;
    http_control control_;
    std::vector<int> listening_;

    // All servers of the process, for the fork handler.
    struct registry {
        std::mutex mutex;
        std::vector<http_server*> servers;
    };
    static registry& all() {
        static auto* r = [] {
            pthread_atfork([] { all_servers->mutex.lock(); }, [] { all_servers->mutex.unlock(); },
                           [] {
                               // The parent may want its port back while the child lives.
                               for (http_server* s : all_servers->servers)
                                   for (const int fd : s->listening_) close(fd);
                               all_servers->mutex.unlock();
                           });
            return all_servers;
        }();
        return *r;
    }
    static inline registry* all_servers = new registry;  // never destroyed: a fork may come late
};

inline error http_server::start(const prometheus_options& o, produce page) {
    const auto as_text = [](std::string_view s) { return std::string(s); };
    std::string host = as_text(o.host.empty() || o.host == "localhost" ? "127.0.0.1" : o.host);
    in6_addr address;
    const bool v6 = inet_pton(AF_INET6, host.c_str(), &address) == 1;
    if (!v6 && inet_pton(AF_INET, host.c_str(), &address) != 1)
        return "cannot listen on host \"" + host + "\": give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1";
    if (v6 && !mg_check_feature(MG_FEATURES_IPV6)) return "cannot listen on " + host + ": this CivetWeb is built without IPv6";
    if (o.path.empty() || o.path.front() != '/') return "the page's path \"" + as_text(o.path) + "\" must begin with /";
    if (!o.certificate.empty() && access(as_text(o.certificate).c_str(), R_OK) != 0)
        return "cannot read the certificate " + as_text(o.certificate) + ": " + std::strerror(errno);
    const std::string where = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(o.port);
    const std::string listen = where + (o.certificate.empty() ? "" : "s");
    const std::string threads = std::to_string(o.connections < 1 ? 1u : o.connections), certificate = as_text(o.certificate),
                      patience = std::to_string(o.client_deadline.count());
    patience_ = o.client_deadline;
    host_ = host;
    path_ = o.path;
    authorization_ = o.user.empty() ? "" : "Basic " + base64(as_text(o.user) + ":" + as_text(o.password));
    page_ = std::move(page);
    std::vector<const char*> options{"listening_ports", listen.c_str(), "num_threads", threads.c_str(), "request_timeout_ms",
                                     patience.c_str(), "enable_keep_alive", "yes", "keep_alive_timeout_ms", "1000",
                                     "linger_timeout_ms", "100"};
    if (!certificate.empty()) options.insert(options.end(), {"ssl_certificate", certificate.c_str()});
    options.push_back(nullptr);
    mg_callbacks callbacks{};
    callbacks.log_message = keep_log_line;
    if (!certificate.empty() && !tls_works())
        return "cannot serve HTTPS on " + where + ": this CivetWeb does not work with the OpenSSL that is installed; serve HTTP "
               "on 127.0.0.1 behind a proxy, or use a CivetWeb built for that OpenSSL";
    mg_init_library(certificate.empty() ? MG_FEATURES_DEFAULT : MG_FEATURES_TLS);
    log_.clear();
    starting_ = true;
    context_ = mg_start(&callbacks, this, options.data());
    starting_ = false;
    if (!context_) {
        mg_exit_library();
        return "cannot serve on " + where + ": " + reason();
    }
    mg_server_port port{};
    if (mg_get_server_ports(context_, 1, &port) == 1) port_ = static_cast<std::uint16_t>(port.port);
    process_ = getpid();
    each_socket([this](int fd) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens) listening_.push_back(fd);
    });
    {
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        r.servers.push_back(this);
    }
    mg_set_request_handler(context_, "**", handle, this);
    return {};
}

// Why the server did not start, from CivetWeb's line: `cannot bind to 127.0.0.1:9464: 98 (Address already in use)`.
inline std::string http_server::reason() const {
    if (log_.empty()) return "the server did not start";
    const std::size_t from = log_.rfind(" (");
    const bool system = log_.ends_with(')') && from != log_.npos;
    const std::string why = system ? log_.substr(from + 2, log_.size() - from - 3) : log_;
    return why == std::strerror(EADDRINUSE) ? why + "; set OTEL_EXPORTER_PROMETHEUS_PORT, or 0 for any that is free" : why;
}

// CivetWeb does not tell its sockets: they are those of this process that are bound to the port, at the address.
inline bool http_server::is_ours(int fd) const {
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
void http_server::each_socket(F&& f) const {
    std::error_code failed;
    for (std::filesystem::directory_iterator at("/proc/self/fd", failed), end; !failed && at != end; at.increment(failed))
        if (int fd = -1; read_integer(at->path().filename().native(), fd) && is_ours(fd)) f(fd);
}

// Wakes CivetWeb's threads, which look up every two seconds only, from a client as from the port.
inline void http_server::hang_up() const {
    each_socket([this](int fd) {
        const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);  // the number may be another socket's by now, a copy stays what it is
        if (copy < 0) return;
        if (is_ours(copy)) shutdown(copy, SHUT_RDWR);
        close(copy);
    });
}

inline void http_server::stop() {
    if (!context_) return;
    {
        registry& r = all();
        const std::lock_guard guard(r.mutex);
        std::erase(r.servers, this);
    }
    if (getpid() == process_) {
        hang_up();
        mg_stop(context_);
        mg_exit_library();
    }
    context_ = nullptr;
    listening_.clear();
    port_ = 0;
}

inline int http_server::reply(mg_connection* c, int status, const char* reason, std::string_view type, std::string_view body,
                              const char* more) {
    const std::string_view method = mg_get_request_info(c)->request_method;
    std::string head = "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nContent-Type: " + std::string(type) +
                       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n";
    if (method != "HEAD") head += body;
    mg_write(c, head.data(), head.size());
    if (std::string_view(more).starts_with("Connection: close")) mg_disable_connection_keep_alive(c);
    return status;
}

// What is left of a body, which nobody wants: a client that is hung up on while it sends may not hear the answer. But for a
// moment only. CivetWeb itself would wait for all of it, anew for every byte; so a byte is what is asked for at a time.
inline void http_server::read_away(mg_connection* c, clock::time_point until) {
    const bool endless = mg_get_header(c, "Transfer-Encoding");
    if (!endless && mg_get_request_info(c)->content_length <= 0) return;
    until = std::min(until, clock::now() + std::chrono::seconds(1));
    char byte;
    int n = 0;
    if (!endless) do n = mg_read(c, &byte, 1); while (n > 0 && clock::now() < until);
    if (endless || n < 0 || clock::now() >= until) mg_disable_connection_keep_alive(c);
}

inline int http_server::answer_control(mg_connection* c, std::string_view authorization, clock::time_point until) {
    constexpr std::string_view plain = "text/plain; charset=utf-8";
    const mg_request_info& request = *mg_get_request_info(c);
    const std::string_view method = request.request_method, from = request.remote_addr;
    if (!from.starts_with("127.") && !from.starts_with("::ffff:127.") && from != "::1")
        return reply(c, 403, "Forbidden", plain, "from this machine only\n");
    if (!equal_in_constant_time(authorization, "Bearer " + control_.token))
        return reply(c, 401, "Unauthorized", plain, "credentials needed\n", "WWW-Authenticate: Bearer realm=\"control\"\r\n");
    const bool change = method == "POST" || method == "PUT";
    if (!change && method != "GET" && method != "HEAD")
        return reply(c, 405, "Method Not Allowed", plain, "GET, POST or PUT\n", "Allow: GET, HEAD, POST, PUT\r\n");
    std::string body;
    if (change) {
        const long long size = mg_get_header(c, "Transfer-Encoding") ? -1 : request.content_length;
        if (size < 0) return reply(c, 411, "Length Required", plain, "say Content-Length\n", "Connection: close\r\n");
        if (size > static_cast<long long>(control_.most_bytes))
            return reply(c, 413, "Content Too Large", plain, "65536 bytes at most\n", "Connection: close\r\n");
        body.resize(static_cast<std::size_t>(size));
        for (char& byte : body)  // one at a time: see read_away()
            if (clock::now() >= until || mg_read(c, &byte, 1) != 1)
                return reply(c, 400, "Bad Request", plain, "the body is not all there\n", "Connection: close\r\n");
    }
    const http_answer a = control_.answer(change, body);
    const char* const reason = a.status == 200 ? "OK" : a.status == 400 ? "Bad Request" : "Conflict";
    return reply(c, a.status, reason, plain, a.body, "Cache-Control: no-store\r\n");
}

inline int http_server::answer(mg_connection* c, clock::time_point until) {
    constexpr std::string_view plain = "text/plain; charset=utf-8";
    const mg_request_info& request = *mg_get_request_info(c);
    const auto header = [c](const char* name) -> std::string_view {
        const char* value = mg_get_header(c, name);
        return value ? value : "";
    };
    const std::string_view method = request.request_method, path = request.local_uri;
    if (path == "/-/healthy") return reply(c, 200, "OK", plain, "healthy\n");
    if (path == control_.path && path != path_ && !control_.token.empty())
        return answer_control(c, header("Authorization"), until);
    if (path != path_) return reply(c, 404, "Not Found", plain, "nothing here; the metrics are at " + path_ + "\n");
    if (method != "GET" && method != "HEAD")
        return reply(c, 405, "Method Not Allowed", plain, "GET only\n", "Allow: GET, HEAD\r\n");
    if (!authorization_.empty() && !equal_in_constant_time(header("Authorization"), authorization_))
        return reply(c, 401, "Unauthorized", plain, "credentials needed\n", "WWW-Authenticate: Basic realm=\"metrics\"\r\n");
    const http_page page = page_(header("Accept"));
    if (http::accepts_gzip(header("Accept-Encoding")))
        if (std::string packed; gzipped(page.body, packed))
            return reply(c, 200, "OK", page.content_type, packed, "Content-Encoding: gzip\r\nVary: Accept, Accept-Encoding\r\n");
    return reply(c, 200, "OK", page.content_type, page.body, "Vary: Accept, Accept-Encoding\r\n");
}

}  // namespace apm::inline APM_ABI::detail
