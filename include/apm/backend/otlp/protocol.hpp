// OTLP over HTTP, as the delivery speaks it: how bodies are named and sent, how replies are read, and what to do about failures.
#pragma once

#include <cstdint>
#include <string>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/protocol.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/backend/otlp/encoding.hpp>
#include <apm/backend/otlp/response.hpp>
#include <apm/config.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// The path that is appended to an endpoint of all signals.
inline std::string path_of(const std::string& signal) { return "v1/" + signal; }

// Names the variables of the environment, since these are how most programs are set up.
inline std::string advice(delivery::failure kind, const delivery::destination& to) {
    using enum delivery::failure;
    const bool grpc = delivery::contains(to.url, ":4317");
    const std::string hint = grpc ? "this looks like a gRPC port: OTLP over HTTP is usually 4318" : "";
    const std::string path = '/' + path_of(to.name);
    switch (kind) {
        case name_not_found: return "check the name in OTEL_EXPORTER_OTLP_ENDPOINT";
        case refused: return hint + (grpc ? "; " : "") + "start a collector there or set OTEL_EXPORTER_OTLP_ENDPOINT";
        case reset:
            if (grpc) return hint;
            return delivery::wants_certificate(to)
                       ? "does it want a client certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)?"
                       : "is it a receiver of OTLP over HTTP?";
        case not_http: return grpc ? hint : "is this a gRPC port? OTLP over HTTP is usually 4318";
        case tls_issuer: return "name the issuer's certificate in OTEL_EXPORTER_OTLP_CERTIFICATE";
        case tls_client: return "set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
        case bad_url: return "set OTEL_EXPORTER_OTLP_ENDPOINT to http://host:4318";
        case redirect: return "set OTEL_EXPORTER_OTLP_ENDPOINT to where the receiver is";
        case credentials: return "credentials: set OTEL_EXPORTER_OTLP_HEADERS";
        case wrong_path:
            if (delivery::contains(parsed_url_without_secrets(to.url), path + path))
                return "OTEL_EXPORTER_OTLP_ENDPOINT is the base of both signals: leave out " + path;
            return "wrong path: the URL should end in " + path;
        default: return {};
    }
}

// In the order of the enum.
inline constexpr delivery::encoding encodings[] = {{"protobuf", "application/x-protobuf"}, {"json", "application/json"}};

inline constexpr delivery::protocol over_http{
    .name = "OTLP",
    .user_agent = "apm/" APM_VERSION " OTel-OTLP-Exporter-Cpp/" APM_VERSION,
    .thread_name = "apm-otlp",
    .file_ending = "otlp",
    .encodings = encodings,
    .read = [](const delivery::reply& r, std::uint8_t sent) { return read_response(r, static_cast<encoding>(sent)); },
    .advice = advice,
};

}  // namespace apm::inline APM_ABI::detail::otlp
