// One request without an exporter, TLS, proxies, and the environment, which is not read.
#include <apm/backend/delivery/http.hpp>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include <dlfcn.h>
#include <netdb.h>

#include "../../catch.hpp"
#include "backend/delivery/sending.hpp"

#include <apm/backend/delivery/exporter.hpp>
#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/judgement.hpp>
#include <apm/detail/sigpipe.hpp>

using namespace sending;
using delivery::failure, delivery::judgement;
namespace fs = std::filesystem;

namespace {

judgement judged(const delivery::reply& r) { return delivery::judge(apm::detail::otlp::over_http, r, 1); }
std::string said_of(const delivery::destination& to, const delivery::reply& r) {
    const judgement j = judged(r);
    return delivery::explain(to, r, j.kind, j.message);
}

// Certificates of an authority of our own, made by openssl.
struct certificates {
    std::string at = (fs::temp_directory_path() / "apm-tls-XXXXXX").string();
    bool there = false;
    certificates() {
        if (!mkdtemp(at.data())) std::abort();
        const auto run = [this](const std::string& command) {
            return std::system(("cd " + at + " && openssl " + command + " >/dev/null 2>&1").c_str()) == 0;
        };
        const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 ";
        const auto signed_one = [&](const std::string& name, const std::string& alt) {
            std::ofstream(at + "/" + name + ".ext") << "subjectAltName=" << alt << "\n";
            return run("req " + key + "-keyout " + name + ".key -out " + name + ".csr -subj /CN=" + name) &&
                   run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile " + name +
                       ".ext -out " + name + ".pem");
        };
        there = run("req -x509 " + key + "-keyout ca.key -out ca.pem -subj /CN=ca") &&
                run("req -x509 " + key + "-keyout other.key -out other.pem -subj /CN=other") &&
                signed_one("server", "IP:127.0.0.1,DNS:localhost") && signed_one("client", "DNS:client") &&
                signed_one("elsewhere", "DNS:elsewhere.example");
    }
    certificates(const certificates&) = delete;
    ~certificates() { fs::remove_all(at); }
    [[nodiscard]] std::string file(const std::string& name) const { return at + "/" + name; }
};

// Python's server of HTTP with TLS, which answers 200 to every POST.
class tls_server {
public:
    tls_server(const certificates& c, const std::string& name, bool wants_client) {
        const std::string script = R"(
import http.server, ssl, sys
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *a): pass
class S(http.server.ThreadingHTTPServer):
    def handle_error(self, *a): pass
s = S(("127.0.0.1", 0), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(sys.argv[1], sys.argv[2])
if len(sys.argv) > 3:
    c.load_verify_locations(sys.argv[3]); c.verify_mode = ssl.CERT_REQUIRED
s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
print(s.server_address[1], flush=True)
s.serve_forever()
)";
        int out[2];
        if (pipe(out) != 0) std::abort();
        const std::string pem = c.file(name + ".pem"), key = c.file(name + ".key"), ca = c.file("ca.pem");
        child_ = fork();
        if (child_ == 0) {
            dup2(out[1], 1);
            execlp("python3", "python3", "-c", script.c_str(), pem.c_str(), key.c_str(), wants_client ? ca.c_str() : nullptr, nullptr);
            _exit(127);
        }
        close(out[1]);
        char text[16] = {};
        if (read(out[0], text, sizeof text - 1) > 0) port_ = std::atoi(text);
        close(out[0]);
    }
    tls_server(const tls_server&) = delete;
    ~tls_server() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    [[nodiscard]] int port() const { return port_; }  // 0: it does not run
    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/v1/traces"; }

private:
    pid_t child_ = -1;
    int port_ = 0;
};

std::atomic<bool> watching{false};
std::atomic<int> reads{0};
thread_local bool is_test = false;  // the test's own threads may look

void note(const char* name) {
    // Threads of the test's runner and its receivers are not what is watched.
    if (!watching || is_test) return;
    ++reads;
    std::fprintf(stderr, "the environment was read: %s\n", name);
}
// With the next definition's help: libc's own answer.
char* find(const char* name) {
    const std::size_t size = std::strlen(name);
    for (char** e = environ; e && *e; ++e)
        if (std::strncmp(*e, name, size) == 0 && (*e)[size] == '=') return *e + size + 1;
    return nullptr;
}

}  // namespace

// In place of libc's, for libcurl and OpenSSL, too.
extern "C" __attribute__((visibility("default"))) char* getenv(const char* name) noexcept {
    note(name);
    return find(name);
}
extern "C" __attribute__((visibility("default"))) char* secure_getenv(const char* name) noexcept {
    note(name);
    return find(name);
}

// A resolver that hangs for one name, and knows by itself that there are none of its kind: who is asked otherwise may take long.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                                                                  addrinfo** found) {
    if (name && std::strcmp(name, "slow.invalid") == 0) {
        std::this_thread::sleep_for(2s);
        return EAI_AGAIN;
    }
    if (name && std::string_view(name).ends_with(".invalid")) return EAI_NONAME;
    static const auto next = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return next(name, service, hints, found);
}

