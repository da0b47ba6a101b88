// What failed, where, and what to do about it, in one line that holds no secret. For the delivery and for tools.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/pairs.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail::otlp {

namespace parts {

// What must not be printed, longest first: the values of headers, also without a word like "Bearer" before them, and what URLs
// have of passwords and queries. What is shorter than 3 bytes hides nothing.
inline std::vector<std::string> secrets_of(const destination& to) {
    std::vector<std::string> all;
    const auto add = [&all](std::string_view s) {
        if (s.size() >= 3) all.emplace_back(s);
    };
    for (const auto& [name, value] : to.headers) {
        add(value);
        if (const std::size_t space = value.find(' '); space != value.npos) add(std::string_view(value).substr(space + 1));
    }
    for (const std::string& secret : to.secrets) add(secret);
    for (const std::string_view url : {std::string_view(to.url), std::string_view(to.proxy)}) {
        const std::size_t from = end_of_scheme(url), end = end_of_credentials(url);
        if (end > from) {
            const std::string_view user = url.substr(from, end - 1 - from);
            add(user);
            if (const std::size_t colon = user.find(':'); colon != user.npos) add(user.substr(colon + 1));
        }
        // An @ may be of the query: then that begins before.
        for (const std::size_t query : {url.find('?', std::max(from, end)), url.find('?')}) {
            if (query == url.npos) continue;
            split(url.substr(query + 1), '&', [&add](std::string_view part) {
                const std::size_t equals = part.find('=');
                const std::string_view value = equals == part.npos ? part : part.substr(equals + 1);
                std::string plain;
                add(value);
                if (percent_decode(value, plain)) add(plain);
            });
        }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return all;
}

// A receiver's words: without secrets that it echoes, printable, 200 bytes at most.
inline std::string cleaned(std::string text, const destination& to) {
    constexpr std::size_t most = 200;
    const auto printable = [](std::string s) {
        for (char& c : s)
            if (c == '\n' || c == '\r' || c == '\t') c = ' ';
            else if (c < 0x20 || c > 0x7e) c = '?';
        return s;
    };
    const auto hide = [&text](const std::string& secret) {
        constexpr std::string_view hidden = "***";
        for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos; at += hidden.size())
            text.replace(at, secret.size(), hidden);
    };
    const std::vector<std::string> secrets = secrets_of(to);
    for (const std::string& s : secrets) hide(s);
    text = printable(std::move(text));
    for (const std::string& s : secrets) hide(printable(s));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text.size() > most) text.replace(most - 3, text.npos, "...");
    return text;
}

}  // namespace parts

