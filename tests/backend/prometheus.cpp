// The server, through real sockets. (What the exposition says: prometheus/exposition.cpp; the runtime's use of it: ../runtime/page.cpp.)
#include <apm/backend/prometheus.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include <zlib.h>

#include <apm/apm.hpp>
#include <apm/detail/base64.hpp>

#include "catch.hpp"
#include "backend/http_client.hpp"
#include "directory.hpp"
#include "runtime/support.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

APM_FIELDS(Wide, (apm::text<65536>, text));
APM_FIELDS(Shard, (apm::range<0, 3>, shard));
struct few { static constexpr auto bounds = apm::explicit_bounds(0.001, 0.002, 0.003); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "served"};

    counter<>      hits{this, "served.hits", "Hits"};
    counter<Shard> work{this, "served.work", "Recorded by many"};
    updown<>       open{this, "served.open", "Observed"};
    counter<Wide>  wide{this, "served.wide", "Makes the exposition long"};
    histogram<Shard, apm::seconds, few> took{this, "served.took", "Recorded by many"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// An endpoint that is served while this lives.
struct served {
    apm::prometheus endpoint;
    apm::error failed;

    explicit served(apm::prometheus_options o = {}) : endpoint(on_any_port(o)), failed(endpoint.start({{{"service.name", "test"}}})) {}
    ~served() { CHECK(endpoint.stop(clock_type::now() + patience).empty()); }
    [[nodiscard]] std::uint16_t port() const { return endpoint.port(); }

private:
    static apm::prometheus_options on_any_port(apm::prometheus_options o) {
        if (o.port == 9464) o.port = 0;
        return o;
    }
};

apm::error why_not(const apm::prometheus_options& o) {
    apm::prometheus p(o);
    const apm::error e = p.start({});
    CHECK(e.find('\n') == e.npos);
    if (!e.empty()) CHECK(p.port() == 0);
    p.stop(clock_type::now() + patience);
    return e;
}

std::string unpacked(const std::string& packed) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};
    std::string all, some(65536, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(some.data());
        stream.avail_out = static_cast<uInt>(some.size());
        state = inflate(&stream, Z_NO_FLUSH);
        all.append(some, 0, some.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    return state == Z_STREAM_END ? all : "";
}

std::string output_of(const std::string& command) {
    std::string all;
    FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe);
    char some[4096];
    for (std::size_t n; (n = fread(some, 1, sizeof some, pipe)) > 0;) all.append(some, n);
    pclose(pipe);
    return all;
}

constexpr const char* prometheus_3 =
    "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n";
constexpr const char* openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
constexpr const char* text = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

TEST_CASE("the format is the one that the client prefers") {
    telemetry.hits.add(1);
    const served s;
    REQUIRE(s.failed == "");
    REQUIRE(s.port() != 0);

    const answer open = ask(s.port(), prometheus_3);
    CHECK(open.status == 200);
    CHECK(open.header("Content-Type") == openmetrics);
    CHECK(open.header("Content-Length") == std::to_string(open.body.size()));
    CHECK(open.header("Content-Encoding").empty());
    CHECK(open.body.ends_with("\n# EOF\n"));
    CHECK(open.has("# TYPE served_hits counter"));
    CHECK(open.has("target_info{service_name=\"test\"} 1"));

    for (const char* accept : {"", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", "Accept: \r\n",
                               "Accept: ;;q=,,=\xff/;q=nan\r\n", "Accept: application/vnd.google.protobuf\r\n"}) {
        CAPTURE(accept);
        const answer plain = ask(s.port(), accept);
        CHECK(plain.status == 200);
        CHECK(plain.header("Content-Type") == text);
        CHECK(plain.has("# TYPE served_hits_total counter"));
        CHECK(plain.body.find("# EOF") == plain.body.npos);
    }
    CHECK(ask(s.port(), {}, "GET /metrics?name=x").status == 200);
}

