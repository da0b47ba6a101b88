// ctest: LABELS serial
// Options, overridden by the environment.
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/settings.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

const bool with_prometheus = apm::detail::in_this_build("prometheus");

// "" where there is no such attribute.
std::string attribute(const apm::detail::settings& s, std::string_view key) {
    std::string value;
    for (const auto& [k, v] : s.who.attributes)
        if (k == key) {
            CHECK(value.empty());  // at most once
            value = apm::text_of(v);
        }
    return value;
}

std::string service(const apm::runtime_options& given, std::initializer_list<std::pair<const char*, const char*>> variables) {
    const environment e(variables);
    apm::runtime_options o = given;
    const apm::detail::settings s(o);
    CHECK(s.service == attribute(s, "service.name"));
    return s.service;
}

}  // namespace

TEST_CASE("with an empty environment the options stay what they are") {
    const reported said;
    const environment e;
    apm::runtime_options o{.service = {.name = "shop"}, .prometheus = {.host = "127.0.0.2", .port = 1, .path = "/m"},
                           .bytes_per_thread = 2, .shutdown_timeout = 3ms};
    const apm::detail::settings s(o);
    CHECK_FALSE(s.disabled);
    CHECK(s.metrics.has("prometheus") == with_prometheus);
    CHECK(o.prometheus.host == "127.0.0.2");
    CHECK(o.prometheus.port == 1);
    CHECK(o.prometheus.path == "/m");
    CHECK(o.bytes_per_thread == 2);
    CHECK(o.shutdown_timeout == 3ms);
    CHECK(said.take().empty());
}

TEST_CASE("the environment overrides the options") {
    const reported said;
    const environment e{{"OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"}, {"OTEL_EXPORTER_PROMETHEUS_PORT", "9000"},
                        {"PROMETHEUS_METRICS_PATH", "/page"},         {"APM_BYTES_PER_THREAD", "4096"},
                        {"APM_SHUTDOWN_TIMEOUT", "250"},              {"OTEL_METRICS_EXPORTER", "none"}};
    apm::runtime_options o{.prometheus = {.port = 1}, .bytes_per_thread = 2, .shutdown_timeout = 3ms};
    const apm::detail::settings s(o);
    CHECK_FALSE(s.metrics.has("prometheus"));
    CHECK(o.prometheus.host == "0.0.0.0");
    CHECK(o.prometheus.port == 9000);
    CHECK(o.prometheus.path == "/page");
    CHECK(o.bytes_per_thread == 4096);
    CHECK(o.shutdown_timeout == 250ms);
    CHECK(said.take().empty());
}

TEST_CASE("older names of a variable are understood, OpenTelemetry's come first") {
    const auto port = [](std::initializer_list<std::pair<const char*, const char*>> variables) {
        const environment e(variables);
        apm::runtime_options o;
        const apm::detail::settings s(o);
        return o.prometheus.port;
    };
    CHECK(port({{"PROMETHEUS_PORT", "8001"}}) == 8001);
    CHECK(port({{"PROMETHEUS_PORT", "8001"}, {"OTEL_EXPORTER_PROMETHEUS_PORT", "8002"}}) == 8002);
}

TEST_CASE("a bad number is one line and the option") {
    const reported said;
    const environment e{{"OTEL_EXPORTER_PROMETHEUS_PORT", "94640"}, {"APM_SHUTDOWN_TIMEOUT", "soon"}};
    apm::runtime_options o;
    const apm::detail::settings s(o);
    CHECK(o.prometheus.port == 9464);
    CHECK(o.shutdown_timeout == 5s);
    CHECK(said.take() == lines{"OTEL_EXPORTER_PROMETHEUS_PORT=94640 is no number from 0 to 65535; using 9464",
                               "APM_SHUTDOWN_TIMEOUT=soon is no number from 0 to 3600000; using 5000"});
}

TEST_CASE("a shutdown timeout that no clock can add is an hour, a negative one is none") {
    const environment e;
    const auto used = [](std::chrono::milliseconds given) {
        apm::runtime_options o{.shutdown_timeout = given};
        const apm::detail::settings s(o);
        return o.shutdown_timeout;
    };
    CHECK(used(std::chrono::milliseconds::max()) == 1h);
    CHECK(used(-1ms) == 0ms);
}