TEST_CASE("a resolver that hangs holds up neither a request of its own, nor the end") {
    const delivery::destination to = hasty("http://slow.invalid:4318/v1/traces");
    const auto late = least_overrun(100ms, [&](steady::time_point& due) {
        const delivery::reply r = delivery::send_once(to, "x", due = in(50ms));
        CHECK(judged(r).kind == failure::timeout);
    });
    CHECK(late < 100ms);
    const auto end_late = least_overrun(100ms, [&](steady::time_point& due) {
        delivery::exporter d({to});
        REQUIRE(d.start().empty());
        REQUIRE(d.put(0, "x", 1));
        std::this_thread::sleep_for(20ms);
        CHECK_FALSE(d.stop(due = in(50ms)).empty());
    });
    CHECK(end_late < 100ms);
}

TEST_CASE("a request of its own, and what comes back") {
    receiver there(answers(400, "Content-Type: text/plain\r\n", "no such field"));
    delivery::destination to = hasty(there.url());
    to.headers = {{"key", "value"}};
    to.gzip = true;
    const delivery::reply r = delivery::send_once(to, "body", in(patience));
    CHECK(r.status == 400);
    CHECK(r.body == "no such field");
    CHECK(r.content_type == "text/plain");
    CHECK(r.duration.count() > 0);
    CHECK(there.requests().front().header("Content-Encoding") == "gzip");
    CHECK(said_of(to, r) == "traces: " + there.url() +
                                " answered with HTTP status 400: \"no such field\"; it cannot read what we send: the batch is lost");
}

TEST_CASE("its deadline holds, whatever the receiver does") {
    receiver there(hangs());
    for (const auto time : {-1000ms, 0ms, 100ms}) {
        const auto late = least_overrun(100ms, [&](steady::time_point& due) {
            due = in(std::max(time, 0ms));
            const delivery::reply r = delivery::send_once(hasty(there.url()), "body", in(time));
            CHECK(judged(r).kind == failure::timeout);
        });
        CHECK(late < 100ms);
    }
}

TEST_CASE("a connection that breaks sends no SIGPIPE to the program, and keeps one that was there") {
    receiver there(resets_after(""));
    sigset_t pipe_only, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    for (int i = 0; i < 20; ++i) static_cast<void>(delivery::send_once(hasty(there.url()), std::string(1 << 20, 'x'), in(patience)));
    {
        const apm::detail::without_sigpipe guard;
        raise(SIGPIPE);
    }
    pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
    raise(SIGPIPE);
    static_cast<void>(delivery::send_once(hasty(there.url()), "x", in(patience)));
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE));
    int signal = 0;
    sigwait(&pipe_only, &signal);
    pthread_sigmask(SIG_UNBLOCK, &pipe_only, nullptr);
}

TEST_CASE("a proxy gets what is for others, and nothing of what is not for it") {
    receiver proxy(answers(200)), there(answers(200));
    delivery::destination to = hasty("http://collector.invalid:4318/v1/traces");
    to.proxy = proxy.url("");
    CHECK(delivery::send_once(to, "x", in(patience)).status == 200);
    CHECK(proxy.requests().front().line == "POST http://collector.invalid:4318/v1/traces HTTP/1.1");
    to.url = there.url();
    to.no_proxy = "127.0.0.1,localhost";
    CHECK(delivery::send_once(to, "x", in(patience)).status == 200);
    CHECK(proxy.count() == 1);
    CHECK(there.count() == 1);
    to.no_proxy = "*";
    CHECK(delivery::send_once(to, "x", in(patience)).status == 200);
    CHECK(there.count() == 2);

    receiver refusing(answers(403));
    to.url = "https://collector.invalid/v1/traces";
    to.no_proxy = "";
    to.proxy = "http://user:pass-word@127.0.0.1:" + std::to_string(refusing.port());
    to.headers = {{"authorization", "Bearer sesame"}};
    const delivery::reply r = delivery::send_once(to, "x", in(patience));
    CHECK(judged(r).kind == failure::proxy);
    CHECK(refusing.requests().front().line == "CONNECT collector.invalid:443 HTTP/1.1");
    CHECK(refusing.requests().front().header("authorization").empty());  // that is for the receiver
    const std::string line = said_of(to, r);
    CHECK(contains(line, "the proxy http://127.0.0.1:" + std::to_string(refusing.port()) + " does not connect to " + to.url));
    CHECK(contains(line, "NO_PROXY"));
    CHECK_FALSE(contains(line, "pass-word"));
    to.proxy = "http://127.0.0.1:1";
    to.url = "http://collector.invalid/";
    CHECK(contains(said_of(to, delivery::send_once(to, "x", in(patience))), "(by the proxy http://127.0.0.1:1)"));
    to.proxy = "http://proxy.invalid:1";
    CHECK(contains(said_of(to, delivery::send_once(to, "x", in(patience))), "the proxy http://proxy.invalid:1 does not connect"));
}