TEST_CASE("gzip gives the same exposition") {
    const served s;
    for (const char* accept : {"", prometheus_3}) {
        const answer plain = ask(s.port(), accept), packed = ask(s.port(), std::string(accept) + "Accept-Encoding: gzip\r\n");
        CHECK(packed.header("Content-Encoding") == "gzip");
        CHECK(packed.header("Content-Type") == plain.header("Content-Type"));
        CHECK(packed.header("Content-Length") == std::to_string(packed.body.size()));
        CHECK(packed.header("Vary") == "Accept, Accept-Encoding");
        CHECK(packed.body.size() < plain.body.size());
        CHECK(unpacked(packed.body) == plain.body);
    }
    CHECK(ask(s.port(), "Accept-Encoding: gzip;q=0\r\n").header("Content-Encoding").empty());
}

TEST_CASE("HEAD, other methods, other paths") {
    const served s({.path = "/here"});
    const answer get = ask(s.port(), {}, "GET /here"), head = ask(s.port(), {}, "HEAD /here");
    CHECK(get.status == 200);
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    CHECK(head.header("Content-Length") == get.header("Content-Length"));
    for (const char* method : {"POST", "PUT", "DELETE"}) {
        CAPTURE(method);
        const answer other = ask(s.port(), "Content-Length: 0\r\n", std::string(method) + " /here");
        CHECK(other.status == 405);
        CHECK(other.header("Allow") == "GET, HEAD");
    }
    for (const char* path : {"/", "/metrics", "/here/", "/here/../etc/passwd", "/%00"}) {
        CAPTURE(path);
        const answer other = ask(s.port(), {}, std::string("GET ") + path);
        CHECK((other.status == 404 || other.status == 400));
        if (other.status == 404) CHECK(other.body == "nothing here; there is /here\n");
    }
    CHECK(ask(s.port(), {}, "GET /-/healthy").body == "healthy\n");
    const connection c(s.port());
    c.say("\x16\x03\x01 nonsense\r\n\r\n");
    CHECK(answer(c.hear()).status != 200);
}

