// ctest: LIBS apm::prometheus_cpp
#include <apm/backend/prometheus_cpp.hpp>

#include <csignal>
#include <limits>
#include <optional>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>

#include <apm/backend/prometheus.hpp>

#include "catch.hpp"
#include "backend/http_client.hpp"
#include "runtime/support.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
APM_FIELDS(Order, (apm::named<Method, "pay.method">, method));
struct few { static constexpr auto bounds = apm::explicit_bounds(0.5, 1); };

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "cpp"};

    counter<Order> orders{this, "cpp.orders", "Orders\nof \\today"};
    counter<>      big   {this, "cpp.big", "Beyond 2^53"};
    gauge<apm::no_labels, apm::seconds> age{this, "cpp.age", "Age"};
    histogram<apm::no_labels, apm::seconds, few> took{this, "cpp.took", "Time"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

bool has(const std::string& text, const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != std::string::npos; }

void record() {
    static bool done = false;
    if (std::exchange(done, true)) return;
    telemetry.orders.add(2, {.method = Method::card});
    telemetry.big.add((std::uint64_t{1} << 53) + 1);
    telemetry.age.set(-250ms);
    telemetry.took.record(100ms), telemetry.took.record(2s);
}

struct by_hand : prometheus::Collectable {
    std::vector<prometheus::MetricFamily> families;
    bool fails = false;
    std::vector<prometheus::MetricFamily> Collect() const override {
        if (fails) throw std::runtime_error("no luck");
        return families;
    }
};

// A Pushgateway of its own, ended with this object.
class pushgateway {
public:
    pushgateway() {
        std::string listen = "--web.listen-address=127.0.0.1:" + std::to_string(port), level = "--log.level=error";
        std::string name = "prometheus-pushgateway";
        char* arguments[] = {name.data(), listen.data(), level.data(), nullptr};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        if (posix_spawnp(&pid_, name.c_str(), &actions, nullptr, arguments, environ) != 0) pid_ = 0;
        posix_spawn_file_actions_destroy(&actions);
        soon([this] { return (ready = ask(port, {}, "GET /-/ready").status == 200) || ended(); });
    }
    pushgateway(const pushgateway&) = delete;
    pushgateway& operator=(const pushgateway&) = delete;
    ~pushgateway() {
        if (ended()) return;
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }

private:
    bool ended() {
        if (pid_ && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
        return !pid_;
    }
    own_port at_;
    pid_t pid_ = 0;

public:
    const std::uint16_t port = at_.number();
    bool ready = false;
};

}  // namespace

TEST_CASE("a registry is shown in our exposition, in both formats") {
    record();
    const auto registry = std::make_shared<prometheus::Registry>();
    prometheus::BuildCounter().Name("their_total").Help("Two\nlines").Register(*registry).Add({{"k", "v\"\\"}}).Increment(3);
    prometheus::BuildGauge().Name("level").Help("A gauge").Register(*registry).Add({}).Set(1234567.25);
    prometheus::BuildHistogram().Name("lasted").Help("A histogram").Register(*registry).Add({{"a", "b"}}, std::vector<double>{0.5, 1e6})
        .Observe(2);
    prometheus::BuildSummary().Name("waited").Help("A summary").Register(*registry)
        .Add({}, prometheus::Summary::Quantiles{{0.5, 0.05}, {1, 0.01}}).Observe(4);
    prometheus::BuildGauge().Name("unused").Help("No series").Register(*registry);

    apm::prometheus endpoint;
    endpoint.also(apm::families_of(registry));
    const std::string text = endpoint.write(apm::exposition_format::text), open = endpoint.write(apm::exposition_format::openmetrics);
    CAPTURE(text, open);
    for (const std::string* p : {&text, &open})
        for (const char* line : {R"(cpp_orders_total{pay_method="card"} 2)", R"(their_total{k="v\"\\"} 3)", "level 1234567.25",
                                 R"(lasted_bucket{a="b",le="0.5"} 0)", R"(lasted_bucket{a="b",le="1e+06"} 1)",
                                 R"(lasted_bucket{a="b",le="+Inf"} 1)", R"(lasted_count{a="b"} 1)", R"(lasted_sum{a="b"} 2)",
                                 R"(waited{quantile="0.5"} 4)", R"(waited{quantile="1.0"} 4)", "waited_count 1", "waited_sum 4"}) {
            CAPTURE(line);
            CHECK(has(*p, line));
        }
    CHECK(has(text, R"(# HELP their_total Two\nlines)"));
    CHECK(has(text, "# TYPE their_total counter"));
    CHECK(has(open, "# TYPE their counter"));
    CHECK(open.ends_with("\n# EOF\n"));
    CHECK(text.find("unused") == text.npos);
}