TEST_CASE("no host, no server, no URL") {
    const auto line_of = [](const std::string& url) {
        const delivery::destination to = hasty(url);
        return said_of(to, delivery::send_once(to, "x", in(patience)));
    };
    CHECK(contains(line_of("http://collector.invalid:4318/v1/traces"), "the host of http://collector.invalid:4318/v1/traces is not known"));
    CHECK(line_of("http://127.0.0.1:1/v1/traces") ==
          "traces: nothing listens at http://127.0.0.1:1/v1/traces; start a collector there or set OTEL_EXPORTER_OTLP_ENDPOINT");
    CHECK(contains(line_of("http://localhost:1/v1/traces"), "nothing listens"));
    for (const char* url : {"ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1", ""}) CHECK(contains(line_of(url), "cannot use the URL"));
    const delivery::destination to = hasty("file:///etc/passwd");
    CHECK(judged(delivery::send_once(to, "x", in(patience))).outcome == judgement::action::lost);
}

TEST_CASE("TLS: who is trusted, who is not, and what is said") {
    const certificates c;
    if (!c.there) {
        WARN("skipped: there is no openssl");
        return;
    }
    const tls_server plain(c, "server", false), strict(c, "server", true), wrong(c, "elsewhere", false);
    if (!plain.port() || !strict.port() || !wrong.port()) {
        WARN("skipped: there is no python3 with ssl");
        return;
    }
    delivery::destination to = hasty(plain.url());
    const auto send = [&to] { return delivery::send_once(to, "x", in(patience)); };
    const auto says = [&](std::string_view part) {
        std::string line;  // a server that is busy may reset a connection
        for (int i = 0; i < 5 && !contains(line, part); ++i) line = said_of(to, send());
        CAPTURE(line, part);
        CHECK(contains(line, part));
        CHECK(contains(line, to.url));
    };
    says("is of an unknown issuer");  // the system's alone
    to.certificate = c.file("ca.pem");
    CHECK(send().status == 200);
    to.certificate = c.file("other.pem");
    says("is of an unknown issuer");
    CHECK(judged(send()).outcome == judgement::action::retry);
    to.certificate = c.file("none.pem");
    says("none.pem are PEM files that this user may read");
    to.certificate = c.file("ca.pem");
    to.url = wrong.url();
    says("is for another host name");
    to.url = strict.url();
    says("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");  // it, or the end of the connection, whichever comes first
    to.client_certificate = c.file("client.pem"), to.client_key = c.file("client.key");
    CHECK(send().status == 200);
    to.client_key = c.file("server.key");
    says("cannot use a certificate or key");
    to.client_key = c.file("none.key");
    says("cannot use a certificate or key");
    receiver no_tls(answers(200));
    to = hasty("https://127.0.0.1:" + std::to_string(no_tls.port()) + "/");
    says("does it speak plain http://?");
    to.url = "http://127.0.0.1:" + std::to_string(plain.port()) + "/";
    CHECK_FALSE(said_of(to, send()).empty());  // http to a port of https
}

TEST_CASE("the environment is read at the start and never again, so the program may change it at any time") {
    is_test = true;
    const certificates c;
    std::unique_ptr<tls_server> secure;
    if (c.there) secure = std::make_unique<tls_server>(c, "server", false);
    receiver there(answers(200));
    const bool tls = secure && secure->port();
    delivery::destination to = hasty(there.url()), to_tls = hasty(tls ? secure->url() : there.url(), "metrics");
    to_tls.certificate = tls ? c.file("ca.pem") : "";
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    delivery::exporter d({to, to_tls, hasty("http://localhost:1/")});
    REQUIRE(d.start().empty());
    watching = true;
    for (int i = 0; i < 50; ++i) {
        for (std::size_t n = 0; n < 3; ++n) d.put(n, "x", 1);
        for (int n = 0; n < 50; ++n) setenv(("APM_TEST_" + std::to_string(n)).c_str(), std::to_string(i).c_str(), 1);
        std::this_thread::sleep_for(1ms);
    }
    CHECK(soon([&] { return d.count(0).delivered == 50 && d.count(1).delivered == 50; }));
    static_cast<void>(d.stop(in(10ms)));
    watching = false;
    CHECK(reads == 0);
    for (const char* name : {"http_proxy", "https_proxy", "ALL_PROXY", "SSL_CERT_FILE"}) unsetenv(name);
    // That the watch is one at all:
    using getter = char* (*)(const char*);
    const auto as_others_see_it = reinterpret_cast<getter>(dlsym(RTLD_DEFAULT, "getenv"));
    CHECK(as_others_see_it == static_cast<getter>(&getenv));
    is_test = false;
}
