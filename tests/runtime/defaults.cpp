// ctest: LABELS serial
// Every setting with its default, as an operator sees them, in the order in which they are read. OpenTelemetry's specification says
// the same of its own, but for what rings make different: a batch is what one drain gives (OTEL_BSP_MAX_EXPORT_BATCH_SIZE, there 512
// spans), and a queue is bounded in bytes (OTEL_BSP_MAX_QUEUE_SIZE, there 2048 spans).
#include <apm/runtime/settings.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

#if APM_BACKEND_OTLP && APM_BACKEND_PROMETHEUS && APM_BACKEND_FILE && APM_BACKEND_CONSOLE

TEST_CASE("every default") {
    constexpr std::pair<const char*, const char*> expected[] = {
        {"OTEL_SDK_DISABLED", "false"},
        {"APM_ENABLED", "true"},
        {"OTEL_SERVICE_NAME", ""},
        {"APM_VERSION", ""},
        {"APM_ENVIRONMENT", ""},
        {"OTEL_RESOURCE_ATTRIBUTES", ""},
        {"OTEL_TRACES_EXPORTER", "none"},
        {"OTEL_METRICS_EXPORTER", "prometheus"},
        {"OTEL_TRACES_SAMPLER", "parentbased_always_on"},
        {"OTEL_TRACES_SAMPLER_ARG", ""},
        {"TRACE_SAMPLE_RATE", ""},
        {"APM_TAIL_ERRORS", "false"},
        {"APM_TAIL_SLOWER_THAN", "0"},
        {"APM_TAIL_BYTES", "16777216"},
        {"APM_MAX_LEVEL", "255"},
        {"OTEL_PROPAGATORS", "tracecontext,baggage"},
        {"APM_BAGGAGE_KEYS", ""},
        {"APM_CONTROL_FILE", ""},
        {"APM_CONTROL_TOKEN", ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ""},
        {"OTEL_EXPORTER_OTLP_HEADERS", ""},
        {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_HEADERS", ""},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", ""},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", "none"},
        {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", ""},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_CLIENT_KEY", ""},
        {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", ""},
        {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", ""},
        {"OTEL_EXPORTER_OTLP_TIMEOUT", "10000"},
        {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10000"},
        {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "10000"},
        {"http_proxy", ""},
        {"https_proxy", ""},
        {"no_proxy", ""},
        {"OTEL_METRIC_EXPORT_INTERVAL", "60000"},
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative"},
        {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram"},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "none"},
        {"OTEL_BSP_MAX_QUEUE_SIZE", "none"},
        {"APM_OTLP_QUEUE_BYTES", "16777216"},
        {"APM_OTLP_MAX_ELAPSED_TIME", "300000"},
        {"APM_OTLP_SPOOL_DIRECTORY", ""},
        {"APM_OTLP_SPOOL_BYTES", "268435456"},
        {"OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"},
        {"OTEL_EXPORTER_PROMETHEUS_PORT", "9464"},
        {"PROMETHEUS_METRICS_PATH", "/metrics"},
        {"APM_TRACE_DIRECTORY", "."},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128"},
        {"OTEL_SPAN_EVENT_COUNT_LIMIT", "128"},
        {"OTEL_SPAN_LINK_COUNT_LIMIT", "128"},
        {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "128"},
        {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "128"},
        {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "none"},
        {"OTEL_BSP_SCHEDULE_DELAY", "5000"},
        {"OTEL_BSP_EXPORT_TIMEOUT", "30000"},
        {"OTEL_METRIC_EXPORT_TIMEOUT", "30000"},
        {"APM_SHUTDOWN_TIMEOUT", "5000"},
        {"APM_RING_BYTES", "65536"},
        {"APM_RING_LIMIT", "268435456"},
        {"APM_BYTES_PER_THREAD", "0"},
    };
    const reported said;
    const environment e;
    apm::runtime_options options;
    const apm::detail::settings s(options);
    CHECK(s.reader.effective.size() == std::size(expected));
    for (std::size_t i = 0; i < std::min(s.reader.effective.size(), std::size(expected)); ++i) {
        CHECK(s.reader.effective[i].name == expected[i].first);
        CHECK(s.reader.effective[i].value == expected[i].second);
        CHECK(s.reader.effective[i].from.empty());
    }
    CHECK(said.take().empty());
}

#endif
