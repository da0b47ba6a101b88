// HTTP for the shop: a server by libmicrohttpd, a client by libcurl. No telemetry here; hop.hpp has it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

struct MHD_Daemon;

namespace shop::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
    std::string verb, path, query;   // GET, /product/lamp, customer=7
    Headers headers;
    std::string body;
};

struct Answer {
    int status = 0;                  // 0: none came, and body says why
    std::string body = {};
};

// Answers on a loopback address until it is destroyed; `handler` is called by threads of the server's.
class Server {
public:
    using Handler = std::function<Answer(const Request&)>;

    // Port 0: any that is free. Each of the connections at once has a thread. Throws std::runtime_error where it cannot listen.
    Server(std::uint16_t port, unsigned connections, Handler handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    struct Calls;

    Handler handler_;
    MHD_Daemon* daemon_;
    std::uint16_t port_;
};

// On a connection that this thread keeps open. What takes longer than ten seconds has failed.
Answer post(const std::string& url, const Headers& headers, const std::string& body);

// The parts of http://host:port.
struct Address {
    std::string host;
    int port = 0;
};
bool is_address(const std::string& url, Address& parts);

}  // namespace shop::http
