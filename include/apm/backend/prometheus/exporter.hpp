// What apm::prometheus does: collects, writes and serves, for each request. See backend/prometheus.hpp.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/prometheus/http_server.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/backend/prometheus/exposition.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

class prometheus_exporter {
public:
    explicit prometheus_exporter(const prometheus_options& options) : options_(options), exposition_(options.scope_labels) {}

    [[nodiscard]] std::string_view name() const { return "prometheus"; }

    // Before start(): also serves /control, with credentials of its own. apm::runtime does this by its options.
    void serve_control(http_control c) { server_.control(std::move(c)); }

    error start(const resource& who) {
        who_ = who;
        return server_.start(options_, [this](std::string_view accept) -> http_exposition {
            const bool open = http::prefers_openmetrics(accept);
            const auto format = open ? exposition_format::openmetrics : exposition_format::text;
            return {write(format), content_type(format)};
        });
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
    http_server server_;
};

}  // namespace apm::inline APM_ABI::detail
