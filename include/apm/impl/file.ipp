// The file back end.
#include <memory>
#include <string>

#include <apm/backend/file.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

class builtin_file final : public builtin_of<file> {
public:
    explicit builtin_file(const file_options& options) : builtin_of(options), chrome_(options.chrome) {}
    [[nodiscard]] std::string trace_path() const override { return chrome_ ? made.chrome_path() : std::string(); }

private:
    bool chrome_;
};

std::shared_ptr<builtin_backend> make_file(const runtime_options& options, const control::state&) {
    return std::make_shared<builtin_file>(options.file);
}

}  // namespace apm::inline APM_ABI::detail
