// The server against what clients do, through real sockets. (As Prometheus meets it: ../prometheus.cpp.)
#include "catch.hpp"

#if APM_BACKEND_PROMETHEUS

#include <apm/backend/http/server.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "backend/http_client.hpp"
#include "directory.hpp"
#include "runtime/support.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;
using apm::detail::http_answer;
using apm::detail::http_request;

namespace {

struct served {
    apm::detail::http_server server;
    apm::error failed;

    explicit served(apm::detail::http_server_options o = on({}, 128)) {
        server.routes.add({.path = "/", .answer = [](const http_request& r) { return http_answer{200, r.header("Accept") + "\n"}; }});
        server.routes.add({.path = "/secret", .answer = [](const http_request&) { return http_answer{200, "it\n"}; },
                           .credentials = {"Bearer", "token", "secret"}});
        server.routes.add({.path = "/echo", .answer = [](const http_request& r) { return http_answer{200, std::string(r.body)}; },
                           .most_bytes = 100'000});
        server.routes.add({.path = "/throws", .answer = [](const http_request&) -> http_answer { throw 1; }});
        failed = server.start(o);
    }
    static apm::detail::http_server_options on(std::string_view host, unsigned connections = 128) {
        return {.host = host, .port = 0, .connections = connections, .client_deadline = patience};
    }
    [[nodiscard]] std::uint16_t port() const { return server.port(); }
};
// Everything that is heard for some bytes.
std::string heard(std::uint16_t port, const std::string& said) {
    const connection c(port);
    c.say(said);
    return c.hear();
}
std::string post(const std::string& headers, const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
std::chrono::nanoseconds scrape(std::uint16_t port) {
    return time_of([&] { CHECK(ask(port, {}, "GET /").status == 200); });
}
}  // namespace

TEST_CASE("bodies arrive whole, by length or by chunks") {
    const served s;
    CHECK(answer(heard(s.port(), post("Content-Length: 5\r\n", "hello"))).body == "hello");
    CHECK(answer(heard(s.port(), post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"))).body == "hello!");
    const std::string large(100'000, 'x');
    CHECK(answer(heard(s.port(), post("Content-Length: 100000\r\n", large))).body == large);
    CHECK(answer(heard(s.port(), post("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"))).status == 100);
    CHECK(ask(s.port(), "Accept: a\r\nAccept: b\r\n", "GET /").body == "a, b\n");
    CHECK(ask(s.port(), "Accept: a\tb\r\n", "GET /").body == "a\tb\n");
    CHECK(ask(s.port(), {}, "GET http://localhost/").status == 200);
    CHECK(ask(s.port(), {}, "GET http://evil.example/").status == 421);
    CHECK(ask(s.port(), {}, "GET /throws").status == 500);
    CHECK(ask(s.port(), {}, "GET /").status == 200);
}

TEST_CASE("what is no proper request is refused, and nothing behind it is heard") {
    const served s;
    const std::string next = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for (const std::string& lengths : {std::string("Content-Length: 0x10\r\n"), std::string("Content-Length: 5abc\r\n"),
                                       std::string("Content-Length: +5\r\n"), std::string("Content-Length: -5\r\n"),
                                       std::string("Content-Length: 5\r\nContent-Length: 6\r\n"),
                                       std::string("Content-Length: 6\r\nContent-Length: 5\r\n"),
                                       std::string("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
                                       std::string("Content-Length: 99999999999999999999999\r\n")}) {
        CAPTURE(lengths);
        const std::string all = heard(s.port(), post(lengths, "hello" + next));
        CHECK(all.find("HTTP/1.1 4") == 0);
        CHECK(all.find("HTTP/1.1 200") == all.npos);
    }
    for (const std::string& head : {"GET / HTTP/1.1\r\n\r\n" + next, "\x16\x03\x01 nonsense\r\n\r\n" + next,
                                    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n" + next}) {
        const std::string all = heard(s.port(), head);
        CHECK(all.find("HTTP/1.1 200") == all.npos);
    }
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "X" + std::to_string(i) + ": y\r\n";
    CHECK(ask(s.port(), many, "GET /").status != 200);
    CHECK(ask(s.port(), {}, "GET /").status == 200);
}

TEST_CASE("who guesses a token waits for each answer, and holds nothing up") {
    const served s;
    const connection guessing(s.port());
    std::string guesses;
    for (int i = 0; i < 1000; ++i) guesses += "GET /secret HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n";
    const auto begin = std::chrono::steady_clock::now();
    guessing.say(guesses);
    CHECK(guessing.hears_something());
    CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
    CHECK(ask(s.port(), "Authorization: bearer token\r\n", "GET /secret").body == "it\n");
    CHECK(ask(s.port(), {}, "GET /secret").status == 401);  // a browser's first question
    for (const char* body : {"Content-Length: 99999999\r\n", "Content-Length: 3\r\nExpect: 100-continue\r\n",
                             "Transfer-Encoding: chunked\r\n"}) {
        CAPTURE(body);
        const auto waited = time_of([&] {
            CHECK(ask(s.port(), std::string("Authorization: Bearer x\r\n") + body, "POST /secret").status == 401);
        });
        CHECK(waited >= 200ms);
    }
    std::this_thread::sleep_for(300ms);
    char some[65536];
    const ssize_t n = recv(guessing.fd(), some, sizeof some, 0);
    std::size_t answers = 0;
    for (std::string_view all(some, n < 0 ? 0 : static_cast<std::size_t>(n)); (all = all.substr(std::min(all.find("401"), all.size()))).size() > 3;
         all.remove_prefix(3))
        ++answers;
    CHECK(answers <= static_cast<std::size_t>((std::chrono::steady_clock::now() - begin) / 200ms));
}

TEST_CASE("beside 900 clients that are silent, or half-way in a head or a body, a request is answered") {
    const served s;
    const auto alone = scrape(s.port());
    std::vector<std::unique_ptr<connection>> crowd;
    for (int i = 0; i < 900; ++i) {
        crowd.push_back(std::make_unique<connection>(s.port()));
        if (i % 3 == 1) crowd.back()->say("GET / HTTP/1.1\r\nHo");
        if (i % 3 == 2) crowd.back()->say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\nx");
    }
    const auto beside = least(2 * alone + 20ms, [&] { return scrape(s.port()); });
    CHECK(beside <= 2 * alone + 20ms);
}

TEST_CASE("without descriptors a client waits, at no cost, and is served when there are some") {
    if (!can_fork) return;
    CHECK(in_child([] {
              const served s;
              const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
              rlimit limit{};
              getrlimit(RLIMIT_NOFILE, &limit);
              limit.rlim_cur = 200;
              setrlimit(RLIMIT_NOFILE, &limit);
              std::vector<int> taken;
              for (int fd; (fd = dup(client)) >= 0;) taken.push_back(fd);
              sockaddr_in to{};
              to.sin_family = AF_INET;
              to.sin_port = htons(s.port());
              to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              if (taken.empty() || connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return 1;
              const std::clock_t before = std::clock();
              std::this_thread::sleep_for(500ms);
              if (std::clock() - before > CLOCKS_PER_SEC / 4) return 2;  // a loop without a pause takes all of it
              for (const int fd : taken) close(fd);
              const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
              send(client, request.data(), request.size(), MSG_NOSIGNAL);
              char some[4096];
              const ssize_t n = recv(client, some, sizeof some, 0);
              return n > 0 && answer(std::string(some, static_cast<std::size_t>(n))).status == 200 ? 0 : 3;
          }) == 0);
}

TEST_CASE("signals are the program's") {
    if (!can_fork) return;
    CHECK(in_child([] {
              sigset_t term;
              sigemptyset(&term);
              sigaddset(&term, SIGTERM);
              sigprocmask(SIG_BLOCK, &term, nullptr);
              const int fd = signalfd(-1, &term, SFD_CLOEXEC);
              const served s;
              if (ask(s.port(), {}, "GET /").status != 200) return 1;
              kill(getpid(), SIGTERM);
              signalfd_siginfo came{};
              return read(fd, &came, sizeof came) == sizeof came && came.ssi_signo == SIGTERM ? 0 : 2;
          }) == 0);
}

TEST_CASE("a unix socket, for its user and group, with any name, and gone afterwards") {
    const temporary_directory d;
    const std::string path = d.at / "socket";
    const auto ask_there = [&] {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        std::string all;
        if (connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) {
            const std::string request = "GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n";
            send(fd, request.data(), request.size(), MSG_NOSIGNAL);
            char some[4096];
            for (ssize_t n; (n = recv(fd, some, sizeof some, 0)) > 0;) all.append(some, static_cast<std::size_t>(n));
        }
        close(fd);
        return answer(all).status;
    };
    {
        const served s(served::on("unix:" + path));
        REQUIRE(s.failed == "");
        CHECK(s.port() == 0);
        CHECK(ask_there() == 200);
        struct stat is{};
        CHECK(stat(path.c_str(), &is) == 0);
        CHECK((is.st_mode & 0007) == 0);
        CHECK(served(served::on("unix:" + path)).failed == "cannot serve on unix:" + path + ": Address already in use");
        CHECK(ask_there() == 200);
    }
    CHECK_FALSE(std::filesystem::exists(path));
    if (can_fork)  // what a program left that was killed is in no one's way
        CHECK(in_child([&] {
                  new served(served::on("unix:" + path));
                  return 0;
              }) == 0);
    CHECK(served(served::on("unix:" + path)).failed == "");
    CHECK(served(served::on("unix:")).failed == "cannot serve on unix:: the path has to have 1 to 107 bytes");
    std::ofstream(path) << "a file";
    CHECK(served(served::on("unix:" + path)).failed != "");
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("all addresses of IPv6, and IPv4 with them") {
    const served s(served::on("::"));
    if (!s.failed.empty()) {
        WARN("skipped: " << s.failed);
        return;
    }
    CHECK(ask(s.port(), {}, "GET /", true).status == 200);
    CHECK(ask(s.port(), {}, "GET /").status == 200);
}

TEST_CASE("TLS 1.2 and 1.3, for who has the certificate; a bad one is one line") {
    const temporary_directory d;
    const std::string key = d.at / "key.pem", certificate = d.at / "certificate.pem", other = d.at / "other.pem";
    const auto make = [&](const std::string& to) {
        return std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
                            "-keyout " + key + " -out " + to + " 2>/dev/null").c_str()) == 0;
    };
    const auto text = [](const std::string& path) {
        std::ifstream in(path);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    if (!make(other) || !make(certificate)) {
        WARN("skipped: there is no openssl command");
        return;
    }
    auto o = served::on("");
    o.certificate = text(key) + text(certificate);
    const served s(o);
    REQUIRE(s.failed == "");
    const auto asks = [&](const std::string& how, const std::string& trusted) {
        return std::system(("printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' | timeout 60 openssl s_client "
                            "-quiet -verify_return_error " + how + " -CAfile " + trusted + " -connect 127.0.0.1:" +
                            std::to_string(s.port()) + " 2>/dev/null | grep -q '^HTTP/1.1 200'").c_str()) == 0;
    };
    CHECK(asks("-tls1_3", certificate));
    CHECK(asks("-tls1_2", certificate));
    CHECK_FALSE(asks("-tls1_1 -cipher ALL@SECLEVEL=0", certificate));
    CHECK_FALSE(asks("", other));
    CHECK(ask(s.port(), {}, "GET /").status == 0);
    const connection silent(s.port()), nonsense(s.port());  // in the middle of a handshake
    nonsense.say("\x16\x03\x01");
    CHECK(asks("", certificate));
    o.certificate = text(key) + text(other);  // another one's key
    CHECK(served(o).failed.find("cannot serve on 127.0.0.1:0: ") == 0);
    o.certificate = "nonsense";
    CHECK(served(o).failed.find("cannot serve on 127.0.0.1:0: ") == 0);
}

#endif
