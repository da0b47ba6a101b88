#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.hpp"

namespace shop::http {

namespace {

constexpr std::size_t longest_body = 64 * 1024;

std::string text(const char* s) { return s ? s : ""; }

void knock(std::uint16_t port) {
    const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    static_cast<void>(connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    close(s);
}

}  // namespace

Server::Server(std::uint16_t port, unsigned connections, Handler handler) : handler_(std::move(handler)) {
    mg_init_library(MG_FEATURES_DEFAULT);
    const std::string where = "127.0.0.1:" + std::to_string(port), threads = std::to_string(connections);
    const char* options[] = {"listening_ports", where.c_str(), "num_threads", threads.c_str(), "enable_keep_alive", "yes",
                             "keep_alive_timeout_ms", "10000", "tcp_nodelay", "1", nullptr};
    mg_callbacks silent{};
    silent.log_message = [](const mg_connection*, const char*) { return 1; };
    context_ = mg_start(&silent, nullptr, options);
    mg_server_port bound{};
    if (!context_ || mg_get_server_ports(context_, 1, &bound) != 1)
        throw std::runtime_error("cannot listen on " + where + "; is the port in use?");
    port_ = static_cast<std::uint16_t>(bound.port);
    mg_set_request_handler(context_, "**", answer, this);
}

Server::~Server() {
    // CivetWeb's thread that accepts looks up every two seconds, or when a client connects.
    std::atomic<bool> stopped{false};
    std::thread knocking([&] {
        for (; !stopped; std::this_thread::sleep_for(std::chrono::milliseconds(5))) knock(port_);
    });
    mg_stop(context_);
    stopped = true;
    knocking.join();
    mg_exit_library();
}

int Server::answer(mg_connection* connection, void* self) {
    const mg_request_info& info = *mg_get_request_info(connection);
    Request request{text(info.request_method), text(info.local_uri), text(info.query_string), {}, {}};
    for (int i = 0; i < info.num_headers; ++i)
        request.headers.emplace_back(text(info.http_headers[i].name), text(info.http_headers[i].value));
    char part[4096];
    for (int n; request.body.size() < longest_body && (n = mg_read(connection, part, sizeof part)) > 0;)
        request.body.append(part, static_cast<std::size_t>(n));

    Answer a = static_cast<Server*>(self)->handler_(request);
    const std::string all = "HTTP/1.1 " + std::to_string(a.status) + " " + mg_get_response_code_text(connection, a.status) +
                            "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(a.body.size()) +
                            "\r\n\r\n" + a.body;
    mg_write(connection, all.data(), all.size());
    return a.status;
}

}  // namespace shop::http
