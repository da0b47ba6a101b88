// A call from one service to another, seen from both ends. This is all that a trace needs to go on in the next process: the
// client sends the context of its span in the request's headers, the server makes it current before it begins a span of its own.
#pragma once

#include <string>
#include <string_view>

#include <apm/propagation.hpp>
#include <apm/schema/shop.hpp>

#include "http.hpp"

namespace shop {

// A neighbour, as the command line has it.
struct Service {
    std::string url;   // http://127.0.0.1:40001
    http::Address address;

    explicit Service(const std::string& at) : url(at) { http::is_address(at, address); }
};

// The client's end. An answer above 399, or none, is an error of this span's; whether it is one of the caller's, the caller says.
// (Inline, so that with APM off nothing is left of the row, not even its address.)
template <class Row>
[[gnu::always_inline]] inline http::Answer call(const Row& row, const Service& to, std::string_view path,
                                                const std::string& body) {
    const std::string url = to.url + std::string(path);
    auto span = row.scope({.verb = Verb::POST, .url = url, .host = to.address.host, .port = to.address.port});
    http::Headers headers;
    apm::add_trace_context(headers);
    http::Answer a = http::post(url, headers, body);
    if (a.status != 0) span.template set<&Call::status>(a.status);
    if (a.status == 0) span.status(apm::span_status::error, a.body);
    else if (a.status >= 400) span.status(apm::span_status::error);
    return a;
}

// The server's end. A client's mistake is no error of ours: only what is above 499 is.
template <class Row, class Handler>
[[gnu::always_inline]] inline http::Answer serve(const Row& row, const http::Request& request, Handler&& handler) {
    const auto caller = apm::attach(apm::extract(request.headers));
    auto span = row.scope({.verb = request.verb == "POST" ? Verb::POST : Verb::GET, .path = request.path});
    http::Answer a = handler(request);
    span.template set<&Visit::status>(a.status);
    if (a.status >= 500) span.status(apm::span_status::error);
    return a;
}

}  // namespace shop
