// What a runtime runs with: its options, overridden by the environment.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
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
    bool prometheus = false;
    std::string service;
    resource who;
    std::string host, path;  // what the options view, where a variable gave it

    // Overrides `options` in place; its views of the environment's text live as long as this object.
    explicit settings(runtime_options& options) {
        namespace env = environment;
        env::report_unknown({"APM_ENABLED", "APM_SERVICE_NAME", "APM_VERSION", "APM_ENVIRONMENT", "APM_BYTES_PER_THREAD",
                             "APM_SHUTDOWN_TIMEOUT"});
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
        choose_exporters(options.metrics_exporter);
    }
    settings(const settings&) = delete;
    settings& operator=(const settings&) = delete;

    static constexpr const char* in_this_build =
        APM_SERVES_PROMETHEUS ? "prometheus, none" : "none (build with APM_BACKEND_PROMETHEUS=ON for prometheus)";

private:
    void choose_exporters(std::string_view from_code) {
        const char* name = nullptr;
        const char* value = environment::first_set(name, "OTEL_METRICS_EXPORTER");
        const std::string chosen = value ? value : std::string(from_code);
        for (const std::string& exporter : environment::list(chosen.c_str())) {
            if (exporter == "none") continue;
            if (exporter == "prometheus" && APM_SERVES_PROMETHEUS) prometheus = true;
            else if (exporter == "prometheus" && !value) continue;  // the default, in a build without it
            else
                report("%s: exporter \"%s\" is not in this build; it has %s", value ? name : "metrics_exporter",
                       exporter.c_str(), in_this_build);
        }
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
        const std::string_view file = executable.substr(executable.rfind('/') + 1);
        add("service.name", file.empty() ? std::string("unknown_service") : "unknown_service:" + std::string(file));
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