TEST_CASE("what others give wrongly costs them only") {
    const reported said;
    const auto wrong = std::make_shared<by_hand>();
    wrong->families.resize(4);
    wrong->families[0] = {"cpp_orders_total", "Ours", prometheus::MetricType::Counter, {{}}};
    wrong->families[1] = {"bad name", "\xff", prometheus::MetricType::Untyped, {{}}};
    wrong->families[2] = {"holes", "No +Inf bucket", prometheus::MetricType::Histogram, {{}}};
    wrong->families[2].metric[0].histogram = {5, 1, {{2, -1.0}}};
    wrong->families[3] = {"stamped", "With a time", prometheus::MetricType::Gauge, {{}}};
    wrong->families[3].metric[0].timestamp_ms = 1500;
    apm::prometheus endpoint;
    endpoint.also(apm::families_of(wrong));
    const std::string text = endpoint.write(apm::exposition_format::text), open = endpoint.write(apm::exposition_format::openmetrics);
    CAPTURE(text, open);
    CHECK(text.find("# HELP cpp_orders_total Ours") == text.npos);
    CHECK(has(text, "# HELP bad_name \xef\xbf\xbd"));
    CHECK(has(text, "holes_bucket{le=\"-1.0\"} 2"));
    CHECK(has(text, "holes_bucket{le=\"+Inf\"} 5"));
    CHECK(has(text, "holes_sum 1"));
    CHECK(open.find("holes_sum") == open.npos);
    CHECK(has(text, "stamped 0 1500"));
    CHECK(has(open, "stamped 0 1.5"));
    CHECK(said.take() == lines{"the family cpp_orders_total is left out of the exposition: there is a cpp_orders already"});

    wrong->fails = true;
    for (int twice = 0; twice < 2; ++twice) {
        const std::string rest = endpoint.write(apm::exposition_format::text);
        CHECK(rest.find("cpp_big_total") != rest.npos);
        CHECK(rest.find("stamped") == rest.npos);
    }
    CHECK(said.take() == lines{"prometheus: families of another source are missing: it threw no luck"});
}

TEST_CASE("a registry that is gone is shown no more") {
    auto registry = std::make_shared<prometheus::Registry>();
    prometheus::BuildGauge().Name("gone_soon").Register(*registry).Add({}).Set(1);
    apm::prometheus endpoint;
    endpoint.also(apm::families_of(registry));
    CHECK(has(endpoint.write(apm::exposition_format::text), "gone_soon 1"));
    registry.reset();
    CHECK_FALSE(has(endpoint.write(apm::exposition_format::text), "gone_soon 1"));
}

TEST_CASE("a runtime shows a registry in the exposition that it serves") {
    const environment e;
    const auto registry = std::make_shared<prometheus::Registry>();
    prometheus::BuildCounter().Name("served_total").Register(*registry).Add({}).Increment(2);
    apm::basic_runtime<apm::mode::on> r({.prometheus = {.port = 0}});
    r.show(apm::families_of(registry));
    CHECK(ask(r.prometheus_port()).has("served_total 2"));
    apm::basic_runtime<apm::mode::off>{}.show(apm::families_of(registry));
}

TEST_CASE("our schemas are served by a program's own Exposer, as doubles") {
    record();
    const auto ours = apm::as_collectable();
    prometheus::Exposer exposer("127.0.0.1:0", 1);
    exposer.RegisterCollectable(ours);
    const answer a = ask(static_cast<std::uint16_t>(exposer.GetListeningPorts().at(0)));
    CAPTURE(a.body);
    CHECK(a.has(R"(# HELP cpp_orders_total Orders\nof \\today)"));
    CHECK(a.has("# TYPE cpp_orders_total counter"));
    CHECK(a.has(R"(cpp_orders_total{pay_method="card"} 2)"));
    CHECK(a.has("cpp_big_total 9007199254740992"));  // 2^53 + 1 is no double
    CHECK(a.has("cpp_age_seconds -0.25"));
    CHECK(a.has(R"(cpp_took_seconds_bucket{le="0.5"} 1)"));
    CHECK(a.has(R"(cpp_took_seconds_bucket{le="+Inf"} 2)"));
    CHECK(a.has("cpp_took_seconds_count 2"));
    CHECK(a.body.find("cpp_took_seconds_sum 2.1") != a.body.npos);
}

TEST_CASE("our schemas are pushed to a Pushgateway") {
    record();
    const pushgateway gateway;
    if (!gateway.ready) {
        WARN("skipped: prometheus-pushgateway does not start here");
        return;
    }
    const auto push = [&](apm::gateway_options o) {
        o.port = gateway.port;
        return apm::push_to_gateway(o, clock_type::now() + patience);
    };
    CHECK(push({.job = "nightly", .labels = {{"zone", "b"}}}) == "");
    answer a = ask(gateway.port);
    CAPTURE(a.body);
    CHECK(a.has(R"(cpp_orders_total{instance="",job="nightly",pay_method="card",zone="b"} 2)"));
    CHECK(a.has(R"(cpp_took_seconds_count{instance="",job="nightly",zone="b"} 2)"));
    CHECK(push({.job = "nightly", .labels = {{"zone", "b"}}}) == "");

    // A label that belongs to the group: the gateway refuses it.
    const apm::error refused = push({.job = "nightly", .labels = {{"bad-name", "b"}}});
    CHECK(refused.find("the Pushgateway at 127.0.0.1:" + std::to_string(gateway.port) + " rejected the push: HTTP status 400") == 0);
}

TEST_CASE("a push that fails is one line, in time") {
    const auto by = [] { return clock_type::now() + patience; };
    const silent_port at;
    const std::uint16_t port = at.port();
    CHECK(apm::push_to_gateway({}, by()) == "cannot push to the Pushgateway at 127.0.0.1:9091: give the job a name");
    CHECK(apm::push_to_gateway({.port = port, .job = "j"}, by()) ==
          "cannot push to the Pushgateway at 127.0.0.1:" + std::to_string(port) + ": cannot connect; is it running? (curl error 7)");

    // One that listens and never answers.
    {
        const taken silent;
        const auto start = clock_type::now();
        const apm::error e = apm::push_to_gateway({.port = silent.port, .job = "j"}, start + 200ms);
        CHECK(e.find("no answer in time from the Pushgateway at 127.0.0.1:") == 0);
        CHECK(e.find('\n') == e.npos);
        CHECK(clock_type::now() - start < patience / 2);
    }  // resets the connection, so that the push ends before the process does
    std::this_thread::sleep_for(100ms);
}
