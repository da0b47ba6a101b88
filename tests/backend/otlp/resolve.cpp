// ctest: LABELS serial
// From options to where a signal is sent.
#include <apm/backend/otlp/resolve.hpp>

#include <string>
#include <utility>

#include "catch.hpp"

using apm::detail::otlp::encoding;
using apm::detail::otlp::resolve;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

apm::detail::otlp::signal traces(const apm::otlp_options& o) { return resolve(o, o.traces, "traces"); }
apm::detail::otlp::signal metrics(const apm::otlp_options& o) { return resolve(o, o.metrics, "metrics"); }

std::string content_type(const apm::detail::otlp::signal& s) { return s.to.protocol->encodings[s.to.encoding].content_type; }

// Everything that people get to read.
std::string said(const apm::detail::otlp::signal& s) {
    std::string all = s.problem;
    for (const std::string& line : s.remarks) all += '\n' + line;
    return all;
}

}  // namespace

TEST_CASE("the general endpoint is a base, a signal's own is used as it is") {
    CHECK(traces({}).to.url == "http://localhost:4318/v1/traces");
    CHECK(metrics({}).to.url == "http://localhost:4318/v1/metrics");
    CHECK(traces({.endpoint = "http://c:4318"}).to.url == "http://c:4318/v1/traces");
    CHECK(traces({.endpoint = "http://c:4318/base/"}).to.url == "http://c:4318/base/v1/traces");
    CHECK(metrics({.endpoint = "https://c/base"}).to.url == "https://c/base/v1/metrics");
    CHECK(traces({.endpoint = "http://c:4318", .traces = {.endpoint = "http://t:1"}}).to.url == "http://t:1/");
    CHECK(metrics({.endpoint = "http://c:4318", .traces = {.endpoint = "http://t:1"}}).to.url == "http://c:4318/v1/metrics");
    CHECK(traces({.traces = {.endpoint = "http://t:1/a/b?key=k"}}).to.url == "http://t:1/a/b?key=k");
    CHECK(traces({.endpoint = "http://c/?key=k"}).to.url == "http://c/v1/traces?key=k");
    CHECK(traces({.endpoint = "HTTP://c:4318"}).to.url == "http://c:4318/v1/traces");
    CHECK(traces({.endpoint = "http://[::1]:4318"}).to.url == "http://[::1]:4318/v1/traces");
}

TEST_CASE("a unix socket is a path of its own") {
    const auto s = traces({.endpoint = "unix:///run/otlp.sock"});
    CHECK(s.to.unix_socket == "/run/otlp.sock");
    CHECK(s.to.url == "http://localhost/v1/traces");
    CHECK(traces({.endpoint = "unix:run/otlp.sock"}).problem.find("unix:///an/absolute/path") != std::string::npos);
    const std::string far = "unix:///" + std::string(107, 'x');
    CHECK_FALSE(traces({.endpoint = far}).problem.empty());
}

TEST_CASE("an endpoint that is none is said, and the signal is not sent") {
    CHECK(traces({.endpoint = "localhost:4318"}).to.url == "http://localhost:4318/v1/traces");
    CHECK(said(traces({.endpoint = "localhost:4318"})).find("has no scheme; taken as http://localhost:4318") != std::string::npos);
    for (const char* wrong : {"ftp://c", "http://", "http://c:99999", "http://a b/"}) {
        CAPTURE(wrong);
        const auto s = traces({.endpoint = wrong});
        CHECK_FALSE(s.usable());
        CHECK(s.problem.find("traces: the endpoint ") == 0);
    }
}

TEST_CASE("credentials in an endpoint become a header, and are in no line") {
    const auto s = traces({.endpoint = "http://me%20too:hu%3Ash@c:4318?key=hush"});
    CHECK(s.to.url == "http://c:4318/v1/traces?key=hush");
    CHECK(s.to.headers == pairs{{"Authorization", "Basic bWUgdG9vOmh1OnNo"}});
    for (const char* wrong : {"ftp://me:hush@c", "me:hush@c:4318/x?key=hush", "http://me:hush@c:99999"})
        CHECK(said(traces({.endpoint = wrong})).find("hush") == std::string::npos);
}

TEST_CASE("headers that are none do not cost the credentials of the endpoint") {
    const auto s = traces({.endpoint = "http://u:p@c:4318", .headers = "api-key: 1"});
    CHECK(s.to.headers == pairs{{"Authorization", "Basic dTpw"}});
    CHECK(s.remarks.size() == 1);
    CHECK(traces({.endpoint = "http://u:p@c:4318", .headers = "api-key=1"}).to.headers ==
          pairs{{"api-key", "1"}, {"Authorization", "Basic dTpw"}});
}

