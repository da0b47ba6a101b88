// ctest: LABELS serial
// Which back ends a program gets, by its code, by the environment and by what it was given before OTLP over HTTP.
#include <apm/runtime/settings/exporters.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

namespace {

// "traces: otlp file | metrics: prometheus | endpoint"
[[maybe_unused]] std::string chosen(std::initializer_list<std::pair<const char*, const char*>> variables, const apm::runtime_options& options = {}) {
    const environment e(variables);
    apm::detail::settings_reader reader;
    const apm::detail::exporter_choice c(reader, options);
    const auto all = [](const apm::detail::exporters& x) {
        std::string names;
        for (const apm::detail::builtin& b : apm::detail::builtins())
            if (x.has(b)) names.append(" ").append(b.name);
        return names;
    };
    return all(c.traces) + " |" + all(c.metrics) + " | " + c.older_endpoint;
}

}  // namespace

#if APM_BACKEND_OTLP && APM_BACKEND_PROMETHEUS && APM_BACKEND_FILE && APM_BACKEND_CONSOLE

TEST_CASE("by default there is an endpoint for Prometheus, and spans go nowhere") {
    const reported said;
    CHECK(chosen({}) == " | prometheus | ");
    CHECK(chosen({}, {.metrics_exporter = "none", .traces_exporter = "console"}) == " console | | ");
    CHECK(said.take().empty());
}

TEST_CASE("an endpoint is all it takes") {
    const reported said;
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}) == " otlp | otlp prometheus | ");
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318"}}) == " otlp | prometheus | ");
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:4318"}}) == " | otlp prometheus | ");
    CHECK(chosen({}, {.otlp = {.endpoint = "http://c:4318"}}) == " otlp | otlp prometheus | ");
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}, {.traces_exporter = "console"}) ==
          " otlp console | otlp prometheus | ");
    // Who wants none gets none, and the variable for it has the last word.
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}, {.metrics_exporter = "none", .traces_exporter = "none"}) == " | | ");
    CHECK(chosen({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, {"OTEL_TRACES_EXPORTER", "file"},
                  {"OTEL_METRICS_EXPORTER", "none"}}) == " file | | ");
    CHECK(chosen({{"OTEL_TRACES_EXPORTER", "otlp"}}, {.traces_exporter = "none"}) == " otlp | prometheus | ");
    CHECK(said.take().empty());
}

TEST_CASE("APM_BACKEND says where traces go, and where metrics go as well") {
    const reported said;
    CHECK(chosen({{"APM_BACKEND", "otlp"}}) == " otlp | otlp prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "jaeger"}}) == " otlp | prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "Prometheus"}}, {.metrics_exporter = "none", .traces_exporter = "file"}) == " | prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "file,console"}}) == " file console | prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "none"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}) == " | prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "otlp"}, {"OTEL_TRACES_EXPORTER", "none"}}) == " | otlp prometheus | ");
    CHECK(said.take().empty());
    CHECK(chosen({{"APM_BACKEND", "zipkin"}}) == " | prometheus | ");
    CHECK(chosen({{"APM_BACKEND", "datadog"}}) == " | prometheus | ");
    CHECK(said.take() == lines{"APM_BACKEND: \"zipkin\" is unknown; it may be otlp, jaeger, prometheus, file, console, none",
                               "APM_BACKEND=datadog: Datadog's Agent takes OTLP; set APM_BACKEND=otlp and "
                               "OTEL_EXPORTER_OTLP_ENDPOINT=http://AGENT:4318"});
}

TEST_CASE("older names of an endpoint are translated, with one line") {
    const reported said;
    CHECK(chosen({{"APM_BACKEND", "jaeger"}, {"JAEGER_ENDPOINT", "http://localhost:14268/api/traces"},
                  {"OTLP_ENDPOINT", "http://localhost:4317"}}) == " otlp | prometheus | http://localhost:4318");
    CHECK(said.take() == lines{"JAEGER_ENDPOINT=http://localhost:14268/api/traces: sending OTLP over HTTP to http://localhost:4318; set "
                               "OTEL_EXPORTER_OTLP_ENDPOINT to say so yourself"});
    CHECK(chosen({{"APM_BACKEND", "otlp"}, {"JAEGER_ENDPOINT", "http://j:14268/api/traces"}, {"OTLP_ENDPOINT", "http://o:4317"}}) ==
          " otlp | otlp prometheus | http://o:4318");
    CHECK(said.take().size() == 1);
    CHECK(chosen({{"TRACING_ENABLED", "true"}, {"JAEGER_AGENT_HOST", "agent"}}) == " otlp | prometheus | http://agent:4318");
    CHECK(said.take().size() == 1);
    CHECK(chosen({{"OTLP_ENDPOINT", "collector"}}) == " otlp | otlp prometheus | http://collector:4318");
    CHECK(said.take().size() == 1);
    CHECK(chosen({{"TRACING_ENABLED", "false"}, {"JAEGER_AGENT_HOST", "agent"}}) == " | prometheus | ");
    CHECK(chosen({{"TRACING_ENABLED", "1"}}) == " | prometheus | ");  // another library's
    CHECK(chosen({{"APM_BACKEND", "console"}, {"JAEGER_ENDPOINT", "http://j:14268/api/traces"}}) == " console | prometheus | ");
    CHECK(chosen({{"JAEGER_AGENT_HOST", "agent"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}) == " otlp | otlp prometheus | ");
    CHECK(said.take().empty());
}

TEST_CASE("a password in an older endpoint is in no line") {
    const reported said;
    CHECK(chosen({{"JAEGER_ENDPOINT", "http://me:hush@j:14268/api/traces?key=hush"}}).find("http://me:hush@j:4318") != std::string::npos);
    const lines was = said.take();
    REQUIRE(was.size() == 1);
    CHECK(was[0].find("hush") == std::string::npos);
}

#endif
