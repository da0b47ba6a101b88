// /control, on the server of the endpoint for Prometheus.
#include <apm/runtime/control/endpoint.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

#if APM_BACKEND_PROMETHEUS

#include <atomic>
#include <optional>

#include <ifaddrs.h>
#include <net/if.h>

#include <apm/detail/base64.hpp>

#include "backend/http_client.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using runtime = apm::basic_runtime<apm::mode::on>;
using apm::parent_based, apm::probability;
constexpr auto on = apm::mode::on;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.control_endpoint"};
    span<> work{this, "work", "A row"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

constexpr const char* token = "a-token-of-the-test";
const std::string shown = "Authorization: Bearer " + std::string(token) + "\r\n";

apm::runtime_options served(std::string_view with = token) {
    return {.service = {.name = "test"}, .prometheus = {.port = 0, .client_deadline = patience}, .control = {.token = with},
            .shutdown_timeout = 2 * patience};  // who waits does so for longer than we do
}
std::string sized(const std::string& body) { return "Content-Length: " + std::to_string(body.size()) + "\r\n"; }
// A whole request, headers and all.
answer send(std::uint16_t port, const std::string& method, const std::string& headers, const std::string& body,
            const std::string& path = "/control") {
    const connection c(port);
    if (!c.connected()) return answer({});
    c.say(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n" + body);
    return answer(c.hear());
}
answer change(std::uint16_t port, const std::string& body, const std::string& headers = shown) {
    return send(port, "POST", headers + sized(body), body);
}
apm::control::state now() { return apm::control::now<on>(); }
const std::string at_start = "sampler=parentbased_always_on\nmax_level=all\ntail_errors=false\ntail_slower_than=0\n"
                             "tail_bytes=16777216\ntracing=on\n";

}  // namespace

TEST_CASE("without a token there is no /control, and nothing says that there could be") {
    const environment e;
    const reported said;
    const runtime r(served(""));
    const answer none = ask(r.prometheus_port(), shown, "GET /control"), nowhere = ask(r.prometheus_port(), "", "GET /nowhere");
    CHECK(none.status == 404);
    CHECK(none.body == nowhere.body);
    CHECK(change(r.prometheus_port(), "max_level=1").status == 404);
    CHECK(now().max_level == 255);
    CHECK(said.take().empty());
}

TEST_CASE("what is in effect is read, changed, and goes back to the start") {
    const environment e;
    const reported said;
    const runtime r(served());
    const std::uint16_t port = r.prometheus_port();
    const answer first = ask(port, shown, "GET /control");
    CHECK(first.status == 200);
    CHECK(first.header("Content-Type") == "text/plain; charset=utf-8");
    CHECK(first.body == at_start);
    CHECK(ask(port, shown, "HEAD /control").status == 200);

    const std::string wanted = "sample_rate=0.5\nrow.work=probability:1\nmax_level=2\ntail_errors=true\ntail_slower_than=500\n"
                               "tail_bytes=1000\ntracing=off\n";
    const answer a = change(port, wanted);
    CHECK(a.status == 200);
    CHECK(a.body == wanted);
    CHECK(ask(port, shown, "GET /control").body == wanted);
    CHECK(now().sampler == parent_based(probability(0.5)));
    CHECK(send(port, "PUT", shown + sized("max_level=3"), "max_level=3").status == 200);
    CHECK(now().max_level == 3);
    CHECK(change(port, "").status == 200);
    CHECK(change(port, "sample_rate=\nrow.work=\nmax_level=\ntail_errors=\ntail_slower_than=\ntail_bytes=\ntracing=\n").body == at_start);
    CHECK(said.take().empty());
}

TEST_CASE("a change is in effect when it is answered") {
    const environment e;
    apm::runtime_options o = served();
    o.traces_exporter = "console";
    const runtime r(o);
    if (telemetry.work.scope<on>().recording()) {
        CHECK(change(r.prometheus_port(), "sample_rate=0").status == 200);
        CHECK_FALSE(telemetry.work.scope<on>().recording());
        CHECK(change(r.prometheus_port(), "row.work=1").status == 200);
        CHECK(telemetry.work.scope<on>().recording());
        CHECK(change(r.prometheus_port(), "row.work=\nsample_rate=").status == 200);
    }
}

TEST_CASE("refused without the token, and with any other") {
    const environment e;
    const runtime r(served());
    const std::uint16_t port = r.prometheus_port();
    const std::string is(token);
    const auto refused = [&](const std::string& headers) {
        const answer a = change(port, "max_level=1", headers), b = ask(port, headers, "GET /control");
        return a.status == 401 && b.status == 401 && a.body == "credentials needed\n" && a.body == b.body &&
               a.header("WWW-Authenticate") == "Bearer realm=\"control\"";
    };
    CHECK(refused(""));
    CHECK(refused("Authorization: Bearer\r\n"));
    CHECK(refused("Authorization: Bearer \r\n"));
    CHECK(refused("Authorization: Bearer " + is.substr(1) + "\r\n"));
    CHECK(refused("Authorization: Bearer " + is + "!\r\n"));
    CHECK(refused("Authorization: Bearer " + is.substr(0, is.size() - 1) + "X\r\n"));
    CHECK(refused("Authorization: Basic " + apm::detail::base64("user:" + is) + "\r\n"));
    CHECK(refused("Authorization: " + is + "\r\n"));
    CHECK(refused("X-Token: " + is + "\r\n"));
    CHECK(send(port, "POST", sized("max_level=1"), "max_level=1", "/control?token=" + is).status == 401);
    CHECK(send(port, "DELETE", "", "").status == 401);
    CHECK(send(port, "DELETE", shown, "").status == 405);
    CHECK(now().max_level == 255);
}

TEST_CASE("credentials for /metrics do not open /control, and the other way round") {
    const environment e;
    apm::runtime_options o = served();
    o.prometheus.user = "scraper", o.prometheus.password = "of the scraper";
    const runtime r(o);
    const std::uint16_t port = r.prometheus_port();
    const std::string scraper = "Authorization: Basic " + apm::detail::base64("scraper:of the scraper") + "\r\n";
    CHECK(ask(port, scraper).status == 200);
    CHECK(ask(port, scraper, "GET /control").status == 401);
    CHECK(change(port, "max_level=1", scraper).status == 401);
    CHECK(ask(port, shown).status == 401);
    CHECK(ask(port, shown, "GET /control").status == 200);
    CHECK(now().max_level == 255);
}

TEST_CASE("all lines or none") {
    const environment e;
    const runtime r(served());
    const std::uint16_t port = r.prometheus_port();
    const answer a = change(port, "max_level=1\nsample_rate=2\n# x\nmax_lewel=1\n");
    CHECK(a.status == 400);
    CHECK(a.body == "line 2: sample_rate takes a number from 0 to 1\n"
                    "line 4: max_lewel is unknown; there are sample_rate, sampler, row.NAME, max_level, tail_errors, tail_slower_than, "
                    "tail_bytes and tracing\n"
                    "nothing was changed\n");
    CHECK(now().max_level == 255);
    std::string bad;
    for (int i = 0; i < 3000; ++i) bad += "x" + std::to_string(i) + "\n";
    const answer first = change(port, bad);
    CHECK(first.status == 400);
    CHECK(first.body.size() < 1000);
    CHECK(first.body.find("line 20: is no key=value\nand 2980 more bad lines\nnothing was changed\n") != std::string::npos);
    std::string many = "max_level=1\n";
    for (int i = 0; i < 300; ++i) many += "row.many" + std::to_string(i) + "=1\n";
    CHECK(change(port, many).status == 409);
    CHECK(now().max_level == 255);
    CHECK(now().rows.empty());
}

TEST_CASE("bodies that are too long, not all there, or of unknown length") {
    const environment e;
    const std::string line = "max_level=1\n";
    {
        const runtime patient(served());
        const std::uint16_t port = patient.prometheus_port();
        const std::string most = line + std::string((64 << 10) - line.size(), '\n');
        CHECK(change(port, most).status == 200);
        CHECK(change(port, "max_level=").status == 200);
        // A client that goes on sending hears the answer if the server has time for all of it within the second that it gives it.
        CHECK(soon([&] { return change(port, most + "\n").status == 413; }));
    }
    apm::runtime_options o = served();
    o.prometheus.client_deadline = 1s;
    const runtime r(o);
    const std::uint16_t port = r.prometheus_port();
    CHECK(soon([&] { return send(port, "POST", shown + "Content-Length: 9999999999999\r\n", line).status == 413; }));
    CHECK(send(port, "POST", shown + "Content-Length: -5\r\n", line).status != 200);
    CHECK(soon([&] {
        return send(port, "POST", shown + "Transfer-Encoding: chunked\r\n", "c\r\nmax_level=\n\n\r\n0\r\n\r\n").status == 200;
    }));
    CHECK(soon([&] { return send(port, "POST", shown, "").status == 411; }));
    const auto begin = clock_type::now();
    CHECK(send(port, "POST", shown + "Content-Length: 100\r\n", line).status != 200);  // and then says nothing more
    CHECK(clock_type::now() - begin < patience / 2);
    CHECK(now().max_level == 255);
    CHECK(soon([&] { return ask(port).status == 200; }));  // /metrics is there, too
}

TEST_CASE("a client that was refused is not heard as another") {
    const environment e;
    const runtime r(served());
    const std::string inner = "POST /control HTTP/1.1\r\nHost: localhost\r\n" + shown + "Content-Length: 11\r\n\r\nmax_level=1";
    const connection c(r.prometheus_port());
    c.say("POST /control HTTP/1.1\r\nHost: localhost\r\n" + sized(inner) + "\r\n" + inner +
          "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const std::string heard = c.hear();
    CHECK(heard.find("HTTP/1.1 401") == 0);
    CHECK(heard.find("HTTP/1.1 200 OK", 1) != heard.npos);
    CHECK(heard.ends_with("healthy\n"));
    CHECK(now().max_level == 255);
}

TEST_CASE("behind an answer that ends the connection, nothing is heard") {
    const environment e;
    const runtime r(served());
    const std::string second = "POST /control HTTP/1.1\r\nHost: localhost\r\n" + shown + "Content-Length: 11\r\n\r\nmax_level=1";
    const auto heard_of = [&](const std::string& headers, const std::string& body) {
        const connection c(r.prometheus_port());
        c.say("POST /control HTTP/1.1\r\nHost: localhost\r\n" + shown + headers + "\r\n" + body + second);
        return c.hear();
    };
    std::string long_one;  // as above
    CHECK(soon([&] {
        long_one = heard_of("Content-Length: 65537\r\n", std::string(65537, '\n'));
        return long_one.find("HTTP/1.1 413") == 0;
    }));
    CHECK(long_one.find("HTTP/1.1", 1) == long_one.npos);
    const std::string unknown = heard_of("", "");
    CHECK(unknown.find("HTTP/1.1 411") == 0);
    CHECK(unknown.find("HTTP/1.1", 1) == unknown.npos);
    CHECK(now().max_level == 255);
}

TEST_CASE("a change that comes byte by byte has one deadline for all of it") {
    const environment e;
    apm::runtime_options o = served();
    o.prometheus.client_deadline = 1s;
    const runtime r(o);
    const connection c(r.prometheus_port());
    c.say("POST /control HTTP/1.1\r\nHost: localhost\r\n" + shown + "Content-Length: 60000\r\n\r\n");
    std::atomic<bool> done = false;
    std::thread dripping([&] {
        for (; !done; std::this_thread::sleep_for(50ms)) c.say("\n");
    });
    CHECK(c.hear().empty());
    CHECK(c.is_closed());
    CHECK(now().max_level == 255);
    done = true;
    dripping.join();
}

TEST_CASE("only for clients on this machine") {
    // An address of this machine that is not a loopback's, from which a client then comes.
    std::string host;
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) == 0) {
        for (const ifaddrs* a = all; a; a = a->ifa_next) {
            char text[INET_ADDRSTRLEN] = "";
            if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || a->ifa_flags & IFF_LOOPBACK) continue;
            const auto* at = reinterpret_cast<const sockaddr_in*>(a->ifa_addr);
            if (inet_ntop(AF_INET, &at->sin_addr, text, sizeof text)) host = text;
        }
        freeifaddrs(all);
    }
    if (host.empty()) {
        WARN("skipped: this machine has no address but its own");
        return;
    }
    const environment e;
    apm::runtime_options o = served();
    o.prometheus.host = "0.0.0.0";
    const runtime r(o);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(r.prometheus_port());
    inet_pton(AF_INET, host.c_str(), &to.sin_addr);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    const std::string request = "GET /control HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n" + shown +
                                "\r\n";
    CHECK(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    std::string heard;
    char some[4096];
    for (ssize_t n; (n = recv(fd, some, sizeof some, 0)) > 0;) heard.append(some, static_cast<std::size_t>(n));
    close(fd);
    CHECK(answer(heard).status == 403);
    CHECK(ask(r.prometheus_port(), shown, "GET /control").status == 200);
}

