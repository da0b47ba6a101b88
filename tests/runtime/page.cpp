// The runtime and its endpoint for Prometheus: ports, threads and forks. (What the endpoint answers: ../backend/prometheus*.cpp.)
#include <apm/runtime.hpp>

#include "catch.hpp"
#include "runtime/support.hpp"

#if APM_BACKEND_PROMETHEUS

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <apm/backend/memory.hpp>
#include <apm/backend/prometheus.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.page"};

    counter<> hits{this, "hits", "Hits"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

apm::runtime_options on_port(std::uint16_t port) { return {.service = {.name = "test"}, .prometheus = {.port = port}}; }

// What the server of 127.0.0.1:port answers; nothing where there is none.
std::string ask(std::uint16_t port, const std::string& path = "/metrics") {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{patience.count(), 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string answer;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
        const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        char some[4096];
        for (ssize_t n; (n = recv(fd, some, sizeof some, 0)) > 0;) answer.append(some, static_cast<std::size_t>(n));
    }
    close(fd);
    return answer;
}
bool serves(std::uint16_t port, const std::string& line) { return ask(port).find("\n" + line + "\n") != std::string::npos; }

}  // namespace

TEST_CASE("the endpoint is there while the runtime lives, and not after") {
    const environment e;
    const reported said;
    const own_port own;
    const std::uint16_t port = own.number();
    telemetry.hits.add(3);
    {
        const apm::runtime r(on_port(port));
        REQUIRE(r.prometheus_port() == port);
        CHECK(serves(port, "hits_total 3"));
        CHECK(ask(port, "/").find("HTTP/1.1 404") == 0);
    }
    CHECK(ask(port).empty());
    CHECK(said.take().empty());
}

TEST_CASE("the environment chooses port and path") {
    const own_port own;
    const std::uint16_t port = own.number();
    const environment e{{"OTEL_EXPORTER_PROMETHEUS_PORT", std::to_string(port).c_str()}, {"PROMETHEUS_METRICS_PATH", "/here"}};
    const apm::runtime r(on_port(1));
    CHECK(r.prometheus_port() == port);
    CHECK(ask(port, "/here").find("HTTP/1.1 200") == 0);
}

TEST_CASE("a port that is taken is one line, and the program runs on") {
    const environment e;
    const reported said;
    const taken other;
    apm::runtime r(on_port(other.port));
    CHECK(r.running());
    CHECK(r.prometheus_port() == 0);
    const lines was = said.take();
    REQUIRE(was.size() == 1);
    CAPTURE(was[0]);
    CHECK(was[0].find("prometheus: ") == 0);
    CHECK(was[0].find(std::to_string(other.port)) != std::string::npos);
    CHECK(was[0].find("OTEL_EXPORTER_PROMETHEUS_PORT") != std::string::npos);
    CHECK(r.flush(patience));
}

TEST_CASE("the runtime adds no thread to those of the server") {
    const environment e;
    REQUIRE(threads_become(threads_at_start));
    std::size_t servers = 0;
    {
        apm::prometheus alone({.port = 0});
        REQUIRE(alone.start({}).empty());
        servers = threads() - threads_at_start;
        CHECK(alone.stop(clock_type::now() + patience).empty());
    }
    REQUIRE(threads_become(threads_at_start));
    const apm::runtime r(on_port(0));
    CHECK(threads_become(threads_at_start + servers));
}

TEST_CASE("a forked child ends at once, without an endpoint; the parent's endpoint stays") {
    if (!can_fork) return;
    const environment e;
    apm::runtime_options o = on_port(0);
    o.shutdown_timeout = 2 * patience;  // who waits does so for longer than we do
    std::optional<apm::runtime> r(std::in_place, o);
    const std::uint16_t port = r->prometheus_port();
    REQUIRE(serves(port, "hits_total 3"));
    CHECK(in_child([&] {
              telemetry.hits.add(1);
              if (r->prometheus_port() != 0) return 1;
              r.reset();
              return 0;
          }) == 0);
    CHECK(serves(port, "hits_total 3"));
}

TEST_CASE("the parent can restart on its port while a child lives, which may have an endpoint of its own") {
    if (!can_fork) return;
    const environment e;
    const own_port at;
    const std::uint16_t port = at.number();
    std::optional<apm::runtime> r(std::in_place, on_port(port));
    int told[2], tells[2];
    REQUIRE((pipe(told) == 0 && pipe(tells) == 0));
    const pid_t child = fork();
    if (child == 0) {
        const apm::runtime own(on_port(0));
        telemetry.hits.add(40);
        const std::uint16_t mine = own.prometheus_port();
        bool well = write(tells[1], &mine, sizeof mine) == sizeof mine;
        char go;
        well = read(told[0], &go, 1) == 1 && well;
        _exit(well ? 0 : 1);
    }
    std::uint16_t childs = 0;
    CHECK(read(tells[0], &childs, sizeof childs) == sizeof childs);
    CHECK(childs != 0);
    CHECK(childs != port);
    CHECK(serves(childs, "hits_total 40"));  // its own count, from zero
    CHECK(serves(port, "hits_total 3"));

    r.reset();
    CHECK(ask(port).empty());  // nothing listens there for it
    const reported said;
    r.emplace(on_port(port));
    CHECK(said.take().empty());
    CHECK(r->prometheus_port() == port);
    CHECK(serves(port, "hits_total 3"));

    CHECK(write(told[1], "!", 1) == 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    for (const int fd : {told[0], told[1], tells[0], tells[1]}) close(fd);
}

TEST_CASE("forks in the middle of requests, of records and of exports") {
    if (!can_fork) return;
    const environment e;
    apm::memory memory({.interval = 1ms, .keep = 1});
    std::optional<apm::runtime> r(std::in_place, on_port(0), memory);
    const std::uint16_t port = r->prometheus_port();
    // The first touch of a schema walks the list of modules, under a lock of the dynamic linker's that glibc does not mend
    // in a child: not in the middle of a fork, please.
    telemetry.hits.add(1);
    REQUIRE(r->flush(patience));
    {
        const meanwhile scrapes([port] { static_cast<void>(ask(port)); });
        const meanwhile records([] { telemetry.hits.add(1); });
        for (std::size_t i = 0; i < 50; ++i) {
            const int status = in_child([&] {
                telemetry.hits.add(1);
                r.reset();  // exports, unless the memory back end was at work just then; serves and waits for nothing
                const apm::snapshot now = apm::collect();
                for (const apm::family& f : now.families)
                    if (f.row->hash == telemetry.hits.hash) return f.series.at(0).total() == 1 ? 0 : 1;
                return 2;
            });
            REQUIRE(status == 0);
        }
    }
    CHECK(ask(port).find("HTTP/1.1 200") == 0);
}

#else

TEST_CASE("there is no endpoint in this build") {
    const environment e;
    const apm::basic_runtime<apm::mode::on> r({.metrics_exporter = "none"});
    CHECK(r.prometheus_port() == 0);
}

#endif
