// ctest: LABELS serial
// Every default, once: a change to one of them shows here.
#include <apm/backend/memory.hpp>
#include <apm/runtime/options.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("the defaults of a runtime") {
    const apm::runtime_options o;
    CHECK(o.service.name.empty());
    CHECK(o.service.version.empty());
    CHECK(o.service.name_space.empty());
    CHECK(o.service.instance_id.empty());
    CHECK(o.service.environment.empty());
    CHECK(o.resource.size == 0);
    CHECK(o.metrics_exporter == "auto");
    CHECK(o.traces_exporter == "auto");
    CHECK(o.sampler == apm::parent_based(apm::sampler()));  // left out
    CHECK(o.remote_sampling.endpoint.empty());
    CHECK(o.remote_sampling.interval == 60s);
    CHECK(o.remote_sampling.initial_rate == 0.001);
    CHECK_FALSE(o.tail_sampling.errors);  // it costs all that is not kept
    CHECK(o.tail_sampling.slower_than == 0s);
    CHECK(o.tail_sampling.bytes == 16 * 1024 * 1024);
    CHECK(o.max_level == 255);
    CHECK(o.control.file.empty());
    CHECK(o.control.token.empty());  // nothing can be changed unless a token is set
    CHECK(o.propagators == "tracecontext,baggage");
    CHECK(o.baggage_keys.empty());
    CHECK(o.span_interval == 5s);
    CHECK(o.ring_bytes == 64 * 1024);
    CHECK(o.ring_limit == 256 * 1024 * 1024);
    CHECK(o.bytes_per_thread == 0);
    CHECK(o.shutdown_timeout == 5s);
    CHECK(o.span_timeout == 30s);
    CHECK(o.metric_timeout == 30s);
    CHECK(o.limits == apm::span_limits{});
    CHECK(o.on_error == nullptr);
}

TEST_CASE("the defaults of OTLP") {
    const apm::otlp_options o;
    CHECK(o.endpoint.empty());
    CHECK(o.headers.empty());
    CHECK(o.protocol == "http/protobuf");
    CHECK(o.compression == "none");
    CHECK(o.timeout == 10s);
    CHECK(o.interval == 60s);
    CHECK(o.temporality == "cumulative");
    CHECK(o.max_export_batch_size == 0);
    CHECK(o.queue_bytes == 16 * 1024 * 1024);
    CHECK(o.max_queue_size == 0);
    CHECK(o.max_elapsed_time == 300s);
    CHECK(o.spool_directory.empty());
    CHECK(o.spool_bytes == 256 * 1024 * 1024);
    CHECK(o.traces.send);
    CHECK(o.metrics.timeout == -1ms);
}

TEST_CASE("the defaults of the endpoint for Prometheus") {
    const apm::prometheus_options o = apm::runtime_options{}.prometheus;
    CHECK(o.host == "127.0.0.1");  // not reachable from other machines unless an option says so
    CHECK(o.port == 9464);
    CHECK(o.path == "/metrics");
    CHECK(o.user.empty());
    CHECK(o.password.empty());
    CHECK(o.certificate.empty());
    CHECK(o.connections == 128);
    CHECK(o.client_deadline == 5s);
    CHECK_FALSE(o.scope_labels);
}

TEST_CASE("the defaults of the memory back end") {
    const apm::memory_options o;
    CHECK(o.interval == 60s);
    CHECK(o.keep == 16);
}

TEST_CASE("options are plain values, so that they leave nothing behind where APM is compiled out") {
    STATIC_REQUIRE(std::is_trivially_destructible_v<apm::runtime_options>);
}