TEST_CASE("credentials, where they are asked for") {
    const served s({.user = "Aladdin", .password = "open sesame"});
    const answer without = ask(s.port());
    CHECK(without.status == 401);
    CHECK(without.header("WWW-Authenticate") == "Basic realm=\"metrics\"");
    CHECK(without.body.find("served_hits") == without.body.npos);
    CHECK(ask(s.port(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n").status == 200);  // RFC 7617's example
    for (const char* wrong : {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ===", "Basic ", "Bearer x", ""})
        CHECK(ask(s.port(), std::string("Authorization: ") + wrong + "\r\n").status == 401);
    CHECK(apm::detail::base64("") == "");
    CHECK(apm::detail::base64("f") == "Zg==");
    CHECK(apm::detail::base64("fo") == "Zm8=");
    CHECK(apm::detail::base64("foobar\xff") == "Zm9vYmFy/w==");
}

TEST_CASE("a port that is taken is one line that says so") {
    const served first;
    const std::string port = std::to_string(first.port());
    CHECK(why_not({.port = first.port()}) == "cannot serve on 127.0.0.1:" + port +
                                                  ": Address already in use; set OTEL_EXPORTER_PROMETHEUS_PORT, or 0 for any that is free");
    CHECK(ask(first.port()).status == 200);
}

TEST_CASE("what cannot be served is one line") {
    CHECK(why_not({.host = "no.such.host", .port = 0}) ==
          "cannot listen on host \"no.such.host\": give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1, or unix:/path");
    CHECK(why_not({.host = "192.0.2.1", .port = 0}).find("cannot serve on 192.0.2.1:0: Cannot assign requested address") == 0);
    CHECK(why_not({.port = 0, .path = "metrics"}) == "the endpoint's path \"metrics\" must begin with /");
    CHECK(why_not({.port = 0, .certificate = "/no/such/file.pem"}) ==
          "cannot read the certificate /no/such/file.pem: No such file or directory");
    const temporary_directory d;
    const std::string bad = d.at / "bad.pem";
    std::ofstream(bad) << "no certificate";
    const apm::error e = why_not({.port = 0, .certificate = bad});
    CAPTURE(e);
    CHECK(e.find("cannot serve ") == 0);
    CHECK(why_not({.host = "unix:" + (d.at / "bad.pem").string()}) ==
          "cannot serve on unix:" + (d.at / "bad.pem").string() + ": Address already in use");  // no advice about ports
    CHECK(why_not({.host = "localhost", .port = 0}).empty());
    CHECK(why_not({.host = "", .port = 0}).empty());
    CHECK(why_not({.host = "0.0.0.0", .port = 0}).empty());
}

TEST_CASE("IPv6") {
    apm::prometheus p({.host = "::1", .port = 0});
    if (const apm::error e = p.start({}); !e.empty()) {
        WARN("skipped: " << e);
        return;
    }
    CHECK(ask(p.port(), {}, "GET /metrics", true).status == 200);
    CHECK(ask(p.port()).status == 0);  // and only there
    p.stop(clock_type::now() + patience);
}

TEST_CASE("TLS, and nothing but TLS") {
    const temporary_directory d;
    const std::string key = d.at / "key.pem", certificate = d.at / "certificate.pem", both = d.at / "both.pem";
    output_of("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout " + key +
              " -out " + certificate + " 2>/dev/null && cat " + key + " " + certificate + " > " + both);
    if (!std::filesystem::exists(both)) {
        WARN("skipped: there is no openssl command");
        return;
    }
    const served s({.certificate = both});
    if (s.failed.find("does not work with the OpenSSL that is installed") != s.failed.npos) {
        CHECK(s.port() == 0);
        WARN("skipped: " << s.failed);
        return;
    }
    CAPTURE(s.failed);
    REQUIRE(s.port() != 0);
    const std::string said = output_of("printf 'GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' | timeout 20 openssl s_client "
                                       "-quiet -verify_return_error -CAfile " + certificate + " -connect 127.0.0.1:" +
                                       std::to_string(s.port()) + " 2>/dev/null");
    const answer a(said);
    CHECK(a.status == 200);
    CHECK(a.has("# TYPE served_hits_total counter"));
    CHECK(ask(s.port()).status != 200);
}

TEST_CASE("more clients than connections are served one after the other") {
    const served s({.connections = 2, .client_deadline = patience});
    std::atomic<int> well = 0;
    in_threads(12, [&](std::size_t) {
        const answer a = ask(s.port(), "Accept-Encoding: gzip\r\n");
        if (a.status == 200 && !unpacked(a.body).empty()) ++well;
    });
    CHECK(well == 12);
}

TEST_CASE("two scrapers while four threads record: no series decreases, every histogram adds up") {
    const served s({.client_deadline = patience});
    std::atomic<bool> done = false;
    std::atomic<int> scrapes = 0, decreased = 0, inconsistent = 0, failed = 0;
    in_threads(6, [&](std::size_t i) {
        if (i < 4) {
            const auto start = clock_type::now();
            const auto enough = [&] { return scrapes >= 6 && clock_type::now() > start + 1s; };
            for (int n = 0; !enough() && clock_type::now() < start + patience; ++n) {
                telemetry.work.add(1, {.shard = i});
                telemetry.took.record(std::chrono::microseconds(n % 5000), {.shard = i});
            }
            done = true;
            return;
        }
        std::map<std::string, double> before;
        while (!done) {
            const answer a = ask(s.port(), i == 4 ? prometheus_3 : "");
            if (a.status != 200) ++failed;
            std::map<std::string, double> now;
            std::istringstream in(a.body);
            for (std::string line; std::getline(in, line);)
                if (line.starts_with("served_work") || line.starts_with("served_took"))
                    now[line.substr(0, line.rfind(' '))] = std::stod(line.substr(line.rfind(' ')));
            for (const auto& [name, value] : before)
                if (!now.contains(name) || now[name] < value) ++decreased;
            for (int shard = 0; shard < 4; ++shard) {
                const std::string label = "shard=\"" + std::to_string(shard) + "\"";
                double last = 0;
                for (const char* le : {"0.001", "0.002", "0.003", "+Inf"}) {
                    const double n = now["served_took_seconds_bucket{" + label + ",le=\"" + le + "\"}"];
                    if (n < last) ++inconsistent;
                    last = n;
                }
                if (last != now["served_took_seconds_count{" + label + "}"]) ++inconsistent;
            }
            before = std::move(now);
            ++scrapes;
        }
    });
    CHECK(scrapes >= 4);
    CHECK(decreased == 0);
    CHECK(inconsistent == 0);
    CHECK(failed == 0);
}

TEST_CASE("an exposition may be added to while it is written: by a callback, by another thread's, by a family's own source") {
    if (!can_fork) return;
    const auto more = [](const char* name) {
        return [name] { return std::vector<apm::other_family>{{name, "", apm::other_family::kind::gauge, {{.value = 1.0}}}}; };
    };
    const int status = in_child([&] {
        apm::prometheus p;
        std::atomic<int> ran = 0, started = 0;
        {
            const auto observed = telemetry.open.observe([&] {
                if (ran++ == 0) p.also(more("from_a_callback"));
                return 1;
            });
            if (p.write(apm::exposition_format::text).find("\nfrom_a_callback 1\n") == std::string::npos) return 2;
        }
        {
            const auto observed = telemetry.open.observe([&] {
                if (started++ == 0) std::this_thread::sleep_for(100ms), p.also(more("from_another"));  // while the page waits
                return 1;
            });
            std::thread other([] { (void)apm::collect(); });
            while (!started) std::this_thread::yield();
            (void)p.write(apm::exposition_format::text);
            other.join();
        }
        p.also([&] {
            if (ran++ < 10) p.also(more("from_a_source"));
            return more("a_source")();
        });
        (void)p.write(apm::exposition_format::text);
        const std::string page = p.write(apm::exposition_format::text);
        for (const char* line : {"\nfrom_another 1\n", "\na_source 1\n", "\nfrom_a_source 1\n"})
            if (page.find(line) == page.npos) return 3;
        return 0;
    });
    CHECK(status == 0);
}

TEST_CASE("a client that does not speak, or does not read, is cut off") {
    const served s({.connections = 1, .client_deadline = 300ms});
    const auto answered = [&] { return soon([&] { return ask(s.port(), {}, "GET /-/healthy").status == 200; }); };
    const connection silent(s.port()), halting(s.port());
    halting.say("GET /metrics HTTP/1.1\r\nHos");
    CHECK(answered());
    CHECK(silent.hear().find("200 OK") == std::string::npos);
    CHECK(halting.hear().find("200 OK") == std::string::npos);

    // An exposition that no socket's buffers hold.
    for (int i = 0; i < 200; ++i) telemetry.wide.add(1, {.text = std::to_string(i) + std::string(65000, 'w')});
    const connection deaf(s.port());
    deaf.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::this_thread::sleep_for(100ms);
    CHECK(answered());
}

TEST_CASE("a client whose unwanted body comes byte by byte is cut off, answered or not") {
    const served s({.user = "scraper", .password = "of the scraper", .connections = 2, .client_deadline = 1s});
    const std::string endless = " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600000\r\n\r\nx";
    const connection nowhere(s.port());
    nowhere.say("POST /nothing" + endless);
    const connection refused(s.port());
    refused.say("POST /metrics" + endless);
    const connection stranger(s.port()), well(s.port());
    stranger.say("GET /metrics" + endless), well.say("GET /-/healthy" + endless);
    std::atomic<bool> done = false;
    std::thread dripping([&] {
        for (; !done; std::this_thread::sleep_for(50ms))
            for (const connection* c : {&nowhere, &refused, &stranger, &well}) c->say("x");
    });
    CHECK(soon([&] { return ask(s.port(), {}, "GET /-/healthy").status == 200; }));
    for (const connection* c : {&nowhere, &refused, &stranger, &well}) {
        const std::string heard = c->hear();
        CHECK(c->is_closed());
        if (!heard.empty()) CHECK(answer(heard).header("Connection") == "close");
    }
    done = true;
    dripping.join();
}

TEST_CASE("behind a body that is all there, the connection goes on") {
    const served s;
    CHECK(soon([&] {  // unless the server has no time for all of it within the second that it gives it
        const connection c(s.port());
        c.say("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" + std::string(20000, 'x') +
              "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        const std::string heard = c.hear();
        CHECK(heard.find("HTTP/1.1 404") == 0);
        return heard.find("HTTP/1.1 200 OK") != heard.npos;
    }));
}

TEST_CASE("stop() is in time, whatever clients do") {
    const own_port at;
    const std::uint16_t port = at.number();
    const auto took = least(1500ms, [&] {
        std::optional<served> s(std::in_place, apm::prometheus_options{.port = port, .connections = 2, .client_deadline = 2 * patience});
        const connection silent(port), deaf(port), waiting(port);
        deaf.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        CHECK(deaf.hears_something());  // the page is made, and more than it has room for
        return time_of([&] { s.reset(); });
    });
    CHECK(took < 1500ms);
    CHECK(ask(port).status == 0);
    const served again({.port = port});  // free again
    CHECK(again.failed == "");
    CHECK(ask(port).status == 200);
}

TEST_CASE("stop() leaves the program's own sockets alone, whatever port they have") {
    const own_port at;
    std::optional<served> s(std::in_place, apm::prometheus_options{.port = at.number()});
    sockaddr_in same{};
    same.sin_family = AF_INET;
    same.sin_port = htons(at.number());
    same.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(own, reinterpret_cast<const sockaddr*>(&same), sizeof same) == 0);
    s.reset();
    char c = 'x';
    CHECK(sendto(own, &c, 1, 0, reinterpret_cast<const sockaddr*>(&same), sizeof same) == 1);
    CHECK(recv(own, &c, 1, 0) == 1);
    close(own);
}

TEST_CASE("stop() is quick where no client is connected") {
    const auto took = least(700ms, [] {
        apm::prometheus p({.port = 0});
        REQUIRE(p.start({}).empty());
        CHECK(ask(p.port()).status == 200);
        std::this_thread::sleep_for(50ms);
        return time_of([&] { CHECK(p.stop(clock_type::now() + patience).empty()); });
    });
    CHECK(took < 700ms);
}

TEST_CASE("an object that is stopped twice, or never started, does nothing") {
    apm::prometheus p({.port = 0});
    CHECK(p.port() == 0);
    CHECK(p.stop(clock_type::now()).empty());
    CHECK(p.start({}).empty());
    CHECK(p.stop(clock_type::now() + patience).empty());
    CHECK(p.stop(clock_type::now()).empty());
    CHECK(p.port() == 0);
    CHECK(p.start({}).empty());  // again
    CHECK(ask(p.port()).status == 200);
    CHECK(p.stop(clock_type::now() + patience).empty());
}

TEST_CASE("a forked child has no socket of the server, ends quickly, and does not keep the port") {
    if (!can_fork) return;
    const own_port own;
    const std::uint16_t port = own.number();
    std::optional<served> s(std::in_place, apm::prometheus_options{.port = port});
    // Another library's socket on the same port of another address stays open in the child.
    const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    REQUIRE(bind(other, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(listen(other, 1) == 0);
    int told[2];
    REQUIRE(pipe(told) == 0);
    const pid_t child = fork();
    if (child == 0) {
        int listening = 0;
        for (int fd = 3; fd < 1024; ++fd) {
            int listens = 0;
            socklen_t size = sizeof listens;
            if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens) ++listening;
        }
        char go;
        close(told[1]);
        const bool well = read(told[0], &go, 1) == 1;
        const auto start = clock_type::now();
        s->endpoint.stop(start + patience);
        if (clock_type::now() - start > patience / 2) _exit(3);
        _exit(!well ? 2 : listening == 1 ? 0 : 10 + listening);
    }
    CHECK(ask(port).status == 200);
    s.reset();
    CHECK(ask(port).status == 0);
    s.emplace(apm::prometheus_options{.port = port});  // while the child lives
    CHECK(s->failed == "");
    CHECK(ask(port).status == 200);
    CHECK(write(told[1], "!", 1) == 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) ? WEXITSTATUS(status) : -1) == 0);
    for (const int fd : {told[0], told[1], other}) close(fd);
}
