#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include "http.hpp"

namespace shop::http {

namespace {

constexpr std::size_t longest_body = 64 * 1024;

std::string text(const char* s) { return s ? s : ""; }

MHD_Result send(MHD_Connection* connection, const Answer& a) {
    MHD_Response* const response = MHD_create_response_from_buffer(a.body.size(), const_cast<char*>(a.body.data()), MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
    const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(a.status), response);
    MHD_destroy_response(response);
    return queued;
}

}  // namespace

// What libmicrohttpd calls: once when the head of a request has come, for each part of its body, and once behind it.
struct Server::Calls {
    static MHD_Result handle(void* self, MHD_Connection* connection, const char* path, const char* verb, const char*, const char* part,
                             std::size_t* size, void** state) {
        auto* request = static_cast<Request*>(*state);
        if (!request) {
            *state = request = new Request{verb, path, {}, {}, {}};
            MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, request);
            MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, request);
            return MHD_YES;
        }
        if (*size != 0) {
            if (request->body.size() < longest_body) request->body.append(part, *size);
            *size = 0;
            return MHD_YES;
        }
        return send(connection, static_cast<Server*>(self)->handler_(*request));
    }
    static MHD_Result add_header(void* request, MHD_ValueKind, const char* key, const char* value) {
        static_cast<Request*>(request)->headers.emplace_back(key, text(value));
        return MHD_YES;
    }
    static MHD_Result add_argument(void* request, MHD_ValueKind, const char* key, const char* value) {
        std::string& query = static_cast<Request*>(request)->query;
        query += (query.empty() ? "" : "&") + text(key) + "=" + text(value);
        return MHD_YES;
    }
    static void complete(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) { delete static_cast<Request*>(*state); }
};

Server::Server(std::uint16_t port, unsigned connections, Handler handler) : handler_(std::move(handler)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    daemon_ = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, nullptr, nullptr,
                               Calls::handle, this, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT, connections,
                               MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_NOTIFY_COMPLETED, Calls::complete, this, MHD_OPTION_END);
    if (!daemon_) throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + "; is the port in use?");
    port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

Server::~Server() { MHD_stop_daemon(daemon_); }

}  // namespace shop::http
