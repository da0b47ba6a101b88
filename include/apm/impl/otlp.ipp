// The OTLP back end, and the poll of remote sampling, which uses the same HTTP client. Needs libcurl, protozero and zlib.
#include <memory>
#include <string_view>

#include <apm/backend/otlp.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/remote_poll.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

std::shared_ptr<builtin_backend> make_otlp(const runtime_options& options, const control::state&) {
    return std::make_shared<builtin_of<apm::otlp>>(options.otlp);
}

std::unique_ptr<remote_source> make_remote_poll(const remote_sampling& how, std::string_view service,
                                                const otlp_options& proxies) {
    return std::make_unique<remote_poll>(how, service, proxies);
}

}  // namespace apm::inline APM_ABI::detail
