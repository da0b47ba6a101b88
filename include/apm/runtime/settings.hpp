// What a runtime runs with: its options, overridden by the environment.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/runtime/environment.hpp>
#include <apm/runtime/exporters.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/otlp_settings.hpp>
#include <apm/runtime/resource.hpp>

namespace apm::inline APM_ABI::detail {

struct settings {
    environment env;  // remembers what each came to, and where from
    bool disabled = false;
    exporters traces, metrics;
    resource who;
    std::string service;

    // Overrides `options` in place; its views of the environment's text live as long as this object.
    explicit settings(runtime_options& options) {
        const bool otel_off = env.boolean("OTEL_SDK_DISABLED", false);
        disabled = !env.boolean("APM_ENABLED", true) || otel_off;
        who = identify(env, options);
        service = text_of(who.attributes.front().second);
        if (disabled) return;
        const exporter_choice chosen(env, options);
        traces = chosen.traces, metrics = chosen.metrics;
        choose_sampler(options.sampler);
        older_endpoint_ = chosen.older_endpoint;
        read_otlp(env, options.otlp, older_endpoint_, chosen.older_name);
        options.otlp.traces.send = traces.otlp, options.otlp.metrics.send = metrics.otlp;
        env.text(options.prometheus.host, "OTEL_EXPORTER_PROMETHEUS_HOST");
        env.number(options.prometheus.port, 0, 65'535, "OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT");
        env.text(options.prometheus.path, "PROMETHEUS_METRICS_PATH");
        env.text(options.file.directory, "APM_TRACE_DIRECTORY");
        read_limits(options.limits);
        // More than an hour may be more than a clock can add.
        constexpr std::int64_t hour = 3'600'000;
        env.duration(options.span_interval, 1, hour, "OTEL_BSP_SCHEDULE_DELAY");
        env.duration(options.span_timeout, 0, hour, "OTEL_BSP_EXPORT_TIMEOUT");
        env.duration(options.metric_timeout, 0, hour, "OTEL_METRIC_EXPORT_TIMEOUT");
        env.duration(options.shutdown_timeout, 0, hour, "APM_SHUTDOWN_TIMEOUT");
        env.number(options.ring_bytes, 0, 1ull << 30, "APM_RING_BYTES");
        if (const auto asked = options.ring_bytes; !std::has_single_bit(asked) || asked < ring::default_bytes) {
            options.ring_bytes = std::bit_ceil(std::max<std::uint64_t>(asked, ring::default_bytes));
            report("a ring has a power of two of bytes, 65536 at least, not %llu; using %llu",
                   static_cast<unsigned long long>(asked), static_cast<unsigned long long>(options.ring_bytes));
        }
        env.number(options.ring_limit, 0, 1ull << 40, "APM_RING_LIMIT");
        env.number(options.bytes_per_thread, 0, 1ull << 40, "APM_BYTES_PER_THREAD");
        if (const auto f = env.first("OTEL_CONFIG_FILE"); f.value)
            report("OTEL_CONFIG_FILE is not read by this version; the other OTEL_* variables are");
        env.report_unknown();
    }
    settings(const settings&) = delete;
    settings& operator=(const settings&) = delete;

private:
    // A signal's own variable wins over the general one, which is for attributes of all kinds.
    void read_limits(span_limits& limits) {
        constexpr std::uint32_t most = 128;  // what is recorded
        const auto read = [&](std::uint32_t& limit, const auto&... names) {
            std::uint32_t n = std::min(limit, most);
            if (env.number(n, 0, span_limits::none - 1, names...)) limit = n;
        };
        read(limits.attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT");
        read(limits.events, "OTEL_SPAN_EVENT_COUNT_LIMIT");
        read(limits.links, "OTEL_SPAN_LINK_COUNT_LIMIT");
        read(limits.event_attributes, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT");
        read(limits.link_attributes, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT");
        std::uint32_t text = limits.text;
        if (env.number(text, 0, span_limits::none - 1, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                       "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"))
            limits.text = text;
        else if (text == span_limits::none) env.shown_as("none");
    }

    // OTEL_TRACES_SAMPLER and its argument, as OpenTelemetry's specification names them.
    void choose_sampler(sampling_rules& chosen) {
        const bool usual = chosen == parent_based(always_on);
        std::string rule = usual ? "parentbased_always_on" : "the code's", argument;
        const bool given = env.text(rule, "OTEL_TRACES_SAMPLER");
        env.text(argument, "OTEL_TRACES_SAMPLER_ARG");
        if (!given) return;
        const auto ratio = [&argument] {
            double share = 1;
            const char* const end = argument.data() + argument.size();
            const auto [at, failed] = std::from_chars(argument.data(), end, share);
            const bool good = failed == std::errc{} && at == end && share >= 0 && share <= 1;
            if (good || argument.empty()) return trace_id_ratio(share);
            report("OTEL_TRACES_SAMPLER_ARG=%s is no number from 0 to 1; using 1", argument.c_str());
            return trace_id_ratio(1);
        };
        if (rule == "always_on") chosen = always_on;
        else if (rule == "always_off") chosen = always_off;
        else if (rule == "traceidratio") chosen = ratio();
        else if (rule == "parentbased_always_on") chosen = parent_based(always_on);
        else if (rule == "parentbased_always_off") chosen = parent_based(always_off);
        else if (rule == "parentbased_traceidratio") chosen = parent_based(ratio());
        else
            report("OTEL_TRACES_SAMPLER=%s is unknown; it may be [parentbased_]always_on, [parentbased_]always_off or "
                   "[parentbased_]traceidratio", rule.c_str());
    }

    std::string older_endpoint_;  // the options may view it
};

}  // namespace apm::inline APM_ABI::detail
