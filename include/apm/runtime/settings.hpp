// What a runtime runs with: its options, overridden by the environment.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/runtime/environment.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

struct settings {
    bool disabled = false;
    bool prometheus = false, file = false, console = false;
    std::string service;
    resource who;
    std::string host, path, traces;  // what the options view, where a variable gave it

    // Overrides `options` in place; its views of the environment's text live as long as this object.
    explicit settings(runtime_options& options) {
        namespace env = environment;
        env::report_unknown({"APM_ENABLED", "APM_SERVICE_NAME", "APM_VERSION", "APM_ENVIRONMENT", "APM_BYTES_PER_THREAD",
                             "APM_SHUTDOWN_TIMEOUT", "APM_RING_BYTES", "APM_RING_LIMIT", "APM_TRACE_DIRECTORY"});
        disabled = env::boolean("OTEL_SDK_DISABLED", false) || !env::boolean("APM_ENABLED", true);
        identify(options);
        if (disabled) return;
        env::number(options.bytes_per_thread, 0, 1ull << 40, "APM_BYTES_PER_THREAD");
        // More than an hour may be more than a clock can add.
        auto timeout = std::clamp<std::int64_t>(options.shutdown_timeout.count(), 0, 3'600'000);
        env::number(timeout, 0, 3'600'000, "APM_SHUTDOWN_TIMEOUT");
        options.shutdown_timeout = std::chrono::milliseconds(timeout);
        host = options.prometheus.host;
        path = options.prometheus.path;
        env::text(host, "OTEL_EXPORTER_PROMETHEUS_HOST");
        env::text(path, "PROMETHEUS_METRICS_PATH");
        env::number(options.prometheus.port, 0, 65'535, "OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT");
        options.prometheus.host = host;
        options.prometheus.path = path;
        choose_exporters("OTEL_METRICS_EXPORTER", "metrics_exporter", options.metrics_exporter, for_metrics,
                         {{"prometheus", APM_SERVES_PROMETHEUS, prometheus}});
        choose_exporters("OTEL_TRACES_EXPORTER", "traces_exporter", options.traces_exporter, for_spans,
                         {{"file", APM_WRITES_FILES, file}, {"console", APM_WRITES_CONSOLE, console}});
        traces = options.file.directory;
        env::text(traces, "APM_TRACE_DIRECTORY");
        options.file.directory = traces;
        choose_sampler(options.sampler);
        auto delay = std::clamp<std::int64_t>(options.span_interval.count(), 1, 3'600'000);
        env::number(delay, 1, 3'600'000, "OTEL_BSP_SCHEDULE_DELAY");
        options.span_interval = std::chrono::milliseconds(delay);
        env::number(options.ring_bytes, 0, 1ull << 30, "APM_RING_BYTES");
        if (const auto asked = options.ring_bytes; !std::has_single_bit(asked) || asked < ring::default_bytes) {
            options.ring_bytes = std::bit_ceil(std::max<std::uint64_t>(asked, ring::default_bytes));
            report("a ring has a power of two of bytes, 65536 at least, not %llu; using %llu",
                   static_cast<unsigned long long>(asked), static_cast<unsigned long long>(options.ring_bytes));
        }
        env::number(options.ring_limit, 0, 1ull << 40, "APM_RING_LIMIT");
    }
    settings(const settings&) = delete;
    settings& operator=(const settings&) = delete;

    static constexpr const char* for_metrics =
        APM_SERVES_PROMETHEUS ? "prometheus, none" : "none (build with APM_BACKEND_PROMETHEUS=ON for prometheus)";
    static constexpr const char* for_spans =
        APM_WRITES_FILES && APM_WRITES_CONSOLE ? "file, console, none"
        : APM_WRITES_FILES                     ? "file, none (build with APM_BACKEND_CONSOLE=ON for console)"
        : APM_WRITES_CONSOLE                   ? "console, none (build with APM_BACKEND_FILE=ON for file)"
                                               : "none (build with APM_BACKEND_FILE=ON or APM_BACKEND_CONSOLE=ON)";

private:
    struct exporter {
        const char* name;
        bool in_this_build;
        bool& chosen;
    };
    // By the variable's list, or the option's; each that is chosen becomes true.
    static void choose_exporters(const char* variable, const char* option, std::string_view from_code, const char* all,
                                 std::initializer_list<exporter> known) {
        const char* name = nullptr;
        const char* value = environment::first_set(name, variable);
        const std::string list = value ? value : std::string(from_code);
        for (const std::string& wanted : environment::list(list.c_str())) {
            if (wanted == "none") continue;
            const auto* e = std::find_if(known.begin(), known.end(), [&](const exporter& x) { return wanted == x.name; });
            if (e != known.end() && e->in_this_build) e->chosen = true;
            else if (e != known.end() && !value && wanted == "prometheus") continue;  // the default, in a build without it
            else report("%s: exporter \"%s\" is not in this build; it has %s", value ? name : option, wanted.c_str(), all);
        }
    }

    // OTEL_TRACES_SAMPLER and its argument, as OpenTelemetry's specification names them.
    static void choose_sampler(sampler& chosen) {
        const char* name = nullptr;
        const char* value = environment::first_set(name, "OTEL_TRACES_SAMPLER");
        if (!value) return;
        double share = 1;
        const auto ratio = [&share] {
            const char* argument = std::getenv("OTEL_TRACES_SAMPLER_ARG");
            if (!argument || !*argument) return true;
            const char* const end = argument + std::string_view(argument).size();
            const auto [at, failed] = std::from_chars(argument, end, share);
            if (failed == std::errc{} && at == end && share >= 0 && share <= 1) return true;
            report("OTEL_TRACES_SAMPLER_ARG=%s is no number from 0 to 1; using 1", argument);
            share = 1;
            return true;
        };
        const std::string rule = value;
        if (rule == "always_on") chosen = always_on;
        else if (rule == "always_off") chosen = always_off;
        else if (rule == "traceidratio" && ratio()) chosen = trace_id_ratio(share);
        else if (rule == "parentbased_always_on") chosen = parent_based(always_on);
        else if (rule == "parentbased_always_off") chosen = parent_based(always_off);
        else if (rule == "parentbased_traceidratio" && ratio()) chosen = parent_based(trace_id_ratio(share));
        else
            report("OTEL_TRACES_SAMPLER=%s is unknown; it may be [parentbased_]always_on, [parentbased_]always_off or "
                   "[parentbased_]traceidratio", value);
    }

    // The first to name an attribute wins: its own variable or option (the variable first), `resource` in the options,
    // OTEL_RESOURCE_ATTRIBUTES, what is found.
    void identify(const runtime_options& options) {
        std::string name(options.service.name), version(options.service.version), place(options.service.environment);
        environment::text(name, "OTEL_SERVICE_NAME", "APM_SERVICE_NAME");
        environment::text(version, "APM_VERSION");
        environment::text(place, "APM_ENVIRONMENT");
        const auto add = [this](std::string_view key, std::string_view value) {
            if (value.empty()) return;
            for (const auto& [have, unused] : who.attributes)
                if (have == key) return;
            who.attributes.emplace_back(key, value);
        };
        add("service.name", name);
        add("service.namespace", options.service.name_space);
        add("service.version", version);
        add("service.instance.id", options.service.instance_id);
        add("deployment.environment.name", place);
        for (const auto& [key, value] : options.resource) add(key, value);
        if (options.resource.size > options.resource.most)
            report("the options give the resource %zu attributes; those after the first %zu are left out", options.resource.size,
                   options.resource.most);
        for (const auto& [key, value] : environment::pairs("OTEL_RESOURCE_ATTRIBUTES")) add(key, value);
        char path_of_executable[4096];
        const ssize_t n = readlink("/proc/self/exe", path_of_executable, sizeof path_of_executable);
        const std::string_view executable(path_of_executable, n > 0 ? static_cast<std::size_t>(n) : 0);
        const std::string_view program = executable.substr(executable.rfind('/') + 1);
        add("service.name", program.empty() ? std::string("unknown_service") : "unknown_service:" + std::string(program));
        char machine[256] = "";
        if (gethostname(machine, sizeof machine - 1) == 0) add("host.name", machine);
        add("process.pid", std::to_string(getpid()));
        add("telemetry.sdk.name", "apm");
        add("telemetry.sdk.language", "cpp");
        add("telemetry.sdk.version", APM_VERSION);
        const auto named = std::find_if(who.attributes.begin(), who.attributes.end(),
                                        [](const auto& a) { return a.first == "service.name"; });
        std::rotate(who.attributes.begin(), named, named + 1);  // the name first, wherever it came from
        service = who.attributes.front().second;
    }
};

}  // namespace apm::inline APM_ABI::detail