TEST_CASE("headers are decoded; what could break out of them is left out") {
    CHECK(traces({.headers = "api-key=a%20b,x=1"}).to.headers == pairs{{"api-key", "a b"}, {"x", "1"}});
    CHECK(traces({.headers = "a=1", .traces = {.headers = "b=2"}}).to.headers == pairs{{"b", "2"}});
    CHECK(metrics({.headers = "a=1", .traces = {.headers = "b=2"}}).to.headers == pairs{{"a", "1"}});
    CHECK(traces({.headers = "a=1,"}).to.headers == pairs{{"a", "1"}});
    CHECK(traces({.headers = "content-length=3,a b=1,A;=1,x=2"}).to.headers == pairs{{"x", "2"}});
    CHECK(traces({.headers = "content-length=3,a b=1,A;=1,x=2"}).remarks.size() == 3);
    CHECK(traces({.endpoint = "http://u:p@c", .headers = "authorization=Bearer%20x"}).to.headers == pairs{{"authorization", "Bearer x"}});
    const auto injected = traces({.headers = "a=1%0d%0aHost: evil,b=2"});
    CHECK(injected.to.headers == pairs{{"b", "2"}});
    CHECK(said(injected).find("evil") == std::string::npos);
    CHECK(injected.remarks.size() == 1);
    const auto wrong = traces({.headers = "hush"});
    CHECK(wrong.to.headers.empty());
    CHECK(wrong.remarks.size() == 1);
    CHECK(said(wrong).find("hush") == std::string::npos);
}

TEST_CASE("the protocol: protobuf, JSON, and gRPC is refused by its name") {
    CHECK(traces({}).encoding == encoding::protobuf);
    CHECK(content_type(traces({})) == "application/x-protobuf");
    CHECK(traces({.protocol = "HTTP/JSON"}).encoding == encoding::json);
    CHECK(content_type(traces({.protocol = "http/json"})) == "application/json");
    CHECK(metrics({.protocol = "http/json", .metrics = {.protocol = "http/protobuf"}}).encoding == encoding::protobuf);
    const auto refused = traces({.protocol = "grpc"});
    CHECK_FALSE(refused.usable());
    CHECK(refused.problem.find("the protocol grpc is not spoken here; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf") != std::string::npos);
    CHECK(metrics({.traces = {.protocol = "grpc"}}).usable());
    CHECK(said(traces({.protocol = "carrier pigeon"})).find("\"carrier pigeon\" is unknown; using http/protobuf") != std::string::npos);
}

TEST_CASE("a signal's own options win, what it does not say is as for all") {
    const apm::otlp_options o{.compression = "gzip", .timeout = std::chrono::milliseconds(5), .certificate = "ca", .client_key = "key",
                              .client_certificate = "cert", .http_proxy = "http://p", .https_proxy = "http://s", .no_proxy = "*",
                              .traces = {.endpoint = "https://t/", .compression = "none", .timeout = std::chrono::milliseconds(0),
                                         .certificate = "own"}};
    const auto t = traces(o).to, m = metrics(o).to;
    CHECK_FALSE(t.gzip);
    CHECK(m.gzip);
    CHECK(t.timeout.count() == 0);
    CHECK(m.timeout.count() == 5);
    CHECK(t.certificate == "own");
    CHECK(m.certificate == "ca");
    CHECK(t.client_key == "key");
    CHECK(t.client_certificate == "cert");
    CHECK(t.proxy == "http://s");  // by the scheme of what is asked for
    CHECK(m.proxy == "http://p");
    CHECK(t.no_proxy == "*");
    CHECK(said(traces({.compression = "zstd"})).find("\"zstd\" is unknown; using none") != std::string::npos);
}

TEST_CASE("deltas") {
    CHECK_FALSE(metrics({}).delta);
    CHECK(metrics({.temporality = "DELTA"}).delta);
    CHECK(metrics({.temporality = "lowmemory"}).delta);
    CHECK_FALSE(metrics({.temporality = "dleta"}).delta);
    CHECK(said(metrics({.temporality = "dleta"})).find("\"dleta\" is unknown; using cumulative") != std::string::npos);
    CHECK(traces({.temporality = "dleta"}).remarks.empty());
}

TEST_CASE("a full queue: spans that come are refused; of cumulative metrics the oldest snapshot goes, of deltas none") {
    CHECK_FALSE(traces({}).to.drop_oldest);
    CHECK(metrics({}).to.drop_oldest);
    CHECK_FALSE(metrics({.temporality = "Delta"}).to.drop_oldest);
    CHECK(traces({.max_queue_size = 10}).to.queue_items == 10);
    CHECK(metrics({.max_queue_size = 10}).to.queue_items == 0);
}