TEST_CASE("a token that nothing serves is one line") {
    const reported said;
    const environment e;
    apm::runtime_options o = served();
    o.metrics_exporter = "none";
    { const runtime r(o); }
    CHECK(said.take() == lines{"there is no /control: it needs the Prometheus endpoint"});
    o.metrics_exporter = "auto";
    o.prometheus.path = "/control";
    const runtime r(o);
    CHECK(said.take() == lines{"there is no /control: it is the path of the metrics endpoint"});
    CHECK(ask(r.prometheus_port(), "", "GET /control").status == 200);
    CHECK(change(r.prometheus_port(), "max_level=1").status == 405);
}

TEST_CASE("many clients at once, and spans all along") {
    const environment e;
    const reported said;
    const runtime r(served());
    const std::uint16_t port = r.prometheus_port();
    std::atomic<bool> done{false};
    std::atomic<int> bad{0};
    const apm::span_totals before = apm::count_spans();
    std::atomic<std::uint64_t> begun{0};
    std::thread spans([&] {
        for (; !done; ++begun) {
            apm::detail::mute(apm::detail::gate::muted_by_runtime, false);  // nothing reads them here
            const auto s = telemetry.work.scope<on>();
        }
    });
    in_threads(4, [&](std::size_t i) {
        for (std::size_t n = 0; n < 50; ++n) {
            const std::string rate = std::to_string(n % 2) + "." + std::to_string(n % 2 ? 0u : i);
            if (change(port, "sample_rate=" + rate + "\nrow.work=" + rate + "\ntail_errors=true\n").status != 200) ++bad;
            const answer a = ask(port, shown, "GET /control");
            if (a.status != 200 || !apm::detail::read_control(a.body).bad.empty()) ++bad;
        }
    });
    done = true;
    spans.join();
    CHECK(bad == 0);
    CHECK(change(port, "sample_rate=\nrow.work=\ntail_errors=\n").body == at_start);
    const apm::span_totals after = apm::count_spans();
    CHECK(after.started - before.started + after.unsampled - before.unsampled == begun);
    CHECK(said.take().empty());
}

TEST_CASE("a forked child serves nothing, and its parent goes on") {
    if (!can_fork) return;
    const environment e;
    std::optional<runtime> r(std::in_place, served());
    const std::uint16_t port = r->prometheus_port();
    const meanwhile changes([&] { static_cast<void>(change(port, "max_level=4\nrow.work=1\n")); });
    for (int i = 0; i < 10; ++i)
        CHECK(in_child([&] {
                  apm::control::max_level<on>(1);
                  apm::control::sample_row<on>("work", apm::always_off);
                  r.reset();
                  return now().max_level == 1 ? 0 : 1;
              }) == 0);
    CHECK(change(port, "max_level=\nrow.work=\n").status == 200);
}

#endif
