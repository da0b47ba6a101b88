// The settings of apm::runtime, each with its default. Text is viewed, not copied: it need only live while the runtime is
// being constructed. Plain values throughout, so that an options object leaves nothing behind where APM is compiled out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <apm/backend/file/options.hpp>
#include <apm/backend/otlp/options.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/config.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/sampler.hpp>

namespace apm::inline APM_ABI {

struct service_options {
    std::string_view name = {};         // OTEL_SERVICE_NAME; default: unknown_service:<executable>
    std::string_view version = {};      // APM_VERSION
    std::string_view name_space = {};
    std::string_view instance_id = {};
    std::string_view environment = {};  // APM_ENVIRONMENT: deployment.environment.name; ENVIRONMENT where neither is set
};

// `{{"team", "payments"}, {"zone", "b"}}`. Neither a std::initializer_list, which would look at a dead array after an assignment,
// nor a std::vector, which would allocate where APM is compiled out.
struct attribute_list {
    struct attribute {
        std::string_view key, value;
    };
    static constexpr std::size_t most = 32;  // more are left out, with one line

    attribute items[most]{};
    std::size_t size = 0;

    constexpr attribute_list() = default;
    constexpr attribute_list(std::initializer_list<attribute> given) {
        for (const attribute& a : given) {
            if (size < most) items[size] = a;
            ++size;
        }
    }
    [[nodiscard]] constexpr const attribute* begin() const { return items; }
    [[nodiscard]] constexpr const attribute* end() const { return items + (size < most ? size : most); }
};

// Tail sampling: which spans of unsampled traces are exported all the same, decided when their local root ends
// (tracing/tail_sampling.hpp: what that means, and costs).
struct tail_sampling_options {
    bool errors = false;                        // APM_TAIL_ERRORS: the local root or a span below it is an error
    std::chrono::milliseconds slower_than{0};   // APM_TAIL_SLOWER_THAN: the local root took longer; 0: that is no reason
    std::uint64_t bytes = 16 << 20;             // APM_TAIL_BYTES: buffer for undecided spans; those beyond are dropped, counted
};

// Jaeger's remote sampling, over HTTP: sampler of the traces that begin here, parent-based, where there is an endpoint. In a
// build with OTLP, which has libcurl.
struct remote_sampling_options {
    std::string_view endpoint = {};                // http://jaeger:5778/sampling
    std::chrono::milliseconds interval{60'000};    // between two requests
    double initial_rate = 0.001;                   // until the first reply
};

// What changes sampling while the program runs, besides apm::control (control.hpp): lines key=value, which
// runtime/control/text.hpp lists.
struct control_options {
    std::string_view file = {};   // APM_CONTROL_FILE: read every 0.4 s; replace it by a rename. It need not be there yet. Not
                                  // watched in a forked child, but where that has a runtime of its own
    // APM_CONTROL_TOKEN: 16 characters at least. With one, the Prometheus endpoint has a path /control, for clients on this
    // machine that send it (Authorization: Bearer ...). Never printed.
    std::string_view token = {};
};

struct runtime_options {
    service_options service = {};
    attribute_list resource = {};                      // win over OTEL_RESOURCE_ATTRIBUTES
    // A list of prometheus, otlp, none: OTEL_METRICS_EXPORTER. `auto`: prometheus, where it is in the build.
    std::string_view metrics_exporter = "auto";
    prometheus_options prometheus = {};
    // A list of otlp, file, console, none: OTEL_TRACES_EXPORTER. `auto`: none. An endpoint for OTLP adds `otlp` to both lists; a
    // list in the environment is final.
    std::string_view traces_exporter = "auto";
    file_options file = {};                            // .directory: APM_TRACE_DIRECTORY
    otlp_options otlp = {};                            // OTEL_EXPORTER_OTLP_*
    // OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; TRACE_SAMPLE_RATE. Left out: parent_based(always_on); in an environment
    // called `production` parent_based(probability(0.1)), with one line that says so.
    sampling_rules sampler = parent_based(apm::sampler());
    remote_sampling_options remote_sampling = {};      // OTEL_TRACES_SAMPLER=[parentbased_]jaeger_remote
    tail_sampling_options tail_sampling = {};
    std::uint32_t max_level = 255;                     // APM_MAX_LEVEL: the highest of a row that is recorded; 255: all
    control_options control = {};
    // Which headers carry a trace, in the order in which they are read: OTEL_PROPAGATORS. propagation/formats.hpp has the names.
    std::string_view propagators = "tracecontext,baggage";
    std::string_view baggage_keys = {};                // APM_BAGGAGE_KEYS: which leave the process; empty: all; none: none
    span_limits limits = {};                           // OTEL_SPAN_*_LIMIT
    std::chrono::milliseconds span_interval{5'000};    // OTEL_BSP_SCHEDULE_DELAY; sooner where a ring is half full
    std::chrono::milliseconds span_timeout{30'000};    // OTEL_BSP_EXPORT_TIMEOUT: what back ends may take for the spans at hand
    std::chrono::milliseconds metric_timeout{30'000};  // OTEL_METRIC_EXPORT_TIMEOUT: the same of a snapshot
    std::uint64_t ring_bytes = 64 * 1024;              // APM_RING_BYTES: buffer of finished spans, per thread; a power of two
    std::uint64_t ring_limit = 256 << 20;              // APM_RING_LIMIT: bytes of all rings together
    std::uint64_t bytes_per_thread = 0;                // APM_BYTES_PER_THREAD; 0: no limit. Above it, threads share blocks
    std::chrono::milliseconds shutdown_timeout{5'000}; // APM_SHUTDOWN_TIMEOUT: how long destruction waits for exports
    void (*on_error)(const char* line) = nullptr;      // default: one line on standard error. Any thread may call it
};

}  // namespace apm::inline APM_ABI
