// The Prometheus back end, with /control. Needs libmicrohttpd and zlib.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <apm/backend/prometheus.hpp>
#include <apm/backend/prometheus/exporter.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/endpoint.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI {

using prometheus_on = basic_prometheus<mode::on>;
prometheus_on::basic_prometheus(const prometheus_options& options)
    : made_(std::make_unique<detail::prometheus_exporter>(options)) {}
prometheus_on::~basic_prometheus() = default;
error prometheus_on::start(const resource& who) { return made_->start(who); }
error prometheus_on::stop(deadline by) { return made_->stop(by); }
std::uint16_t prometheus_on::port() const { return made_->port(); }
void prometheus_on::also(other_families more) { made_->also(std::move(more)); }
std::string prometheus_on::write(exposition_format format) { return made_->write(format); }

namespace detail {

class builtin_prometheus final : public builtin_of<prometheus_exporter> {
public:
    builtin_prometheus(const runtime_options& options, const control::state& start) : builtin_of(options.prometheus) {
        if (!options.control.token.empty()) made.serve(control_endpoint(options.control.token, start));
    }
    [[nodiscard]] bool has_threads() const override { return true; }
    [[nodiscard]] std::uint16_t port() const override { return made.port(); }
    void show(other_families more) override { made.also(std::move(more)); }
};

std::shared_ptr<builtin_backend> make_prometheus(const runtime_options& options, const control::state& start) {
    return std::make_shared<builtin_prometheus>(options, start);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
