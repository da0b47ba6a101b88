// What a runtime runs with: its options, overridden by what the sources of settings say: the environment.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/reader.hpp>
#include <apm/runtime/settings/exporters.hpp>
#include <apm/runtime/settings/otlp.hpp>
#include <apm/runtime/settings/propagation.hpp>
#include <apm/runtime/settings/resource.hpp>
#include <apm/runtime/settings/sampling.hpp>

namespace apm::inline APM_ABI::detail {

struct settings {
    settings_reader reader;  // remembers the value of each, and where it came from
    bool disabled = false;
    exporters traces, metrics;
    resource who;
    std::string service;
    remote_sampling sampling;
    propagation_settings propagation;

    // Overrides `options` in place; its views of the sources' text live as long as this object.
    explicit settings(runtime_options& options, std::vector<const settings_source*> sources = settings_reader::environment())
        : reader(std::move(sources)) {
        const bool otel_off = reader.boolean("OTEL_SDK_DISABLED", false);
        disabled = !reader.boolean("APM_ENABLED", true) || otel_off;
        who = identify(reader, options);
        service = apm::text_of(who.attributes.front().second);
        if (disabled) return;
        const exporter_choice chosen(reader, options);
        traces = chosen.traces, metrics = chosen.metrics;
        sampling = read_sampling(reader, options, who);
        propagation = read_propagation(reader, options);
        read_control(reader, options.control);
        older_endpoint_ = chosen.older_endpoint;
        read_otlp(reader, options.otlp, older_endpoint_, chosen.older_name);
        options.otlp.traces.send = traces.has("otlp"), options.otlp.metrics.send = metrics.has("otlp");
        reader.text(options.prometheus.host, "OTEL_EXPORTER_PROMETHEUS_HOST");
        reader.number(options.prometheus.port, 0, 65'535, "OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT");
        reader.text(options.prometheus.path, "PROMETHEUS_METRICS_PATH");
        reader.text(options.file.directory, "APM_TRACE_DIRECTORY");
        read_limits(options.limits);
        // More than an hour may be more than a clock can add.
        reader.duration(options.span_interval, 1, hour, "OTEL_BSP_SCHEDULE_DELAY");
        reader.duration(options.span_timeout, 0, hour, "OTEL_BSP_EXPORT_TIMEOUT");
        reader.duration(options.metric_timeout, 0, hour, "OTEL_METRIC_EXPORT_TIMEOUT");
        reader.duration(options.shutdown_timeout, 0, hour, "APM_SHUTDOWN_TIMEOUT");
        reader.number(options.ring_bytes, 0, 1ull << 30, "APM_RING_BYTES");
        if (const auto asked = options.ring_bytes; !std::has_single_bit(asked) || asked < ring::default_bytes) {
            options.ring_bytes = std::bit_ceil(std::max<std::uint64_t>(asked, ring::default_bytes));
            report("APM_RING_BYTES (or ring_bytes): a ring has a power of two of bytes, 65536 at least, not %llu; using %llu",
                   static_cast<unsigned long long>(asked), static_cast<unsigned long long>(options.ring_bytes));
        }
        reader.number(options.ring_limit, 0, 1ull << 40, "APM_RING_LIMIT");
        reader.number(options.bytes_per_thread, 0, 1ull << 40, "APM_BYTES_PER_THREAD");
        if (const auto f = reader.first("OTEL_CONFIG_FILE"); f.value)
            report("OTEL_CONFIG_FILE is not read by this version; the other OTEL_* variables are");
        reader.report_unknown();
    }
    settings(const settings&) = delete;
    settings& operator=(const settings&) = delete;

private:
    // A signal's own variable wins over the general one, which is for attributes of all kinds.
    void read_limits(span_limits& limits) {
        constexpr std::uint32_t most = apm::limits::attributes;  // what is recorded
        static_assert(most == apm::limits::events && most == apm::limits::links);
        const auto read = [&](std::uint32_t& limit, const auto&... names) {
            std::uint32_t n = (std::min)(limit, most);
            if (reader.number(n, 0, span_limits::none - 1, names...)) limit = n;
        };
        read(limits.attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT");
        read(limits.events, "OTEL_SPAN_EVENT_COUNT_LIMIT");
        read(limits.links, "OTEL_SPAN_LINK_COUNT_LIMIT");
        read(limits.event_attributes, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT");
        read(limits.link_attributes, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT");
        std::uint32_t text = limits.text;
        if (reader.number(text, 0, span_limits::none - 1, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                       "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"))
            limits.text = text;
        else if (text == span_limits::none) reader.shown_as("none");
    }

    std::string older_endpoint_;  // the options may view it
};

}  // namespace apm::inline APM_ABI::detail
