// The OTLP back end, and the poll of remote sampling, which uses the same HTTP client. Needs libcurl, protozero and zlib.
#include <chrono>
#include <memory>
#include <string_view>

#include <apm/backend/otlp.hpp>
#include <apm/backend/otlp/exporter.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/remote_poll.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI {

using otlp_on = basic_otlp<mode::on>;
otlp_on::basic_otlp(const otlp_options& options) : made_(std::make_unique<detail::otlp::exporter>(options)) {}
otlp_on::~basic_otlp() = default;
std::chrono::milliseconds otlp_on::interval() const { return made_->interval(); }
error otlp_on::start(const resource& who) { return made_->start(who); }
bool otlp_on::sends_spans() const { return made_->sends_spans(); }
bool otlp_on::sends_metrics() const { return made_->sends_metrics(); }
snapshot otlp_on::collect() { return made_->collect(); }
error otlp_on::export_metrics(snapshot& s, deadline by) { return made_->export_metrics(s, by); }
error otlp_on::export_spans(const span_batch& batch, deadline by) { return made_->export_spans(batch, by); }
bool otlp_on::flush(deadline by) { return made_->flush(by); }
error otlp_on::stop(deadline by) { return made_->stop(by); }
otlp_totals otlp_on::span_totals() const { return made_->span_totals(); }
otlp_totals otlp_on::data_point_totals() const { return made_->data_point_totals(); }

namespace detail {

std::shared_ptr<builtin_backend> make_otlp(const runtime_options& options, const control::state&) {
    return std::make_shared<builtin_of<otlp::exporter>>(options.otlp);
}

std::unique_ptr<remote_source> make_remote_poll(const remote_sampling& how, std::string_view service,
                                                const otlp_options& proxies) {
    return std::make_unique<remote_poll>(how, service, proxies);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
