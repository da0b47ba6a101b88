// The Prometheus back end: serves the page that a Prometheus scrapes. Needs CivetWeb and zlib.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <apm/backend.hpp>
#include <apm/backend/http_server.hpp>
#include <apm/backend/prometheus_options.hpp>
#include <apm/backend/prometheus_page.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// A pull back end: each request collects and writes the page, in one of the server's threads. Pages are written one at a
// time. Errors (port taken, no such host, unreadable certificate) come from start() as one line.
class prometheus {
public:
    explicit prometheus(const prometheus_options& options = {}) : options_(options), page_(options.scope_labels) {}

    [[nodiscard]] std::string_view name() const { return "prometheus"; }

    error start(const resource& who) {
        who_ = who;
        return server_.start(options_, [this](std::string_view accept) -> detail::http_page {
            const auto format = detail::http::prefers_openmetrics(accept) ? page_format::openmetrics : page_format::text;
            return {write(format), content_type(format)};
        });
    }
    // A request in progress is waited for, at most options.client_deadline.
    error stop(deadline) {
        server_.stop();
        return {};
    }

    // Where it listens; 0 while it does not.
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    // The page as it is now.
    [[nodiscard]] std::string write(page_format format) {
        const std::lock_guard guard(mutex_);
        return page_.write(collect(), who_, format);
    }

private:
    prometheus_options options_;
    std::mutex mutex_;
    prometheus_page page_;
    resource who_;
    detail::http_server server_;
};

}  // namespace apm::inline APM_ABI
