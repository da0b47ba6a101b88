// The console back end.
#include <memory>

#include <apm/backend/console.hpp>
#include <apm/backend/console/exporter.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI {

using console_on = basic_console<mode::on>;
console_on::basic_console(const console_options& options) : made_(std::make_unique<detail::console_exporter>(options)) {}
console_on::~basic_console() = default;
error console_on::start(const resource& who) { return made_->start(who); }
error console_on::export_spans(const span_batch& batch, deadline by) { return made_->export_spans(batch, by); }
error console_on::stop(deadline by) { return made_->stop(by); }

namespace detail {

std::shared_ptr<builtin_backend> make_console(const runtime_options&, const control::state&) {
    return std::make_shared<builtin_of<console_exporter>>(console_options{});
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