// `kind` and `message`: as judge() says. Empty where all is well.
inline std::string explain(const destination& to, const reply& r, failure kind, const std::string& message = {}) {
    using namespace std::string_literals;
    if (kind == failure::none) return {};
    const std::string url = parsed_url_without_secrets(to.url);
    const std::string where = to.unix_socket.empty() ? url : url + " (by the socket " + to.unix_socket + ')';
    const bool direct = to.proxy.empty() || !to.unix_socket.empty();
    const std::string proxy = direct ? ""s : " (by the proxy " + url_without_secrets(to.proxy) + ')';
    const std::string because = r.detail.empty() ? ""s : ": " + parts::cleaned(r.detail, to);
    const std::string words = message.empty() ? ""s : ": \"" + parts::cleaned(message, to) + '"';
    const std::string answered = where + " answered with HTTP status " + std::to_string(r.status) + words;
    const bool grpc = parts::contains(to.url, ":4317");
    const std::string hint = grpc ? "; this looks like a gRPC port: OTLP over HTTP is usually 4318" : ""s;
    const std::string_view path = to.name == "metrics" ? "/v1/metrics" : "/v1/traces";
    const auto line = [&]() -> std::string {
        switch (kind) {
            case failure::none: break;
            case failure::name_not_found:
                return "the host of " + where + " is not known" + because + "; check the name in OTEL_EXPORTER_OTLP_ENDPOINT";
            case failure::refused:
                if (!direct)
                    return "cannot connect to " + where + proxy + because + "; start what is missing, or check HTTP_PROXY";
                return "nothing listens at " + where + hint + "; start a collector there or set OTEL_EXPORTER_OTLP_ENDPOINT";
            case failure::timeout:
                return "no answer in time from " + where + proxy + because + "; is it overloaded, or behind a firewall?";
            case failure::reset:
                return where + proxy + " cut the connection before it answered" + because +
                       // With TLS 1.3 one that misses a certificate may be gone before its alert is read.
                       (grpc ? hint
                        : to.url.starts_with("https:") && to.client_certificate.empty()
                            ? "; does it want a client certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)?"s
                            : "; is it a receiver of OTLP over HTTP?"s);
            case failure::not_http:
                return "what answers at " + where + " does not speak HTTP/1.1" +
                       (grpc ? hint : "; is this a gRPC port? OTLP over HTTP is usually 4318");
            case failure::proxy:
                return "the proxy " + url_without_secrets(to.proxy) + " does not connect to " + where + because +
                       (r.status ? " (HTTP status " + std::to_string(r.status) + ')' : ""s) +
                       "; check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY";
            case failure::tls_issuer:
                return "the certificate of " + where + " is of an unknown issuer" + because +
                       "; name the issuer's certificate in OTEL_EXPORTER_OTLP_CERTIFICATE";
            case failure::tls_host:
                return "the certificate of " + where + " is for another host name" + because +
                       "; use a name that it has, or a certificate for this one";
            case failure::tls_client:
                return where + " wants a client certificate" + because +
                       "; set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
            case failure::tls_file:
                return "cannot use a certificate or key for " + where + because + "; check that " +
                       (r.failed == CURLE_SSL_CACERT_BADFILE ? to.certificate : to.client_certificate + " and " + to.client_key) +
                       " are PEM files that this user may read";
            case failure::tls:
                return "no TLS connection to " + where + because +
                       (parts::contains(r.detail, "wrong version number") ? "; does it speak plain http://?"
                                                                          : "; check its certificate and TLS settings");
            case failure::bad_url:
                return "cannot use the URL " + where + because + "; set OTEL_EXPORTER_OTLP_ENDPOINT to http://host:4318";
            case failure::no_memory: return "no memory";
            case failure::other: return "sending to " + where + proxy + " failed" + because;
            case failure::redirect:
                return where + " redirects (HTTP status " + std::to_string(r.status) + ')' +
                       (r.location.empty() ? ""s : " to " + parts::cleaned(url_without_secrets(r.location), to)) +
                       ", which is not followed; set OTEL_EXPORTER_OTLP_ENDPOINT to where the receiver is";
            case failure::bad_request: return answered + "; it cannot read what we send: the batch is lost";
            case failure::credentials: return answered + "; credentials: set OTEL_EXPORTER_OTLP_HEADERS; the batch is lost";
            case failure::wrong_path:
                if (parts::contains(url, std::string(path) + std::string(path)))
                    return answered + "; OTEL_EXPORTER_OTLP_ENDPOINT is the base of both signals: leave out " +
                           std::string(path) + "; the batch is lost";
                return answered + "; wrong path: the URL should end in " + std::string(path) + "; the batch is lost";
            case failure::too_large:
                return answered + "; the batch is too large for it, and lost: raise its limit, or send fewer items at once";
            case failure::busy: return answered + "; it is overloaded or not ready: will try again";
            case failure::status: return answered + "; the batch is lost";
            case failure::reply_too_long:
                return where + " answers with more than " + std::to_string(to.max_reply_bytes) +
                       " bytes, which are not read; is it a receiver of OTLP?";
            case failure::partial: return where + " did not take all of a batch" + words;
            case failure::warning: return where + " took a batch and says" + words;
            case failure::unreadable:
                return where + " answered with HTTP status 200 and something that is no OTLP; is it a receiver of OTLP?";
            case failure::queue_full:
                return "more waits for " + where + " than the queue holds: " +
                       (to.drop_oldest ? "the oldest batches are lost" : "new batches are lost") +
                       "; is the receiver too slow, or gone?";
            case failure::spool: return message;
            case failure::gave_up:
                return "batches that " + where + " did not take for " +
                       std::to_string(std::chrono::duration_cast<std::chrono::seconds>(to.max_elapsed_time).count()) +
                       " s are lost";
            case failure::request_too_large:
                return "a batch of more than " + std::to_string(to.max_request_bytes) +
                       " bytes is not sent and lost; send fewer items at once";
            case failure::stopped: return message;
        }
        return {};
    }();
    return line.empty() ? line : to.name + ": " + line;
}

}  // namespace apm::inline APM_ABI::detail::otlp
