// ctest: LABELS serial
#include <apm/backend/otlp/older_endpoint.hpp>

#include <string>
#include <utility>

#include "catch.hpp"

using apm::detail::otlp_over_http;

TEST_CASE("addresses of Jaeger's older protocols, and of gRPC, are those of OTLP over HTTP at the same host") {
    const std::pair<const char*, const char*> cases[] = {
        {"http://localhost:14268/api/traces", "http://localhost:4318"},
        {"http://jaeger-collector:14268/api/traces", "http://jaeger-collector:4318"},
        {"http://jaeger:14268/api/traces?format=jaeger.thrift", "http://jaeger:4318"},
        {"https://jaeger:14268/api/traces/", "https://jaeger:4318"},
        {"localhost", "http://localhost:4318"},
        {"https://vendor.example/otlp", "https://vendor.example/otlp"},
        {"jaeger.observability.svc.cluster.local", "http://jaeger.observability.svc.cluster.local:4318"},
        {"agent:6831", "http://agent:4318"},
        {"http://localhost:4317", "http://localhost:4318"},
        {"http://collector", "http://collector"},
        {"HTTPS://u:p@collector:4317", "https://u:p@collector:4318"},
        {"grpcs://collector:4317", "https://collector:4318"},
        {"unix:///run/otlp.sock", "unix:///run/otlp.sock"},
        {"grpc://collector:4317", "http://collector:4318"},
        {"http://localhost:4318", "http://localhost:4318"},
        {"http://localhost:4318/", "http://localhost:4318"},
        {"http://c:9999/base", "http://c:9999/base"},
        {"[::1]:14250", "http://[::1]:4318"},
        {"[::1]", "http://[::1]:4318"},
        {"http://me:secret@jaeger:14268/api/traces", "http://me:secret@jaeger:4318"},
    };
    for (const auto& [given, expected] : cases) {
        CAPTURE(given);
        CHECK(otlp_over_http(given) == expected);
    }
}