TEST_CASE("OTEL_SDK_DISABLED and APM_ENABLED switch everything off") {
    const auto disabled = [](const char* name, const char* value) {
        const environment e{{name, value}};
        apm::runtime_options o;
        return apm::detail::settings(o).disabled;
    };
    CHECK(disabled("OTEL_SDK_DISABLED", "true"));
    CHECK(disabled("OTEL_SDK_DISABLED", "True"));
    CHECK_FALSE(disabled("OTEL_SDK_DISABLED", "false"));
    CHECK_FALSE(disabled("OTEL_SDK_DISABLED", ""));
    CHECK(disabled("APM_ENABLED", "false"));
    CHECK_FALSE(disabled("APM_ENABLED", "true"));
    CHECK_FALSE(disabled("APM_ENABLED", ""));
}

TEST_CASE("the list of exporters") {
    const reported said;
    const auto serves = [](std::string_view from_code, const char* variable) {
        const environment e{{"OTEL_METRICS_EXPORTER", variable}};
        apm::runtime_options o{.metrics_exporter = from_code};
        return apm::detail::settings(o).metrics.has("prometheus");
    };
    CHECK(serves("auto", "") == with_prometheus);
    CHECK(serves("prometheus", "") == with_prometheus);
    CHECK_FALSE(serves("none", ""));
    CHECK_FALSE(serves("prometheus", "none"));
    CHECK_FALSE(serves("", ""));
    CHECK(serves("none", "Prometheus, none") == with_prometheus);
    if (with_prometheus) CHECK(said.take().empty());
    static_cast<void>(said.take());

    CHECK_FALSE(serves("statsd", ""));
    CHECK_FALSE(serves("none", "statsd"));
    const lines was = said.take();
    REQUIRE(was.size() == 2);
    CHECK(was[0].find("metrics_exporter: exporter \"statsd\" is unknown; it may be ") == 0);
    CHECK(was[1].find("OTEL_METRICS_EXPORTER: exporter \"statsd\" is unknown; it may be ") == 0);
}

