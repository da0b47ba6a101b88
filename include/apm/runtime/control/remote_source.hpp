// Where the strategies of remote sampling come from, as the thread that asks for them sees it: the HTTP client behind it is not
// in every build.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/otlp/options.hpp>
#include <apm/config.hpp>
#include <apm/runtime/settings/sampling.hpp>

namespace apm::inline APM_ABI::detail {

// One thread's, except for wake().
class remote_source {
public:
    using clock = std::chrono::steady_clock;

    remote_source() = default;
    remote_source(const remote_source&) = delete;
    remote_source& operator=(const remote_source&) = delete;
    virtual ~remote_source() = default;

    virtual error open() = 0;                          // before the others
    [[nodiscard]] virtual bool busy() const = 0;       // a request is under way
    [[nodiscard]] virtual clock::time_point due() const = 0;  // when the next request begins
    virtual void go_on() = 0;                          // for as long as it can without waiting
    virtual void wait(clock::time_point until) = 0;    // for the network, wake(), or that time
    virtual void wake() = 0;                           // any thread
};

// Null in a build without an HTTP client. `proxies`: of the OTLP back end.
std::unique_ptr<remote_source> open_remote_source(const remote_sampling& how, std::string_view service,
                                                  const otlp_options& proxies);

}  // namespace apm::inline APM_ABI::detail
