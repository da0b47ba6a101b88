// What came back from one attempt, and which kind of failure that is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include <apm/backend/delivery/protocol.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// A receiver's text: not for printing as it is (redaction.hpp).
struct reply {
    long status = 0;          // of HTTP; 0: no answer
    CURLcode failed = CURLE_OK;  // of the transfer
    bool too_long = false;    // longer than the destination allows
    std::string detail = {};  // curl's words for what failed
    std::string content_type = {}, retry_after = {}, location = {};
    std::string body = {};
    std::chrono::nanoseconds duration{};
};

enum class failure : std::uint8_t {
    none,
    // without an answer
    name_not_found, refused, timeout, reset, not_http, proxy, tls_issuer, tls_host, tls_client, tls_file, tls, bad_url, no_memory,
    other,
    // answers
    redirect, bad_request, credentials, wrong_path, too_large, busy, status, reply_too_long, partial, warning, unreadable,
    // before there was a request
    queue_full, spool, gave_up, request_too_large, stopped,
};

// Another attempt within the same second or two would end like this one: nothing is there, or nothing that understands.
constexpr bool unreachable(failure f) {
    using enum failure;
    return f == name_not_found || f == refused || f == not_http || f == proxy || (f >= tls_issuer && f <= bad_url);
}

constexpr bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

inline failure failure_of_transfer(const reply& r) {
    const std::string_view words = r.detail;
    if (r.too_long) return failure::reply_too_long;
    // With TLS 1.3 the client has done its part of the handshake before the receiver misses a certificate.
    if (contains(words, "certificate required") || (contains(words, "alert") && contains(words, "bad certificate")) ||
        (r.failed == CURLE_SSL_CONNECT_ERROR && contains(words, "alert handshake failure")))
        return failure::tls_client;
    switch (r.failed) {
        case CURLE_OK: return failure::none;
        case CURLE_COULDNT_RESOLVE_HOST: return failure::name_not_found;
        case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_PROXY: return failure::proxy;
        case CURLE_COULDNT_CONNECT: return failure::refused;
        case CURLE_OPERATION_TIMEDOUT: return failure::timeout;
        case CURLE_WEIRD_SERVER_REPLY: return failure::not_http;
        case CURLE_UNSUPPORTED_PROTOCOL:
            return contains(words, "HTTP/0.9") || contains(words, "HTTP version") ? failure::not_http : failure::bad_url;
        case CURLE_URL_MALFORMAT: return failure::bad_url;
        case CURLE_RECV_ERROR: return contains(words, "CONNECT") ? failure::proxy : failure::reset;
        case CURLE_GOT_NOTHING: case CURLE_SEND_ERROR: case CURLE_PARTIAL_FILE: return failure::reset;
        case CURLE_PEER_FAILED_VERIFICATION: return contains(words, "subject name") ? failure::tls_host
                                                  : contains(words, "issuer") || contains(words, "self-signed") ||
                                                            contains(words, "self signed")
                                                      ? failure::tls_issuer
                                                      : failure::tls;
        case CURLE_SSL_CERTPROBLEM: case CURLE_SSL_CACERT_BADFILE: return failure::tls_file;
        case CURLE_SSL_CONNECT_ERROR: case CURLE_SSL_CIPHER: case CURLE_SSL_ISSUER_ERROR: return failure::tls;
        case CURLE_OUT_OF_MEMORY: return failure::no_memory;
        default: return failure::other;
    }
}

inline failure failure_of_status(long status, bool retryable) {
    if (retryable) return failure::busy;
    switch (status) {
        case 400: return failure::bad_request;
        case 401: case 403: return failure::credentials;
        case 404: case 405: return failure::wrong_path;
        case 407: return failure::proxy;
        case 413: return failure::too_large;
        default: return status / 100 == 2 ? failure::none : status / 100 == 3 ? failure::redirect : failure::status;
    }
}

}  // namespace apm::inline APM_ABI::detail::delivery
