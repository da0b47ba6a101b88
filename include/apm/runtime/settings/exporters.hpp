// Which back ends a runtime has: by OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER, else by APM_BACKEND, else by the code, to
// which an endpoint for OTLP adds it. Also older variables with addresses of other protocols, as OTLP over HTTP.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/backend/otlp/older_endpoint.hpp>
#include <apm/config.hpp>
#include <apm/detail/url.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/reader.hpp>

namespace apm::inline APM_ABI::detail {

// One signal's back ends, of the table.
class exporters {
public:
    void add(const builtin& b) { bits_ |= 1u << (&b - builtins().data()); }
    [[nodiscard]] bool has(const builtin& b) const { return bits_ >> (&b - builtins().data()) & 1; }
    [[nodiscard]] bool has(std::string_view name) const {
        const builtin* const b = builtin_named(name);
        return b && has(*b);
    }

private:
    std::uint32_t bits_ = 0;
};

class exporter_choice {
public:
    exporters traces, metrics;
    std::string older_endpoint;  // that an older variable gave, translated; empty: none
    std::string older_name;      // of that variable

    exporter_choice(settings_reader& reader, const runtime_options& options) {
        const auto backend = reader.first("APM_BACKEND");
        const std::vector<std::string> asked = read_list(backend.value ? backend.value : "");
        if (!backend.value || has(asked, "otlp") || has(asked, "jaeger"))
            find_older_endpoint(reader, has(asked, "jaeger"), has(asked, "otlp"));
        wish for_traces = wish_of(options.traces_exporter, "");
        wish for_metrics = wish_of(options.metrics_exporter, in_this_build("prometheus") ? "prometheus" : "");
        if (backend.value) {
            for_traces = {"", backend.name}, for_metrics.because = backend.name;
            translate(asked, for_traces.list, for_metrics.list);
        } else {
            const otlp_options& o = options.otlp;
            const bool code = !o.endpoint.empty();
            add_otlp(reader, for_traces, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", code || !o.traces.endpoint.empty(), true);
            add_otlp(reader, for_metrics, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", code || !o.metrics.endpoint.empty(), !jaegers_);
        }
        choose(reader, "OTEL_TRACES_EXPORTER", "traces_exporter", for_traces, traces, &builtin::takes_traces);
        choose(reader, "OTEL_METRICS_EXPORTER", "metrics_exporter", for_metrics, metrics, &builtin::takes_metrics);
    }

private:
    // A list of exporters, and the variable that it is due to; empty: the code.
    struct wish {
        std::string list;
        std::string because = {};
    };
    static wish wish_of(std::string_view option, std::string_view otherwise) {
        return {std::string(option == "auto" ? otherwise : option)};
    }
    static bool has(const std::vector<std::string>& list, const char* one) {
        return std::find(list.begin(), list.end(), one) != list.end();
    }
    static void add(std::string& list, const std::string& one) {
        if (!has(read_list(list), one.c_str())) list.append(list.empty() ? "" : ",").append(one);
    }
    // Where an endpoint says so: the signal's own variable, that of all, the code, an older variable.
    void add_otlp(settings_reader& reader, wish& w, const char* variable, bool in_code, bool older_counts) const {
        const auto f = reader.first(variable, "OTEL_EXPORTER_OTLP_ENDPOINT");
        const bool older = older_counts && !older_endpoint.empty();
        if (w.list == "none" || !(f.value || in_code || older)) return;
        add(w.list, "otlp");
        w.because = f.value ? f.name : in_code ? "" : older_name;
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
    static void choose(settings_reader& reader, const char* variable, const char* option, wish& w, exporters& to,
                       bool builtin::* takes) {
        if (w.list.empty()) w.list = "none";
        const bool given = reader.text(w.list, variable);
        if (!given) reader.due_to(w.because);
        for (const std::string& wanted : read_list(w.list)) {
            if (wanted == "none") continue;
            const builtin* const b = builtin_named(wanted);
            const bool known = b && b->*takes;
            if (known && b->make) {
                to.add(*b);
                continue;
            }
            std::string has, lacks;
            for (const builtin& x : builtins()) {
                if (!(x.*takes)) continue;
                if (x.make) has.append(x.name).append(", ");
                else lacks.append(lacks.empty() ? " (build with " : ", ").append("APM_BACKEND_").append(x.option).append("=ON");
            }
            if (!lacks.empty()) lacks += ')';
            const char* const who = given ? variable : w.because.empty() ? option : w.because.c_str();
            const char* const other = takes == &builtin::takes_traces ? "exports metrics only" : "exports spans only";
            report("%s: exporter \"%s\" %s; it may be %snone%s", who, wanted.c_str(),
                   known ? "is not in this build" : b ? other : "is unknown", has.c_str(), known ? lacks.c_str() : "");
        }
    }

    // JAEGER_ENDPOINT, JAEGER_AGENT_HOST, OTLP_ENDPOINT: older names. OpenTelemetry's own variables win.
    void find_older_endpoint(settings_reader& reader, bool jaeger, bool otlp) {
        const auto jaegers = reader.first("JAEGER_ENDPOINT", "JAEGER_AGENT_HOST"), others = reader.first("OTLP_ENDPOINT");
        jaegers_ = jaegers.value && (jaeger || !others.value);
        const auto f = jaegers_ ? jaegers : others;
        if (!f.value || reader.first("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").value) return;
        const auto tracing = reader.first("TRACING_ENABLED");
        if (tracing.value && equal_ignoring_case(tracing.value, "false") && !jaeger && !otlp) return;
        older_name = f.name;
        older_endpoint = otlp_over_http(f.value);
        report("%s=%s: sending OTLP over HTTP to %s; set OTEL_EXPORTER_OTLP_ENDPOINT to say so yourself", f.name,
               url_without_secrets(f.value).c_str(), url_without_secrets(older_endpoint).c_str());
    }
    bool jaegers_ = false;     // it is for traces only
};

}  // namespace apm::inline APM_ABI::detail
