// What apm::prometheus does: collects, writes and serves, for each request. See backend/prometheus.hpp.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/backend/http/server.hpp>
#include <apm/backend/prometheus/exposition.hpp>
#include <apm/backend/prometheus/http_negotiation.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>
#include <apm/detail/base64.hpp>

namespace apm::inline APM_ABI::detail {

class prometheus_exporter {
public:
    explicit prometheus_exporter(const prometheus_options& options) : options_(options), exposition_(options.scope_labels) {}

    [[nodiscard]] std::string_view name() const { return "prometheus"; }

    // Before start(): what else is served. The endpoint for metrics goes first where it has the same path.
    void serve(http_route r) { more_.push_back(std::move(r)); }

    error start(const resource& who) {
        who_ = who;
        http_server_options o{.host = options_.host, .port = options_.port, .connections = options_.connections,
                              .client_deadline = options_.client_deadline};
        if (options_.path.empty() || options_.path.front() != '/')
            return "the endpoint's path \"" + std::string(options_.path) + "\" must begin with /";
        if (!options_.certificate.empty())
            if (error e = read_whole(std::string(options_.certificate), o.certificate); !e.empty())
                return "cannot read the certificate " + std::string(options_.certificate) + ": " + e;
        http_credentials credentials;
        if (!options_.user.empty())
            credentials = {"Basic", base64(std::string(options_.user) + ":" + std::string(options_.password)), "metrics"};
        server_.routes = {};
        server_.routes.add(
            {std::string(options_.path), [this](const http_request& r) { return expose(r); }, std::move(credentials)});
        server_.routes.add({"/-/healthy", [](const http_request&) { return http_answer{200, "healthy\n"}; }});
        for (const http_route& r : more_) server_.routes.add(r);
        error e = server_.start(o);
        const bool has_port = !options_.host.starts_with("unix:");
        if (has_port && e.ends_with(std::strerror(EADDRINUSE)))
            e += "; set OTEL_EXPORTER_PROMETHEUS_PORT, or 0 for any that is free";
        return e;
    }
    error stop(deadline) {
        server_.stop();
        return {};
    }

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    void also(other_families more) {
        const std::lock_guard guard(adding_);
        others_.push_back({std::move(more)});
    }

    [[nodiscard]] std::string write(exposition_format format) {
        const snapshot now = collect();  // outside of the locks: callbacks run
        const std::lock_guard guard(writing_);
        std::vector<other_family> others;
        for (source* from : sources()) add(others, *from);
        return exposition_.write(now, who_, format, others);
    }

private:
    [[nodiscard]] http_answer expose(const http_request& r) {
        const bool open = http::prefers_openmetrics(r.header("Accept"));
        const auto format = open ? exposition_format::openmetrics : exposition_format::text;
        http_answer a{.body = write(format), .type = content_type(format), .headers = {{"Vary", "Accept, Accept-Encoding"}}};
        if (std::string packed; http::accepts_gzip(r.header("Accept-Encoding")) && gzipped(a.body, packed)) {
            a.body = std::move(packed);
            a.headers.emplace_back("Content-Encoding", "gzip");
        }
        return a;
    }

    // What is wrong, in errno's words; or nothing.
    static error read_whole(const std::string& path, std::string& text) {
        errno = 0;
        std::ifstream in(path);
        text.assign(std::istreambuf_iterator<char>(in), {});
        return in && !text.empty() ? "" : errno ? std::strerror(errno) : "it is empty";
    }

    struct source {
        other_families more;
        bool said = false;
    };
    std::vector<source*> sources() {
        const std::lock_guard guard(adding_);
        std::vector<source*> all;
        for (source& from : others_) all.push_back(&from);
        return all;
    }
    // One that throws costs its own families, not the exposition.
    static void add(std::vector<other_family>& all, source& from) {
        const auto say = [&from](const char* why) {
            if (std::exchange(from.said, true)) return;
            report("prometheus: families of another source are missing: it threw %s", why);
        };
        try {
            for (other_family& f : from.more()) all.push_back(std::move(f));
        } catch (const std::exception& e) {
            say(e.what());
        } catch (...) {
            say("something");
        }
    }

    prometheus_options options_;
    std::mutex writing_;  // one exposition at a time
    std::mutex adding_;   // held for a moment, never while callbacks run
    prometheus_exposition exposition_;
    std::deque<source> others_;  // a deque, so that none moves; none is removed
    resource who_;
    std::vector<http_route> more_;
    http_server server_;
};

}  // namespace apm::inline APM_ABI::detail
