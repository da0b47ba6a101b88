// apm::runtime: starts the back ends, exports at an interval, flushes at the end. Included by the one file that owns main.
//
//     int main() {
//         apm::runtime apm{{.service = {.name = "shop", .version = "1.4.0"}}};
//         ...
//     }   // flushed and stopped, within a deadline
//
// Environment variables override the options (runtime/options.hpp names them), so that an operator has the last word; only
// resource attributes given in code win over OTEL_RESOURCE_ATTRIBUTES, as OpenTelemetry's specification says. What cannot be
// done (a port in use, an unknown setting) is one line and a program that runs on.
//
// The implementation, with every back end that the build has, is compiled once: CMake's target apm::runtime links it. A program
// built without CMake includes <apm/impl/all.ipp> in one of its files instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <apm/apm.hpp>
#include <apm/backend.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/runtime/any_backend.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI {

// Sets where reported lines go, from any thread, until another handler is set; null: standard error. The process has one
// handler, which outlives the runtime that set it. Any thread.
inline void on_error(void (*handler)(const char* line)) {
    detail::process_root().handler.publish(reinterpret_cast<const void*>(handler));
}

template <mode M>
class basic_runtime;

// The program's telemetry, from construction to destruction. One at a time: a second one reports so and does nothing.
// Starts at most one thread of its own, and none where only pull back ends run (their servers have theirs); one more where a
// control file is watched or remote sampling polled.
// In a forked child: does not serve, does not wait for threads it does not have; push back ends export once at the end.
// A child that wants more than that constructs a runtime of its own, which takes over.
template <>
class basic_runtime<mode::on> {
public:
    // `own`: back ends of the program's own, which must outlive the runtime; one that does not honour its deadlines is still
    // being called when the runtime is gone, and must outlive the process.
    template <backend... B>
    explicit basic_runtime(const runtime_options& options = {}, B&... own)
        : basic_runtime(options, std::vector<detail::any_backend>{detail::any_backend::of(own)...}) {}
    basic_runtime(const basic_runtime&) = delete;
    basic_runtime& operator=(const basic_runtime&) = delete;
    ~basic_runtime();

    // False where it is switched off, or another one runs.
    [[nodiscard]] bool running() const;

    // Exports now and waits for it. True where every back end that runs has exported in time, or none runs; false where an export
    // failed or was not done before the timeout (an hour at most). Any thread.
    bool flush(std::chrono::milliseconds timeout);

    // The port of the Prometheus endpoint; 0 where there is none, such as in a forked child.
    [[nodiscard]] std::uint16_t prometheus_port() const;

    // The file for Perfetto or Chrome's viewer that spans are written to; empty where none is.
    [[nodiscard]] std::string trace_path() const;

    // Adds families of another library to what the Prometheus endpoint serves (prometheus::also; backend/prometheus_cpp.hpp
    // makes them from a prometheus-cpp registry). Does nothing where there is no endpoint.
    void show(other_families more);

private:
    struct state;
    basic_runtime(const runtime_options& options, std::vector<detail::any_backend> own);

    std::unique_ptr<state> state_;
};

template <>
class basic_runtime<mode::off> {
public:
    APM_INLINE constexpr basic_runtime() {}
    template <backend... B>
    APM_INLINE constexpr explicit basic_runtime(const runtime_options&, B&...) {}
    basic_runtime(const basic_runtime&) = delete;
    basic_runtime& operator=(const basic_runtime&) = delete;
    APM_INLINE constexpr ~basic_runtime() {}
    [[nodiscard]] APM_INLINE constexpr bool running() const { return false; }
    APM_INLINE constexpr bool flush(std::chrono::milliseconds) { return true; }
    [[nodiscard]] APM_INLINE constexpr std::uint16_t prometheus_port() const { return 0; }
    [[nodiscard]] APM_INLINE std::string trace_path() const { return {}; }
    template <class Families>
    APM_INLINE constexpr void show(Families&&) {}
};

using runtime = basic_runtime<APM_MODE>;

}  // namespace apm::inline APM_ABI
