// A small HTTP server on CivetWeb: the exposition, with credentials, TLS and bounds on clients, and /control where it is wanted.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <civetweb.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/backend/prometheus/http_connection.hpp>
#include <apm/backend/prometheus/http_control.hpp>
#include <apm/backend/prometheus/http_negotiation.hpp>
#include <apm/backend/prometheus/http_sockets.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/config.hpp>
#include <apm/detail/base64.hpp>

namespace apm::inline APM_ABI::detail {

struct http_exposition {
    std::string body;
    std::string_view content_type;
};

// CivetWeb 1.15 and 1.16 do not find all they need in OpenSSL 3 unless they are built for it, start all the same, and crash at
// the first client (https://github.com/civetweb/civetweb/issues/1334). They say so once; asked again they say that all is well.
inline bool tls_works() {
    static const bool works = (mg_init_library(MG_FEATURES_TLS) & MG_FEATURES_TLS) != 0;
    return works;
}

// Serves the exposition, made anew for each request, from threads of its own. Not copied, not moved.
class http_server {
public:
    using produce = std::function<http_exposition(std::string_view accept)>;

    http_server() = default;
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server() { stop(); }

    // Before start(). The endpoint for metrics goes first where it has the same path.
    void control(http_control c) { control_ = std::move(c); }

    error start(const prometheus_options& o, produce make) {
        const auto as_text = [](std::string_view s) { return std::string(s); };
        const std::string host = as_text(o.host.empty() || o.host == "localhost" ? "127.0.0.1" : o.host);
        in6_addr address;
        const bool v6 = inet_pton(AF_INET6, host.c_str(), &address) == 1;
        if (!v6 && inet_pton(AF_INET, host.c_str(), &address) != 1)
            return "cannot listen on host \"" + host + "\": give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1";
        if (v6 && !mg_check_feature(MG_FEATURES_IPV6))
            return "cannot listen on " + host + ": this CivetWeb is built without IPv6";
        if (o.path.empty() || o.path.front() != '/') return "the endpoint's path \"" + as_text(o.path) + "\" must begin with /";
        if (!o.certificate.empty() && access(as_text(o.certificate).c_str(), R_OK) != 0)
            return "cannot read the certificate " + as_text(o.certificate) + ": " + std::strerror(errno);
        const std::string where = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(o.port);
        const std::string listen = where + (o.certificate.empty() ? "" : "s");
        const std::string threads = std::to_string(o.connections < 1 ? 1u : o.connections), certificate = as_text(o.certificate),
                          patience = std::to_string(o.client_deadline.count());
        patience_ = o.client_deadline;
        path_ = o.path;
        authorization_ = o.user.empty() ? "" : "Basic " + base64(as_text(o.user) + ":" + as_text(o.password));
        make_ = std::move(make);
        std::vector<const char*> options{"listening_ports", listen.c_str(), "num_threads", threads.c_str(), "request_timeout_ms",
                                         patience.c_str(), "enable_keep_alive", "yes", "keep_alive_timeout_ms", "1000",
                                         "linger_timeout_ms", "100"};
        if (!certificate.empty()) options.insert(options.end(), {"ssl_certificate", certificate.c_str()});
        options.push_back(nullptr);
        mg_callbacks callbacks{};
        callbacks.log_message = keep_log_line;
        if (!certificate.empty() && !tls_works())
            return "cannot serve HTTPS on " + where + ": this CivetWeb does not work with the OpenSSL that is installed; serve "
                   "HTTP on 127.0.0.1 behind a proxy, or use a CivetWeb built for that OpenSSL";
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
        sockets_.find(host, port_);
        mg_set_request_handler(context_, "**", handle, this);
        return {};
    }
    // Closes the clients' connections; an exposition that is being written is waited for. In a forked child it does nothing: the
    // server's threads are not there, and the socket is closed already.
    void stop() {
        if (!context_) return;
        const bool mine = getpid() == process_;
        sockets_.stop_watching_forks();
        if (mine) {
            sockets_.hang_up();
            mg_stop(context_);
            mg_exit_library();
        }
        context_ = nullptr;
        port_ = 0;
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    using clock = http_connection::clock;

    static int handle(mg_connection* connection, void* self) {
        auto& server = *static_cast<http_server*>(self);
        http_connection c(connection, clock::now() + server.patience_);
        int status = 500;
        try {
            status = server.answer(c);
        } catch (...) {  // no memory for the exposition: this client has nothing, the program runs on
            c.reply_without_memory();
        }
        c.read_away();
        return status;
    }
    int answer(http_connection& c) {
        if (c.path() == "/-/healthy") return c.reply(200, "OK", plain_text, "healthy\n");
        if (c.path() == control_.path && c.path() != path_ && !control_.token.empty()) return control_.serve(c);
        if (c.path() != path_) return c.reply(404, "Not Found", plain_text, "nothing here; the metrics are at " + path_ + "\n");
        if (c.method() != "GET" && c.method() != "HEAD")
            return c.reply(405, "Method Not Allowed", plain_text, "GET only\n", "Allow: GET, HEAD\r\n");
        if (!authorization_.empty() && !equal_in_constant_time(c.header("Authorization"), authorization_))
            return c.reply(401, "Unauthorized", plain_text, "credentials needed\n",
                           "WWW-Authenticate: Basic realm=\"metrics\"\r\n");
        const http_exposition made = make_(c.header("Accept"));
        if (http::accepts_gzip(c.header("Accept-Encoding")))
            if (std::string packed; gzipped(made.body, packed))
                return c.reply(200, "OK", made.content_type, packed,
                               "Content-Encoding: gzip\r\nVary: Accept, Accept-Encoding\r\n");
        return c.reply(200, "OK", made.content_type, made.body, "Vary: Accept, Accept-Encoding\r\n");
    }

    static int keep_log_line(const mg_connection* c, const char* line) {
        // The first line while starting says what went wrong; later ones are about clients. (The connection that comes with it is
        // only a way to the context.)
        const mg_context* context = c ? mg_get_context(c) : nullptr;
        auto* self = context ? static_cast<http_server*>(mg_get_user_data(context)) : nullptr;
        if (self && self->starting_ && self->log_.empty()) self->log_ = line;
        return 1;
    }
    // Why the server did not start, from CivetWeb's line: `cannot bind to 127.0.0.1:9464: 98 (Address already in use)`.
    [[nodiscard]] std::string reason() const {
        if (log_.empty()) return "the server did not start";
        const std::size_t from = log_.rfind(" (");
        const bool system = log_.ends_with(')') && from != log_.npos;
        const std::string why = system ? log_.substr(from + 2, log_.size() - from - 3) : log_;
        return why == std::strerror(EADDRINUSE) ? why + "; set OTEL_EXPORTER_PROMETHEUS_PORT, or 0 for any that is free" : why;
    }

    mg_context* context_ = nullptr;
    std::atomic<bool> starting_{false};  // CivetWeb's threads look
    pid_t process_ = 0;
    std::uint16_t port_ = 0;
    std::chrono::milliseconds patience_{};
    std::string path_, authorization_, log_;
    produce make_;
    http_control control_;
    http_sockets sockets_;
};

}  // namespace apm::inline APM_ABI::detail
