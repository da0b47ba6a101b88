// The file back end.
#include <cstdint>
#include <memory>
#include <string>

#include <apm/backend/file.hpp>
#include <apm/backend/file/exporter.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI {

using file_on = basic_file<mode::on>;
file_on::basic_file(const file_options& options) : made_(std::make_unique<detail::file_exporter>(options)) {}
file_on::~basic_file() = default;
const std::string& file_on::otlp_path() const { return made_->otlp_path(); }
const std::string& file_on::chrome_path() const { return made_->chrome_path(); }
std::uint64_t file_on::lost() const { return made_->lost(); }
error file_on::start(const resource& who) { return made_->start(who); }
error file_on::export_spans(const span_batch& batch, deadline by) { return made_->export_spans(batch, by); }
error file_on::stop(deadline by) { return made_->stop(by); }

namespace detail {

class builtin_file final : public builtin_of<file_exporter> {
public:
    explicit builtin_file(const file_options& options) : builtin_of(options), chrome_(options.chrome) {}
    [[nodiscard]] std::string trace_path() const override { return chrome_ ? made.chrome_path() : std::string(); }

private:
    bool chrome_;
};

std::shared_ptr<builtin_backend> make_file(const runtime_options& options, const control::state&) {
    return std::make_shared<builtin_file>(options.file);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
