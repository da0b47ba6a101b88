// From the options of OTLP to one signal's destination.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/backend/otlp/destination.hpp>
#include <apm/backend/otlp/encoding.hpp>
#include <apm/backend/otlp/endpoint.hpp>
#include <apm/backend/otlp_options.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/pairs.hpp>
#include <apm/schema/apm.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// What is known of a signal before anything is sent.
struct signal {
    destination to;
    otlp::encoding encoding = otlp::encoding::protobuf;
    self::Exporter exporter{};
    std::size_t index = 0;             // of its destination in the delivery
    bool wanted = true;
    std::vector<std::string> remarks;  // what was taken for what
    std::string problem;               // why it cannot be sent; empty: it can

    [[nodiscard]] bool usable() const { return wanted && problem.empty(); }
};

// `name`: "traces", "metrics". Of no option does a secret get into a remark or a problem.
inline signal resolve(const otlp_options& all, const otlp_signal_options& own, std::string_view name) {
    signal s;
    destination& to = s.to;
    to.name = name;
    s.wanted = own.send;
    const bool spans = name == "traces";
    const auto either = [](std::string_view mine, std::string_view everybodys) { return mine.empty() ? everybodys : mine; };

    const std::string_view base = all.endpoint.empty() ? "http://localhost:4318" : all.endpoint;
    const endpoint where = resolve(own.endpoint.empty() ? base : own.endpoint, own.endpoint.empty() ? "v1/" + to.name : "");
    to.url = where.url, to.unix_socket = where.unix_socket;
    if (!where.remark.empty()) {
        const std::string said = to.name + ": the endpoint " + url_without_secrets(own.endpoint.empty() ? base : own.endpoint);
        if (to.url.empty()) s.problem = said + " is of no use: " + where.remark;
        else s.remarks.push_back(said + ' ' + where.remark);
    }

    const std::string_view protocol = either(own.protocol, all.protocol);
    if (equal_ignoring_case(protocol, "http/json")) s.encoding = encoding::json, to.content_type = json_type;
    else if (equal_ignoring_case(protocol, "grpc"))
        s.problem = to.name + ": the protocol grpc is not spoken here; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and an "
                              "endpoint for OTLP over HTTP, whose port is 4318 as a rule";
    else if (!protocol.empty() && !equal_ignoring_case(protocol, "http/protobuf"))
        s.remarks.push_back(to.name + ": the protocol \"" + std::string(protocol) + "\" is unknown; using http/protobuf");
    const bool json = s.encoding == encoding::json;
    using enum self::Exporter;
    s.exporter = spans ? json ? otlp_http_json_span_exporter : otlp_http_span_exporter
                       : json ? otlp_http_json_metric_exporter : otlp_http_metric_exporter;

    const std::string_view compression = either(own.compression, all.compression);
    to.gzip = equal_ignoring_case(compression, "gzip");
    if (!to.gzip && !compression.empty() && !equal_ignoring_case(compression, "none"))
        s.remarks.push_back(to.name + ": the compression \"" + std::string(compression) + "\" is unknown; using none");

    if (!where.authorization.empty()) to.headers.emplace_back("Authorization", where.authorization);
    std::string wrong;
    if (!read_pairs(either(own.headers, all.headers), to.headers, wrong)) {
        to.headers.clear();
        s.remarks.push_back(to.name + ": the headers are no list name=value,name=value with percent-encoding; they are left out");
    }
    // A line break would begin a header of its own, or the body.
    const auto unprintable = [](const std::string& t) {
        return std::any_of(t.begin(), t.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    };
    if (std::erase_if(to.headers, [&](const auto& h) { return unprintable(h.first) || unprintable(h.second); }))
        s.remarks.push_back(to.name + ": headers with control characters are left out");
    to.timeout = own.timeout.count() < 0 ? all.timeout : own.timeout;
    to.certificate = either(own.certificate, all.certificate);
    to.client_key = either(own.client_key, all.client_key);
    to.client_certificate = either(own.client_certificate, all.client_certificate);
    to.proxy = to.url.starts_with("https://") ? all.https_proxy : all.http_proxy;
    to.no_proxy = all.no_proxy;
    to.queue_bytes = all.queue_bytes;
    to.queue_items = spans ? all.queue_spans : 0;
    const bool delta = equal_ignoring_case(all.temporality, "delta") || equal_ignoring_case(all.temporality, "lowmemory");
    to.newest_wins = !spans && !delta;  // the newest snapshot of what is cumulative says it all
    to.give_up = all.give_up;
    to.spool_directory = all.spool_directory;
    to.spool_bytes = all.spool_bytes;
    return s;
}

}  // namespace apm::inline APM_ABI::detail::otlp
