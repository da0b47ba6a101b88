// ctest: LABELS serial
#include <apm/backend/http/route.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"

using apm::detail::http_answer;
using apm::detail::http_request;
using apm::detail::is_address;

namespace {

http_answer nothing(const http_request&) { return {}; }

// The status that a request is refused with; 0: it is not.
struct served {
    apm::detail::http_routes routes;
    served() {
        routes.add({.path = "/metrics", .answer = nothing, .credentials = {"Basic", "dTpw", "metrics"}});
        routes.add({.path = "/open", .answer = nothing});
        routes.add({.path = "/change", .answer = nothing, .credentials = {"Bearer", "t", "c"}, .most_bytes = 10, .only_local = true});
    }
    [[nodiscard]] int status(const http_request& r) const {
        const auto refused = routes.refusal(routes.find(r.path), r);
        return refused ? refused->status : 0;
    }
};

}  // namespace

TEST_CASE("what a path is for, and by which methods") {
    const served s;
    CHECK(s.status({.method = "GET", .path = "/nowhere"}) == 404);
    for (const char* method : {"GET", "HEAD"}) CHECK(s.status({.method = method, .path = "/open"}) == 0);
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) CHECK(s.status({.method = method, .path = "/open"}) == 405);
    // What a browser asks before a page of another site may do more is refused like any other request.
    CHECK(s.status({.method = "OPTIONS", .path = "/change", .headers = {{"Access-Control-Request-Method", "POST"}}, .is_local = true}) == 401);
    CHECK(s.status({.method = "OPTIONS", .path = "/change", .headers = {{"Authorization", "Bearer t"}}, .is_local = true}) == 405);
    CHECK(s.status({.method = "GET", .path = "/change", .headers = {{"Authorization", "Bearer t"}}}) == 403);
}

TEST_CASE("credentials: the scheme has no case, the secret has") {
    const served s;
    const auto with = [&](const char* value) { return s.status({.method = "GET", .path = "/metrics", .headers = {{"authorization", value}}}); };
    for (const char* right : {"Basic dTpw", "basic dTpw", "BASIC  dTpw", " bAsIc dTpw\t"}) CHECK(with(right) == 0);
    for (const char* wrong : {"", "Basic", "Basic ", "Basic dtpw", "Basic dTpw=", "Basic dTp", "Bearer dTpw", "dTpw", "BasicdTpw"})
        CHECK(with(wrong) == 401);
    CHECK(s.status({.method = "GET", .path = "/metrics", .headers = {{"Authorization", "Basic dTpw"}, {"Authorization", "Basic x"}}}) == 401);
}

TEST_CASE("a name that an attacker's DNS may lead here is refused") {
    for (const char* own : {"127.0.0.1", "127.0.0.1:9464", "localhost", "LOCALHOST:1", "a.localhost:80", "[::1]", "[::1]:9464", "10.1.2.3"})
        CHECK(is_address(own));
    for (const char* name : {"", "evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "::1", "[x]",
                             "notlocalhost", "127.0.0.1@evil.example"})
        CHECK_FALSE(is_address(name));
    served s;
    const auto of = [&](const char* path, const char* host) {
        return s.status({.method = "GET", .path = path, .headers = {{"Host", host}, {"Authorization", "Bearer t"}}, .is_local = true});
    };
    CHECK(of("/open", "evil.example") == 0);  // other machines come by any name
    CHECK(of("/change", "evil.example") == 421);
    CHECK(of("/change", "localhost") == 0);
    s.routes.only_by_address();
    CHECK(of("/open", "evil.example") == 421);
    CHECK(of("/open", "127.0.0.1:1") == 0);
    CHECK(s.status({.method = "GET", .path = "/open", .headers = {{"Host", "localhost"}}, .authority = "evil.example"}) == 421);
    CHECK(s.status({.method = "GET", .path = "/open", .headers = {{"Host", "localhost"}, {"Host", "evil.example"}}}) == 400);
}

TEST_CASE("lengths") {
    const served s;
    const auto sized = [&](const char* length) {
        return s.status({.method = "POST", .path = "/change",
                         .headers = {{"Authorization", "Bearer t"}, {"Content-Length", length}}, .is_local = true});
    };
    for (const char* right : {"0", "10", "05"}) CHECK(sized(right) == 0);
    for (const char* wrong : {"", "-1", "+5", "0x5", "5a", "5, 6", "1e1", "99999999999999999999"}) CHECK(sized(wrong) == 400);
    for (const char* wrong : {"11", "9999999999"}) CHECK(sized(wrong) == 413);
    CHECK(s.status({.method = "PUT", .path = "/change", .headers = {{"Authorization", "Bearer t"}}, .is_local = true}) == 411);
    CHECK(s.status({.method = "PUT", .path = "/change",
                    .headers = {{"Authorization", "Bearer t"}, {"Content-Length", "5"}, {"Content-Length", "5"}}, .is_local = true}) == 400);
}

TEST_CASE("lines of one header are one list") {
    const http_request r{.method = "GET", .path = "/", .headers = {{"Accept", "a;q=0.1"}, {"Host", "h"}, {"ACCEPT", "b"}, {"X", ""}}};
    CHECK(r.header("accept") == "a;q=0.1, b");
    CHECK(r.header("x").empty());
    CHECK(r.header("y").empty());
    CHECK(r.count("accept") == 2);
}
