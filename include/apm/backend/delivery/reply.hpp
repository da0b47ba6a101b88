// What an answer, or the want of one, means for the batch: delivered, lost, or to be tried again.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <curl/curl.h>
#include <protozero/pbf_reader.hpp>

#include <apm/backend/delivery/destination.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// What came back from one attempt. Text is the receiver's own: not for printing as it is (explain.hpp).
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

// Another attempt within the same second or two would end like this one: nobody is there, or nobody who understands.
constexpr bool hopeless(failure f) {
    using enum failure;
    return f == name_not_found || f == refused || f == not_http || f == proxy || (f >= tls_issuer && f <= bad_url);
}

namespace parts {

constexpr bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

inline failure of_transfer(const reply& r) {
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

inline failure of_status(long status) {
    switch (status) {
        case 400: return failure::bad_request;
        case 401: case 403: return failure::credentials;
        case 404: case 405: return failure::wrong_path;
        case 407: return failure::proxy;
        case 413: return failure::too_large;
        case 429: case 502: case 503: case 504: return failure::busy;
        default: return status / 100 == 2 ? failure::none : status / 100 == 3 ? failure::redirect : failure::status;
    }
}

// What ExportTraceServiceResponse, its siblings, and google.rpc.Status have to say.
struct response {
    bool readable = true;
    std::int64_t rejected = 0;
    std::string message = {};
};

// A message that has a `message` with text in field 2: of ExportPartialSuccess (field 1 a count), or google.rpc.Status.
inline void read_fields(protozero::pbf_reader from, response& r, bool counts) {
    using protozero::pbf_wire_type, protozero::tag_and_type;
    while (from.next()) switch (from.tag_and_type()) {
        case tag_and_type(1, pbf_wire_type::varint): counts ? r.rejected = from.get_int64() : from.get_int64(); break;
        case tag_and_type(2, pbf_wire_type::length_delimited): r.message = from.get_string(); break;
        default: from.skip();
    }
}
inline void read_protobuf(std::string_view body, response& r, bool success) {
    using protozero::pbf_wire_type, protozero::tag_and_type;
    protozero::pbf_reader from(body.data(), body.size());
    if (!success) return read_fields(from, r, false);
    while (from.next()) {
        if (from.tag_and_type() == tag_and_type(1, pbf_wire_type::length_delimited)) read_fields(from.get_message(), r, true);
        else from.skip();
    }
}

// JSON, of which the names that mean something are picked out wherever they are: receivers differ in what is around them.
class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    void read(response& r) {
        const std::size_t begin = text_.find_first_not_of(" \t\r\n");
        r.readable = begin != text_.npos && text_[begin] == '{';
        while (r.readable && (at_ = text_.find('"', at_)) != text_.npos) {
            const std::string key = string();
            if (!accept(':')) continue;
            const bool quoted = accept('"', false);
            if (key == "errorMessage" || key == "error_message" || key == "message") {
                if (quoted) r.message = string();
            } else if (key.starts_with("rejected")) {  // an int64 is a string in JSON's mapping, and often a number
                const std::string number = quoted ? string() : std::string(text_.substr(at_, 20));
                std::int64_t n = 0;
                std::from_chars(number.data(), number.data() + number.size(), n);
                r.rejected = n;
            } else if (quoted) {
                static_cast<void>(string());
            }
        }
    }

private:
    bool accept(char c, bool take = true) {
        at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
        const bool there = at_ < text_.size() && text_[at_] == c;
        at_ += there && take;
        return there;
    }
    // What is between the quotes; escapes that are no character of ASCII's as '?'.
    std::string string() {
        std::string s;
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] != '\\') {
                s += text_[at_];
            } else if (++at_ < text_.size()) {
                const char c = text_[at_];
                if (c == 'u') at_ += 4;
                s += c == 'n' || c == 't' || c == 'r' ? ' ' : c == 'u' || c == 'b' || c == 'f' ? '?' : c;
            }
        }
        at_ = std::min(at_ + 1, text_.size());
        return s;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

inline response read(const reply& of, bool json_sent) {
    response r;
    if (of.body.empty()) return r;
    const bool json = contains(of.content_type, "json") || (json_sent && !contains(of.content_type, "protobuf"));
    const bool success = of.status >= 200 && of.status < 300;
    if (contains(of.content_type, "text/")) {  // of a web server, or a proxy, that knows nothing of OTLP
        r.readable = false;
        if (contains(of.content_type, "text/plain")) r.message = of.body.substr(0, 4096);
        return r;
    }
    try {
        if (json) json_reader(of.body).read(r);
        else read_protobuf(of.body, r, success);
    } catch (...) {  // what protozero throws at what is no protobuf
        r = {};
        r.readable = false;
    }
    return r;
}

}  // namespace parts

struct judgement {
    enum class what : std::uint8_t { delivered, again, lost } verdict = what::delivered;
    failure kind = failure::none;    // what there is to say; a success can have something, too
    loss cause = loss::rejected;     // where it is lost
    std::uint64_t rejected = 0;      // items of a success that the receiver did not take
    std::string message = {};        // the receiver's own
};

// As OTLP's specification has it: 2xx is a success, 429, 502, 503, 504 and no answer are worth another attempt, nothing else is.
inline judgement judge(const reply& r, std::uint64_t items, bool json_sent = false) {
    using what = judgement::what;
    judgement j;
    const failure transfer = parts::of_transfer(r);
    if (transfer == failure::reply_too_long) return {what::lost, transfer, loss::bad_reply};
    // A receiver that refuses early may cut the connection while the rest of the request is on its way.
    if (transfer != failure::none && r.status < 300) {
        const bool hopeless = transfer == failure::bad_url;
        return {hopeless ? what::lost : what::again, transfer};
    }
    j.kind = parts::of_status(r.status);
    const parts::response said = parts::read(r, json_sent);
    j.message = said.message;
    if (j.kind != failure::none) {
        j.verdict = j.kind == failure::busy ? what::again : what::lost;
        return j;
    }
    if (r.status != 200) return j;
    j.rejected = std::min(items, static_cast<std::uint64_t>(std::max<std::int64_t>(said.rejected, 0)));
    j.kind = !said.readable         ? failure::unreadable
             : j.rejected           ? failure::partial
             : !said.message.empty() ? failure::warning
                                     : failure::none;
    return j;
}

}  // namespace apm::inline APM_ABI::detail::otlp