TEST_CASE("the name of the service: its variables, then code, then OTEL_RESOURCE_ATTRIBUTES, then the executable") {
    CHECK(service({}, {}).find("unknown_service:") == 0);
    CHECK(service({}, {}).size() > std::string("unknown_service:").size());
    CHECK(service({}, {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=attributes"}}) == "attributes");
    CHECK(service({.service = {.name = "code"}}, {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=attributes"}}) == "code");
    CHECK(service({}, {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=attributes"}, {"OTEL_SERVICE_NAME", "otel"}}) == "otel");
    CHECK(service({.service = {.name = "code"}}, {{"OTEL_SERVICE_NAME", "otel"}}) == "otel");
    CHECK(service({.service = {.name = "code"}}, {{"APM_SERVICE_NAME", "apm"}}) == "apm");
    CHECK(service({}, {{"APM_SERVICE_NAME", "apm"}, {"OTEL_SERVICE_NAME", "otel"}}) == "otel");
}

TEST_CASE("attributes given in code win over OTEL_RESOURCE_ATTRIBUTES") {
    const environment e{{"OTEL_RESOURCE_ATTRIBUTES", "team=variable,zone=b,host.name=set"}};
    apm::runtime_options o{.service = {.name_space = "mall", .instance_id = "7"},
                           .resource = {{"team", "code"}, {"floor", "2"}, {"empty", ""}}};
    const apm::detail::settings s(o);
    CHECK(attribute(s, "team") == "code");
    CHECK(attribute(s, "floor") == "2");
    CHECK(attribute(s, "zone") == "b");
    CHECK(attribute(s, "empty").empty());
    CHECK(attribute(s, "host.name") == "set");  // what is found is the last resort
    CHECK(attribute(s, "service.namespace") == "mall");
    CHECK(attribute(s, "service.instance.id") == "7");
    CHECK(s.who.attributes.front().first == "service.name");
}

TEST_CASE("version and environment of the service") {
    const reported said;  // production has a line of its own (sampling_settings.cpp)
    const environment e{{"APM_VERSION", "2"}, {"APM_ENVIRONMENT", "production"}};
    apm::runtime_options o{.service = {.version = "1", .environment = "development"}};
    const apm::detail::settings s(o);
    CHECK(attribute(s, "service.version") == "2");
    CHECK(attribute(s, "deployment.environment.name") == "production");
}

TEST_CASE("the environment of the service, where nothing else says it, is ENVIRONMENT") {
    const reported said;
    const auto place = [](std::string_view code, std::initializer_list<std::pair<const char*, const char*>> variables) {
        const environment e(variables);
        apm::runtime_options o{.service = {.environment = code}};
        const apm::detail::settings s(o);
        return attribute(s, "deployment.environment.name");
    };
    CHECK(place("", {{"ENVIRONMENT", "staging"}}) == "staging");
    CHECK(place("test", {{"ENVIRONMENT", "staging"}}) == "test");
    CHECK(place("", {{"ENVIRONMENT", "staging"}, {"APM_ENVIRONMENT", "test"}}) == "test");
    CHECK(place("", {{"ENVIRONMENT", "staging"}, {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"}}) == "test");
    CHECK(said.take().empty());
}

TEST_CASE("what the process itself knows") {
    const environment e;
    apm::runtime_options o;
    const apm::detail::settings s(o);
    CHECK(attribute(s, "process.pid") == std::to_string(getpid()));
    CHECK_FALSE(attribute(s, "host.name").empty());
    CHECK(attribute(s, "telemetry.sdk.name") == "apm");
    CHECK(attribute(s, "telemetry.sdk.language") == "cpp");
    CHECK(attribute(s, "telemetry.sdk.version") == APM_VERSION);
}

TEST_CASE("bad OTEL_RESOURCE_ATTRIBUTES are left out, the rest stands") {
    const reported said;
    const environment e{{"OTEL_RESOURCE_ATTRIBUTES", "service.name=x,broken"}, {"OTEL_SERVICE_NAME", "shop"}};
    apm::runtime_options o;
    const apm::detail::settings s(o);
    CHECK(s.service == "shop");
    CHECK(said.take().size() == 1);
}

TEST_CASE("an unknown setting is one line") {
    const reported said;
    const environment e{{"APM_SHUTDOWN_TIMEOUTS", "1"}};
    apm::runtime_options o;
    const apm::detail::settings s(o);
    CHECK(said.take() == lines{"unknown setting APM_SHUTDOWN_TIMEOUTS; did you mean APM_SHUTDOWN_TIMEOUT?"});
}

TEST_CASE("attributes of a resource beyond the room for them are left out, in one line") {
    const environment e;
    const reported said;
    apm::runtime_options o;
    o.resource = {{"k", "0"}, {"k1", ""}, {"k2", ""}, {"k3", ""}, {"k4", ""}, {"k5", ""}, {"k6", ""}, {"k7", ""}, {"k8", ""},
                  {"k9", ""}, {"k10", ""}, {"k11", ""}, {"k12", ""}, {"k13", ""}, {"k14", ""}, {"k15", ""}, {"k16", ""},
                  {"k17", ""}, {"k18", ""}, {"k19", ""}, {"k20", ""}, {"k21", ""}, {"k22", ""}, {"k23", ""}, {"k24", ""},
                  {"k25", ""}, {"k26", ""}, {"k27", ""}, {"k28", ""}, {"k29", ""}, {"k30", ""}, {"last", "1"}, {"over", "1"}};
    const apm::detail::settings s(o);
    CHECK(attribute(s, "k") == "0");
    CHECK(attribute(s, "last") == "1");
    CHECK(attribute(s, "over").empty());
    CHECK(said.take() == lines{"the options give the resource 33 attributes; those after the first 32 are left out"});
}

TEST_CASE("the exporters of spans") {
    const reported said;
    const auto chosen = [](std::string_view from_code, const char* variable) {
        const environment e{{"OTEL_TRACES_EXPORTER", variable}};
        apm::runtime_options o{.metrics_exporter = "none", .traces_exporter = from_code};
        const apm::detail::settings s(o);
        return std::string(s.traces.has("file") ? "file " : "") + (s.traces.has("console") ? "console" : "");
    };
    CHECK(chosen("none", "").empty());
    CHECK(chosen("file", "none").empty());
    CHECK(said.take().empty());
#if APM_BACKEND_FILE && APM_BACKEND_CONSOLE
    CHECK(chosen("none", "file, Console") == "file console");
    CHECK(chosen("console", "") == "console");
#endif
    CHECK(chosen("none", "zipkin").empty());
    const lines was = said.take();
    REQUIRE(was.size() == 1);
    CHECK(was[0].find("OTEL_TRACES_EXPORTER: exporter \"zipkin\" is unknown; it may be ") == 0);
}

TEST_CASE("what is written on a ring, and how often it is read") {
    const reported said;
    apm::runtime_options o{.metrics_exporter = "none", .ring_bytes = 100'000};
    {
        const environment e{{"OTEL_BSP_SCHEDULE_DELAY", "250"}, {"APM_RING_LIMIT", "1000000"}};
        const apm::detail::settings s(o);
    }
    CHECK(o.span_interval == 250ms);
    CHECK(o.ring_limit == 1'000'000);
    CHECK(o.ring_bytes == 131'072);
    CHECK(said.take() == lines{"APM_RING_BYTES (or ring_bytes): a ring has a power of two of bytes, 65536 at least, not 100000; using 131072"});
    apm::runtime_options none{.metrics_exporter = "none", .ring_bytes = 0};
    const apm::detail::settings s(none);
    CHECK(none.ring_bytes == 65'536);
}
