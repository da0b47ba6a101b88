// What failed, where, and what to do about it, in one line that holds no secret. For the delivery and for tools.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/redaction.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/config.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Whether it may be for want of one that a connection is cut.
inline bool wants_certificate(const destination& to) { return to.url.starts_with("https:") && to.client_certificate.empty(); }

// `kind` and `message`: as judge() says. Empty where all is well.
inline std::string explain(const destination& to, const reply& r, failure kind, const std::string& message = {}) {
    using namespace std::string_literals;
    if (kind == failure::none) return {};
    const std::string url = parsed_url_without_secrets(to.url);
    const std::string where = to.unix_socket.empty() ? url : url + " (by the socket " + to.unix_socket + ')';
    const bool direct = to.proxy.empty() || !to.unix_socket.empty();
    const std::string proxy = direct ? ""s : " (by the proxy " + url_without_secrets(to.proxy) + ')';
    const std::string because = r.detail.empty() ? ""s : ": " + cleaned(r.detail, to);
    const std::string words = message.empty() ? ""s : ": \"" + cleaned(message, to) + '"';
    const std::string answered = where + " answered with HTTP status " + std::to_string(r.status) + words;
    const std::string name(to.protocol->name);
    // The protocol's own advice, else the general one.
    const auto advice = [&](std::string_view general) {
        const std::string own = to.protocol->advice ? to.protocol->advice(kind, to) : ""s;
        return "; " + (own.empty() ? std::string(general) : own);
    };
    const auto line = [&]() -> std::string {
        switch (kind) {
            case failure::none: break;
            case failure::name_not_found:
                return "the host of " + where + " is not known" + because + advice("check the name");
            case failure::refused:
                if (!direct)
                    return "cannot connect to " + where + proxy + because + "; start what is missing, or check HTTP_PROXY";
                return "nothing listens at " + where + advice("start what is to listen there, or name another address");
            case failure::timeout:
                return "no answer in time from " + where + proxy + because + "; is it overloaded, or behind a firewall?";
            case failure::reset:
                // With TLS 1.3 one that misses a certificate may be gone before its alert is read.
                return where + proxy + " cut the connection before it answered" + because +
                       advice(wants_certificate(to) ? "does it want a client certificate?" : "does it speak HTTP?");
            case failure::not_http:
                return "what answers at " + where + " does not speak HTTP/1.1" + advice("is it the right port?");
            case failure::proxy:
                return "the proxy " + url_without_secrets(to.proxy) + " does not connect to " + where + because +
                       (r.status ? " (HTTP status " + std::to_string(r.status) + ')' : ""s) +
                       "; check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY";
            case failure::tls_issuer:
                return "the certificate of " + where + " is of an unknown issuer" + because +
                       advice("name the issuer's certificate");
            case failure::tls_host:
                return "the certificate of " + where + " is for another host name" + because +
                       "; use a name that it has, or a certificate for this one";
            case failure::tls_client:
                return where + " wants a client certificate" + because + advice("name one, and its key");
            case failure::tls_file:
                return "cannot use a certificate or key for " + where + because + "; check that " +
                       (r.failed == CURLE_SSL_CACERT_BADFILE ? to.certificate : to.client_certificate + " and " + to.client_key) +
                       " are PEM files that this user may read";
            case failure::tls:
                return "no TLS connection to " + where + because +
                       (contains(r.detail, "wrong version number") ? "; does it speak plain http://?"
                                                                   : "; check its certificate and TLS settings");
            case failure::bad_url:
                return "cannot use the URL " + where + because + advice("write it as http://host:port/path");
            case failure::no_memory: return "no memory";
            case failure::other: return "sending to " + where + proxy + " failed" + because;
            case failure::redirect:
                return where + " redirects (HTTP status " + std::to_string(r.status) + ')' +
                       (r.location.empty() ? ""s : " to " + cleaned(url_without_secrets(r.location), to)) +
                       ", which is not followed" + advice("name the address where the receiver is");
            case failure::bad_request: return answered + "; it cannot read what we send: the batch is lost";
            case failure::credentials: return answered + advice("check the credentials") + "; the batch is lost";
            case failure::wrong_path: return answered + advice("check the path") + "; the batch is lost";
            case failure::too_large:
                return answered + "; the batch is too large for it, and lost: raise its limit, or send fewer items at once";
            case failure::busy: return answered + "; it is overloaded or not ready: will try again";
            case failure::status: return answered + "; the batch is lost";
            case failure::reply_too_long:
                return where + " answers with more than " + std::to_string(to.max_reply_bytes) +
                       " bytes, which are not read" + advice("is it a receiver of " + name + '?');
            case failure::partial: return where + " did not take all of a batch" + words;
            case failure::warning: return where + " took a batch and says" + words;
            case failure::unreadable:
                return where + " answered with HTTP status " + std::to_string(r.status) + " and something that is no " + name +
                       advice("is it a receiver of " + name + '?');
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

}  // namespace apm::inline APM_ABI::detail::delivery
