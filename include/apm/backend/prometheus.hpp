// The Prometheus back end: serves the page that a Prometheus scrapes. Needs CivetWeb and zlib.
#pragma once

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/http_server.hpp>
#include <apm/backend/prometheus_options.hpp>
#include <apm/backend/prometheus_other.hpp>
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
    // Within some second, whatever clients do; a page that is being made is waited for.
    error stop(deadline) {
        server_.stop();
        return {};
    }

    // Where it listens; 0 while it does not.
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    // Shows more families, behind ours: `more` is called for every page from now on. A name that is taken already is left out,
    // said once. Any thread; what `more` looks at must outlive this object.
    void also(other_families more) {
        const std::lock_guard guard(mutex_);
        others_.push_back({std::move(more)});
    }

    // The page as it is now.
    [[nodiscard]] std::string write(page_format format) {
        const std::lock_guard guard(mutex_);
        std::vector<other_family> others;
        for (source& from : others_) add(others, from);
        return page_.write(collect(), who_, format, others);
    }

private:
    struct source {
        other_families more;
        bool said = false;
    };
    // One that throws costs its own families, not the page.
    static void add(std::vector<other_family>& all, source& from) {
        const auto say = [&from](const char* why) {
            if (std::exchange(from.said, true)) return;
            detail::report("prometheus: families of another source are missing: it threw %s", why);
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
    std::mutex mutex_;
    prometheus_page page_;
    std::vector<source> others_;
    resource who_;
    detail::http_server server_;
};

}  // namespace apm::inline APM_ABI
