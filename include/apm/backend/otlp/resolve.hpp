// From the options of OTLP to one signal's destination.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/endpoint.hpp>
#include <apm/backend/otlp/encoding.hpp>
#include <apm/backend/otlp/options.hpp>
#include <apm/backend/otlp/protocol.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/pairs.hpp>
#include <apm/schema/apm.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// What is known of a signal before anything is sent.
struct signal {
    delivery::destination to;
    otlp::encoding encoding = otlp::encoding::protobuf;
    self::Exporter exporter{};
    std::size_t index = 0;             // of its destination in the delivery
    bool wanted = true;
    bool delta = false;                // of metrics
    std::vector<std::string> remarks;  // what was taken for what
    std::string problem;               // why it cannot be sent; empty: it can

    [[nodiscard]] bool usable() const { return wanted && problem.empty(); }
};

// Adds them to the destination, without those that would break the request: a line break begins another header, and some headers
// are libcurl's and ours.
inline void read_headers(signal& s, std::string_view list) {
    constexpr std::string_view ours[] = {"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Host",
                                         "Connection", "Expect"};
    while (list.ends_with(',')) list.remove_suffix(1);
    text_pairs pairs;
    std::string wrong;
    if (!read_pairs(list, pairs, wrong))
        s.remarks.push_back(s.to.name + ": the headers (OTEL_EXPORTER_OTLP_HEADERS) are no list name=value,name=value with "
                                        "percent-encoding; they are left out");
    for (auto& [name, value] : pairs) {
        const std::string_view given = name;
        const bool of_ours = std::any_of(std::begin(ours), std::end(ours), [&](auto h) { return equal_ignoring_case(h, given); });
        const bool odd = !std::all_of(name.begin(), name.end(), is_token) ||
                         std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
        if (of_ours) s.remarks.push_back(s.to.name + ": the header " + name + " is not yours to set; it is left out");
        else if (odd) s.remarks.push_back(s.to.name + ": a header that is none, or has control characters, is left out");
        else s.to.headers.emplace_back(std::move(name), std::move(value));
    }
}

// `name`: "traces", "metrics". Remarks and problems hold no secret.
inline signal resolve(const otlp_options& all, const otlp_signal_options& own, std::string_view name) {
    signal s;
    delivery::destination& to = s.to;
    to.name = name;
    to.protocol = &over_http;
    s.wanted = own.send;
    const bool spans = name == "traces";
    to.items = spans ? "spans" : "data points";
    const auto either = [](std::string_view mine, std::string_view common) { return mine.empty() ? common : mine; };

    const std::string_view base = all.endpoint.empty() ? "http://localhost:4318" : all.endpoint;
    // Of a signal's own endpoint the path is used as it is (OTLP's specification, "Endpoint URLs for OTLP/HTTP").
    const delivery::endpoint where =
        delivery::read_endpoint(own.endpoint.empty() ? base : own.endpoint, own.endpoint.empty() ? path_of(to.name) : "");
    to.url = where.url, to.unix_socket = where.unix_socket;
    if (!where.remark.empty()) {
        const std::string said = to.name + ": the endpoint " + url_without_secrets(own.endpoint.empty() ? base : own.endpoint);
        if (to.url.empty()) s.problem = said + " is of no use: " + where.remark;
        else s.remarks.push_back(said + ' ' + where.remark);
    }

    const std::string_view protocol = either(own.protocol, all.protocol);
    if (equal_ignoring_case(protocol, "http/json")) s.encoding = encoding::json;
    else if (equal_ignoring_case(protocol, "grpc"))
        s.problem = to.name + ": the protocol grpc is not spoken here; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and an "
                              "endpoint for OTLP over HTTP, whose port is 4318 as a rule";
    else if (!protocol.empty() && !equal_ignoring_case(protocol, "http/protobuf"))
        s.remarks.push_back(to.name + ": the protocol \"" + std::string(protocol) + "\" is unknown; using http/protobuf");
    const bool json = s.encoding == encoding::json;
    to.encoding = static_cast<std::uint8_t>(s.encoding);
    using enum self::Exporter;
    s.exporter = spans ? json ? otlp_http_json_span_exporter : otlp_http_span_exporter
                       : json ? otlp_http_json_metric_exporter : otlp_http_metric_exporter;

    const std::string_view compression = either(own.compression, all.compression);
    to.gzip = equal_ignoring_case(compression, "gzip");
    if (!to.gzip && !compression.empty() && !equal_ignoring_case(compression, "none"))
        s.remarks.push_back(to.name + ": the compression \"" + std::string(compression) + "\" is unknown; using none");

    to.secrets = where.secrets;
    read_headers(s, either(own.headers, all.headers));
    const bool credentials = std::any_of(to.headers.begin(), to.headers.end(),
                                         [](const auto& h) { return equal_ignoring_case(h.first, "Authorization"); });
    if (!where.authorization.empty() && !credentials) to.headers.emplace_back("Authorization", where.authorization);
    to.timeout = own.timeout.count() < 0 ? all.timeout : own.timeout;
    to.certificate = either(own.certificate, all.certificate);
    to.client_key = either(own.client_key, all.client_key);
    to.client_certificate = either(own.client_certificate, all.client_certificate);
    to.proxy = equal_ignoring_case(std::string_view(to.url).substr(0, 8), "https://") ? all.https_proxy : all.http_proxy;
    to.no_proxy = all.no_proxy;
    to.queue_bytes = all.queue_bytes;
    to.queue_items = spans ? all.max_queue_size : 0;
    // `lowmemory` differs from `delta` for observed counters only, where cumulative saves memory in other libraries, not here.
    s.delta = equal_ignoring_case(all.temporality, "delta") || equal_ignoring_case(all.temporality, "lowmemory");
    if (!spans && !s.delta && !equal_ignoring_case(all.temporality, "cumulative"))
        s.remarks.push_back(to.name + ": the temporality \"" + std::string(all.temporality) + "\" is unknown; using cumulative");
    to.drop_oldest = !spans && !s.delta;  // the newest cumulative snapshot replaces all before it
    to.max_elapsed_time = all.max_elapsed_time;
    to.spool_directory = all.spool_directory;
    to.spool_bytes = all.spool_bytes;
    return s;
}

}  // namespace apm::inline APM_ABI::detail::otlp
