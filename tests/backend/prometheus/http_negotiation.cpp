// ctest: LABELS serial
#include <apm/backend/prometheus/http_negotiation.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace http = apm::detail::http;

TEST_CASE("the format, by Accept") {
    const struct {
        const char* accept;
        bool openmetrics;
    } cases[] = {
        // Prometheus 3, with and without protobuf; Prometheus 2; VictoriaMetrics' and an OpenTelemetry collector's are like these
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
         "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
         "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
         "*/*;q=0.1", true},
        {"application/openmetrics-text", true},
        {"APPLICATION/OpenMetrics-Text; Version=1.0.0", true},
        {" application/openmetrics-text ; version = 1.0.0 ; q = 0.5 ", true},
        {"\tapplication/openmetrics-text;q=0.001", true},
        {"application/openmetrics-text;version=\"1.0.0\"", true},  // RFC 9110: a parameter may be quoted
        {"application/openmetrics-text;q=0.5,text/plain;q=0.5", true},
        {"text/plain;q=0.4, application/openmetrics-text;q=0.5", true},
        {"application/openmetrics-text;q=2", true},
        // text
        {"", false},
        {"*/*", false},
        {"text/plain", false},
        {"text/plain;version=0.0.4", false},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", false},  // a browser
        {"application/json", false},
        {"application/openmetrics-text;version=0.0.1", false},  // we have 1.0.0 only
        {"application/openmetrics-text;version=2.0.0", false},
        {"application/openmetrics-text;q=0", false},
        {"application/openmetrics-text;q=-1", false},
        {"application/openmetrics-text;q=nan", false},
        {"application/openmetrics-text;q=", false},
        {"application/openmetrics-text;q=x", false},
        {"application/openmetrics-text;q=0.3,text/plain;q=0.4", false},
        {"application/openmetrics-textual", false},
        {"openmetrics-text", false},
        {";;;,,,===", false},
        {",", false},
    };
    for (const auto& c : cases) {
        CAPTURE(c.accept);
        CHECK(http::prefers_openmetrics(c.accept) == c.openmetrics);
    }
}

TEST_CASE("gzip, by Accept-Encoding") {
    const struct {
        const char* encoding;
        bool gzip;
    } cases[] = {
        {"gzip", true}, {"GZIP", true}, {"x-gzip", true}, {"gzip, deflate, br, zstd", true}, {"deflate,gzip;q=0.5", true},
        {"*", true}, {"*;q=0.1", true}, {"identity;q=0.5, *;q=0.2", true}, {" gzip ; q = 1.0 ", true}, {"identity, gzip;q=0.001", true},
        {"", false}, {"identity", false}, {"br", false}, {"gzip;q=0", false}, {"gzip;q=0.0", false}, {"gzip;q=0, *", false},
        {"*;q=0", false}, {"gzipped", false}, {"gzi", false}, {";q=1", false}, {",,", false},
    };
    for (const auto& c : cases) {
        CAPTURE(c.encoding);
        CHECK(http::accepts_gzip(c.encoding) == c.gzip);
    }
}

TEST_CASE("any bytes are a header") {
    std::mt19937 random(42);  // NOLINT: the same bytes each time
    const std::string_view words[] = {"application/openmetrics-text", "text/plain", "gzip", ";", ",", "=", "q", "version", "1.0.0", "0.5",
                                      " ", "\t", "*", "\"", "1e999", "-", "inf", "nan", "999999999999999999999999"};
    for (int i = 0; i < 100'000; ++i) {
        std::string header;
        for (auto n = random() % 12; n > 0; --n) {
            if (random() % 2) header += words[random() % std::size(words)];
            else header += static_cast<char>(random());
        }
        // A heap copy of just that size, so that a sanitizer sees a read beyond it.
        const std::string exact(header.data(), header.size());
        [[maybe_unused]] const bool open = http::prefers_openmetrics(exact), packed = http::accepts_gzip(exact);
    }
    CHECK(http::prefers_openmetrics(std::string(1 << 20, ',') + "application/openmetrics-text"));
}
