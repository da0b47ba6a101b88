// The console back end.
#include <memory>

#include <apm/backend/console.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

std::shared_ptr<builtin_backend> make_console(const runtime_options&, const control::state&) {
    return std::make_shared<builtin_of<console>>();
}

}  // namespace apm::inline APM_ABI::detail
