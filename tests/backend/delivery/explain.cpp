// ctest: LABELS serial
#include <apm/backend/delivery/explain.hpp>

#include <string>

#include "../../catch.hpp"
#include <apm/backend/delivery/judgement.hpp>
#include "backend/delivery/sending.hpp"

using namespace apm::detail::delivery;

namespace {

destination there(std::string url = "http://collector:4318/v1/traces") {
    destination d;
    d.name = "traces";
    d.url = std::move(url);
    d.protocol = &apm::detail::otlp::over_http;
    return d;
}
reply broke(CURLcode code, std::string detail = {}) {
    reply r;
    r.failed = code, r.detail = std::move(detail);
    return r;
}
reply answered(long status) {
    reply r;
    r.status = status;
    return r;
}
std::string line_of(const destination& d, const reply& r, const std::string& message = {}) {
    return explain(d, r, judge(*d.protocol, r, 1).kind, message);
}

}  // namespace

TEST_CASE("every failure is one line with the signal and something to do") {
    for (int i = 1; i <= static_cast<int>(failure::stopped); ++i) {
        const auto kind = static_cast<failure>(i);
        CAPTURE(i);
        const std::string line = explain(there(), answered(500), kind, "words");
        CHECK(line.starts_with("traces: "));
        CHECK(line.size() > std::string_view("traces: ").size());
        CHECK_FALSE(contains(line, "\n"));
    }
    CHECK(explain(there(), answered(200), failure::none).empty());
}

TEST_CASE("a port of gRPC is recognized") {
    const destination grpc = there("http://collector:4317/v1/traces");
    for (const reply& r : {broke(CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed"), broke(CURLE_RECV_ERROR, "reset"),
                           broke(CURLE_GOT_NOTHING), broke(CURLE_WEIRD_SERVER_REPLY), broke(CURLE_COULDNT_CONNECT, "Connection refused")})
        CHECK(contains(line_of(grpc, r), "this looks like a gRPC port: OTLP over HTTP is usually 4318"));
    CHECK(contains(line_of(there("http://c:5000/"), broke(CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed")),
                   "is this a gRPC port? OTLP over HTTP is usually 4318"));
}

TEST_CASE("a connection that is cut may be for want of a certificate") {
    destination d = there("https://collector/v1/traces");
    CHECK(contains(line_of(d, broke(CURLE_RECV_ERROR, "getpeername() failed")), "does it want a client certificate"));
    d.client_certificate = "/me.pem";
    CHECK_FALSE(contains(line_of(d, broke(CURLE_RECV_ERROR, "getpeername() failed")), "client certificate"));
}

TEST_CASE("TLS fails for reasons that differ") {
    const auto line = [](CURLcode code, const char* detail) {
        destination d = there("https://collector/v1/traces");
        d.certificate = "/ca.pem", d.client_certificate = "/me.pem", d.client_key = "/me.key";
        return line_of(d, broke(code, detail));
    };
    CHECK(contains(line(CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: unable to get local issuer certificate"), "OTEL_EXPORTER_OTLP_CERTIFICATE"));
    CHECK(contains(line(CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate"), "OTEL_EXPORTER_OTLP_CERTIFICATE"));
    CHECK(contains(line(CURLE_PEER_FAILED_VERIFICATION, "SSL: no alternative certificate subject name matches target host name 'x'"), "another host name"));
    CHECK(contains(line(CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate has expired"), "certificate has expired"));
    CHECK(contains(line(CURLE_RECV_ERROR, "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0"), "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"));
    CHECK(contains(line(CURLE_SSL_CONNECT_ERROR, "error:0A000410:SSL routines::sslv3 alert handshake failure"), "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"));
    CHECK(contains(line(CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number"), "plain http://"));
    CHECK(contains(line(CURLE_SSL_CACERT_BADFILE, "error adding trust anchors"), "/ca.pem are PEM files"));
    CHECK(contains(line(CURLE_SSL_CERTPROBLEM, "could not load"), "/me.pem and /me.key are PEM files"));
}

TEST_CASE("secrets are nowhere, whatever the receiver, or libcurl, says") {
    destination d = there("http://me:url-secret@collector/v1/traces?api=query-secret");
    d.headers = {{"authorization", "Bearer token-secret"}, {"x-key", "odd\xffsecret"}, {"x-short", "1"}};
    d.proxy = "http://me:proxy-secret@proxy:1";
    const std::string said = "Bearer token-secret token-secret odd\xffsecret url-secret proxy-secret query-secret me:url-secret 1";
    for (int i = 1; i <= static_cast<int>(failure::partial); ++i) {
        reply r = broke(CURLE_RECV_ERROR, said);
        r.status = 302, r.location = "http://other/" + said + "?" + said;
        const std::string line = explain(d, r, static_cast<failure>(i), said);
        CAPTURE(line);
        CHECK_FALSE(contains(line, "secret"));
    }
}

TEST_CASE("a query with an @ is a query still") {
    const destination d = there("http://collector:1/v1/traces?token=query%2Dsecret&mail=a@b");
    const std::string line = explain(d, broke(CURLE_RECV_ERROR, "query-secret and query%2Dsecret"), failure::reset, "query-secret");
    CAPTURE(line);
    CHECK_FALSE(contains(line, "secret"));
    CHECK(contains(line, "http://collector:1/v1/traces"));
}

TEST_CASE("a receiver's words are printable, and not many") {
    const destination d = there();
    CHECK(cleaned("a\r\nb\tc\x1b[0m\x7f\xc3\xa4  \n", d) == "a  b c?[0m???");
    CHECK(cleaned(std::string(1000, 'x'), d) == std::string(197, 'x') + "...");
    destination with = there();
    with.headers = {{"k", std::string(300, 's')}};
    CHECK(cleaned(std::string(100, 'x') + std::string(300, 's'), with) == std::string(100, 'x') + "***");  // before it is cut
}
