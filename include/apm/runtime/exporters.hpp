// Which back ends a runtime has: by OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER, else by APM_BACKEND, else by the code, to
// which an endpoint for OTLP adds it. And the addresses that older programs were given, as what they are today.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/url.hpp>
#include <apm/runtime/environment.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

// One signal's.
struct exporters {
    bool prometheus = false, otlp = false, file = false, console = false;
};

// An address of Jaeger's older protocols, or of OTLP over gRPC, as the one of OTLP over HTTP at the same place: an agent's host,
// `http://jaeger:14268/api/traces`, `collector:4317`. Other ports and paths stay.
inline std::string otlp_over_http(std::string_view given) {
    std::string_view scheme = "http://", rest = given;
    if (const auto at = rest.find("://"); at != rest.npos) scheme = rest.substr(0, at + 3), rest.remove_prefix(at + 3);
    std::string_view path;
    if (const auto at = rest.find('/'); at != rest.npos) path = rest.substr(at), rest = rest.substr(0, at);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path == "/api/traces" || path == "/v1/traces") path = {};
    const auto before = rest.find_last_of("]@");  // an IPv6 address, a password
    const auto colon = rest.find(':', before == rest.npos ? 0 : before);
    const std::string_view port = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
    constexpr std::string_view older[] = {"", "4317", "14268", "14250", "6831", "6832"};
    std::string url(scheme == "https://" ? scheme : "http://");
    if (std::find(std::begin(older), std::end(older), port) != std::end(older)) url.append(rest.substr(0, colon)).append(":4318");
    else url.append(rest);
    return url.append(path);
}

class exporter_choice {
public:
    exporters traces, metrics;
    std::string endpoint;  // that an older variable gave; empty: none

    exporter_choice(environment& env, const runtime_options& options) {
        const auto backend = env.first("APM_BACKEND");
        const std::vector<std::string> asked = read_list(backend.value ? backend.value : "");
        const auto asks_for = [&asked](const char* what) { return std::find(asked.begin(), asked.end(), what) != asked.end(); };
        find_endpoint(env, asks_for("jaeger"), asks_for("otlp") || asks_for("jaeger"));
        // OpenTelemetry's variables for an endpoint, the code, an older variable; why there is to be OTLP, or null.
        const auto reason = [&](const char* variable, std::string_view code, bool older) -> const char* {
            const auto f = env.first(variable, "OTEL_EXPORTER_OTLP_ENDPOINT");
            if (f.name) return f.name;
            return !code.empty() || !options.otlp.endpoint.empty() ? "" : older ? older_name_ : nullptr;
        };
        const char* const spans = reason("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", options.otlp.traces.endpoint, !endpoint.empty());
        const char* const points = reason("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", options.otlp.metrics.endpoint,
                                          !endpoint.empty() && !from_jaeger_);
        std::string from_traces(options.traces_exporter == "auto" ? "" : options.traces_exporter);
        std::string from_metrics(options.metrics_exporter != "auto" ? options.metrics_exporter
                                 : APM_SERVES_PROMETHEUS            ? "prometheus"
                                                                    : "");
        const char *traces_because = "", *metrics_because = "";
        if (backend.value) {
            traces_because = metrics_because = backend.name;
            from_traces = "";
            translate(asked, from_traces, from_metrics);
        } else {
            if (spans && from_traces != "none") add(from_traces, "otlp"), traces_because = spans;
            if (points && from_metrics != "none") add(from_metrics, "otlp"), metrics_because = points;
        }
        choose(env, "OTEL_TRACES_EXPORTER", "traces_exporter", from_traces, traces_because, traces,
               {{"otlp", APM_SENDS_OTLP, &exporters::otlp, "OTLP"},
                {"file", APM_WRITES_FILES, &exporters::file, "FILE"},
                {"console", APM_WRITES_CONSOLE, &exporters::console, "CONSOLE"}});
        choose(env, "OTEL_METRICS_EXPORTER", "metrics_exporter", from_metrics, metrics_because, metrics,
               {{"otlp", APM_SENDS_OTLP, &exporters::otlp, "OTLP"},
                {"prometheus", APM_SERVES_PROMETHEUS, &exporters::prometheus, "PROMETHEUS"}});
    }

private:
    struct known {
        const char* name;
        bool in_this_build;
        bool exporters::* chosen;
        const char* option;
    };
    static void add(std::string& list, std::string_view one) {
        const auto all = read_list(list);
        if (std::find(all.begin(), all.end(), one) == all.end()) list.append(list.empty() ? "" : ",").append(one);
    }
    // APM_BACKEND, which says where traces go, and where metrics go as well.
    static void translate(const std::vector<std::string>& asked, std::string& traces, std::string& metrics) {
        for (const std::string& one : asked) {
            if (one == "otlp" || one == "jaeger") add(traces, "otlp");
            else if (one == "file" || one == "console") add(traces, one);
            else if (one == "datadog")
                report("APM_BACKEND=datadog: Datadog's Agent takes OTLP; set APM_BACKEND=otlp and "
                       "OTEL_EXPORTER_OTLP_ENDPOINT=http://AGENT:4318");
            else if (one != "prometheus" && one != "none")
                report("APM_BACKEND: \"%s\" is unknown; it may be otlp, jaeger, prometheus, file, console, none", one.c_str());
            if (one == "otlp" || one == "prometheus") add(metrics, one);
        }
    }
    static void choose(environment& env, const char* variable, const char* option, std::string list, const char* because,
                       exporters& to, std::initializer_list<known> all) {
        if (list.empty()) list = "none";
        const bool given = env.text(list, variable);
        if (!given) env.settings.back().from = because;
        for (const std::string& wanted : read_list(list)) {
            if (wanted == "none") continue;
            const auto* e = std::find_if(all.begin(), all.end(), [&](const known& x) { return wanted == x.name; });
            if (e != all.end() && e->in_this_build) {
                to.*(e->chosen) = true;
                continue;
            }
            std::string has, lacks;
            for (const known& x : all) {
                if (x.in_this_build) has.append(x.name).append(", ");
                else lacks.append(lacks.empty() ? " (build with " : ", ").append("APM_BACKEND_").append(x.option).append("=ON");
            }
            if (!lacks.empty()) lacks += ')';
            report("%s: exporter \"%s\" is not in this build; it has %snone%s", given ? variable : *because ? because : option,
                   wanted.c_str(), has.c_str(), lacks.c_str());
        }
    }

    // JAEGER_ENDPOINT, JAEGER_AGENT_HOST, OTLP_ENDPOINT: older names. OpenTelemetry's own variables win.
    void find_endpoint(environment& env, bool jaeger, bool wanted) {
        const bool tracing = env.boolean("TRACING_ENABLED", true) || wanted;
        auto f = env.first("JAEGER_ENDPOINT", "JAEGER_AGENT_HOST");
        const auto otlp = env.first("OTLP_ENDPOINT");
        from_jaeger_ = f.value && (jaeger || !otlp.value);
        if (!from_jaeger_) f = otlp;
        if (!f.value || !tracing || env.first("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").value) return;
        older_name_ = f.name;
        endpoint = otlp_over_http(f.value);
        report("%s=%s: sending OTLP over HTTP to %s; set OTEL_EXPORTER_OTLP_ENDPOINT to say so yourself", f.name,
               url_without_secrets(f.value).c_str(), url_without_secrets(endpoint).c_str());
    }
    bool from_jaeger_ = false;
    const char* older_name_ = "";
};

}  // namespace apm::inline APM_ABI::detail
