// ctest: LABELS serial
// Which traces are kept, by the options and the environment.
#include <apm/runtime/settings.hpp>
#include <apm/runtime/settings/sampling.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;
using apm::always_off, apm::always_on, apm::parent_based, apm::probability, apm::rate_limited, apm::sampling_rules, apm::trace_id_ratio;

namespace {

struct chosen {
    apm::runtime_options options;
    apm::detail::remote_sampling remote;

    explicit chosen(std::initializer_list<std::pair<const char*, const char*>> variables, apm::runtime_options given = {})
        : options(given) {
        const environment e(variables);
        options.metrics_exporter = "none";
        remote = apm::detail::settings(options).sampling;
    }
    [[nodiscard]] const sampling_rules& rules() const { return options.sampler; }
};
sampling_rules named(const char* name, const char* argument = "") {
    return chosen({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", argument}}).rules();
}
const sampling_rules usual = parent_based(always_on);
constexpr const char* in_production = "in the environment production one trace of ten is sampled (parentbased_probability, 0.1); "
                                      "TRACE_SAMPLE_RATE=1, OTEL_TRACES_SAMPLER or the option `sampler` says otherwise";

}  // namespace

TEST_CASE("the sampler by its names in OpenTelemetry's specification") {
    const reported said;
    CHECK(named("") == usual);
    CHECK(named("always_on") == sampling_rules(always_on));
    CHECK(named("always_off") == sampling_rules(always_off));
    CHECK(named("traceidratio", "0.25") == sampling_rules(trace_id_ratio(0.25)));
    CHECK(named("parentbased_always_on") == usual);
    CHECK(named("parentbased_always_off") == parent_based(always_off));
    CHECK(named("parentbased_traceidratio", "0.5") == parent_based(trace_id_ratio(0.5)));
    CHECK(named("parentbased_traceidratio") == usual);
    CHECK(said.take().empty());
}

TEST_CASE("and by names of our own") {
    const reported said;
    CHECK(named("probability", "0.25") == sampling_rules(probability(0.25)));
    CHECK(named("parentbased_probability", "0.25") == parent_based(probability(0.25)));
    CHECK(named("parentbased_probability") == parent_based(probability(1)));
    CHECK(named("rate_limited", "20") == sampling_rules(rate_limited(20)));
    CHECK(named("parentbased_rate_limited", "0.5") == parent_based(rate_limited(0.5)));
    CHECK(said.take().empty());
}

TEST_CASE("a bad argument is one line, and as if it were not there") {
    const reported said;
    CHECK(named("traceidratio", "2") == sampling_rules(always_on));
    CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER_ARG=2 is no number from 0 to 1; using 1"});
    CHECK(named("parentbased_probability", "a few") == parent_based(probability(1)));
    CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER_ARG=a few is no number from 0 to 1; using 1"});
    CHECK(named("probability", "nan") == sampling_rules(probability(1)));
    CHECK(said.take().size() == 1);
    for (const char* argument : {"", "many", "-1", "inf"}) {
        CHECK(named("rate_limited", argument) == usual);
        CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER=rate_limited needs OTEL_TRACES_SAMPLER_ARG=how many a second; ignored"});
    }
}

TEST_CASE("a sampler that is not known, or not supported, is one line, and ignored") {
    const reported said;
    const std::string may_be = "; it may be always_on, always_off, traceidratio, probability, rate_limited or jaeger_remote, each "
                               "also with parentbased_ before it";
    CHECK(named("sometimes") == usual);
    CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER=sometimes is unknown" + may_be});
    CHECK(named("parentbased_") == usual);
    CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER=parentbased_ is unknown" + may_be});
    CHECK(named("xray") == usual);
    CHECK(said.take() == lines{"OTEL_TRACES_SAMPLER=xray is not supported (AWS X-Ray's rules are its own)" + may_be});
}

TEST_CASE("TRACE_SAMPLE_RATE is a share; OTEL_TRACES_SAMPLER wins over it") {
    const reported said;
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.25"}}).rules() == parent_based(probability(0.25)));
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.25"}}, {.sampler = always_off}).rules() == parent_based(probability(0.25)));
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "1"}, {"OTEL_TRACES_SAMPLER", "parentbased_always_on"}}).rules() == usual);
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.5"}, {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                  {"OTEL_TRACES_SAMPLER_ARG", "0.5"}}).rules() == parent_based(trace_id_ratio(0.5)));
    CHECK(said.take().empty());
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.25"}, {"OTEL_TRACES_SAMPLER", "always_off"}}).rules() == sampling_rules(always_off));
    CHECK(said.take() == lines{"TRACE_SAMPLE_RATE=0.25 is ignored: OTEL_TRACES_SAMPLER=always_off says otherwise"});
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "half"}}).rules() == usual);
    CHECK(said.take() == lines{"TRACE_SAMPLE_RATE=half is no number from 0 to 1; ignored"});
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.25"}, {"OTEL_TRACES_SAMPLER", "sometimes"}}).rules() == parent_based(probability(0.25)));
    CHECK(said.take().size() == 1);
}

TEST_CASE("in production, where no setting says anything else, one trace of ten, said in one line") {
    const reported said;
    const sampling_rules tenth = parent_based(probability(0.1));
    for (const char* name : {"APM_ENVIRONMENT", "ENVIRONMENT"}) {
        CHECK(chosen({{name, "production"}}).rules() == tenth);
        CHECK(said.take() == lines{in_production});
    }
    CHECK(chosen({{"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=Production"}}).rules() == tenth);
    CHECK(said.take() == lines{in_production});
    CHECK(chosen({}, {.service = {.environment = "production"}}).rules() == tenth);
    CHECK(said.take() == lines{in_production});
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}, {"OTEL_TRACES_SAMPLER", "sometimes"}}).rules() == tenth);
    CHECK(said.take().size() == 2);

    CHECK(chosen({{"APM_ENVIRONMENT", "staging"}, {"ENVIRONMENT", "production"}}).rules() == usual);
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}, {"TRACE_SAMPLE_RATE", "1"}}).rules() == parent_based(probability(1)));
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}, {"OTEL_TRACES_SAMPLER", "parentbased_always_on"}}).rules() == usual);
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}}, {.sampler = probability(1)}).rules() == sampling_rules(probability(1)));
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}}, {.sampler = parent_based(always_on)}).rules() == parent_based(always_on));
    CHECK(chosen({{"APM_ENVIRONMENT", "production"}}, {.remote_sampling = {.endpoint = "http://j:5778/sampling"}}).rules() == usual);
    CHECK(said.take().empty());
}

TEST_CASE("Jaeger's remote sampling") {
    const reported said;
    const auto jaeger = [](const char* name, const char* argument, apm::runtime_options code = {}) {
        return chosen({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", argument}}, code).remote;
    };
    auto r = jaeger("parentbased_jaeger_remote", "endpoint=http://host:5778/sampling,pollingIntervalMs=5000,initialSamplingRate=0.25");
    CHECK(r.endpoint == "http://host:5778/sampling");
    CHECK(r.interval == 5s);
    CHECK(r.initial_rate == 0.25);
    CHECK(r.parent_based);
    r = jaeger("jaeger_remote", "");
    CHECK(r.endpoint == "http://localhost:5778/sampling");
    CHECK(r.interval == 60s);
    CHECK(r.initial_rate == 0.001);
    CHECK_FALSE(r.parent_based);
    CHECK(jaeger("jaeger_remote", "endpoint=host:5778").endpoint == "http://host:5778/sampling");
    CHECK(jaeger("jaeger_remote", "endpoint=https://host/here").endpoint == "https://host/here");
    CHECK(chosen({}, {.remote_sampling = {.endpoint = "http://code:1", .interval = 2s}}).remote.endpoint == "http://code:1/sampling");
    CHECK(jaeger("jaeger_remote", "pollingIntervalMs=7", {.remote_sampling = {.endpoint = "http://code:1"}}).endpoint ==
          "http://code:1/sampling");
    CHECK(chosen({{"OTEL_TRACES_SAMPLER", "always_off"}}, {.remote_sampling = {.endpoint = "http://code:1"}}).remote.endpoint.empty());
    CHECK(chosen({{"TRACE_SAMPLE_RATE", "0.5"}}, {.remote_sampling = {.endpoint = "http://code:1"}}).remote.endpoint.empty());
    CHECK(said.take().empty());

    for (const char* bad : {"endpoint=", "pollingIntervalMs=0", "pollingIntervalMs=5s", "initialSamplingRate=2", "0.5", "a=b"}) {
        CHECK(jaeger("jaeger_remote", bad).endpoint == "http://localhost:5778/sampling");
        const lines was = said.take();
        REQUIRE(was.size() == 1);
        CHECK(was[0] == "OTEL_TRACES_SAMPLER_ARG is not endpoint=http://HOST:5778/sampling,pollingIntervalMs=60000,"
                        "initialSamplingRate=0.001 (at \"" + std::string(bad) + "\"); ignored");
    }
    for (const char* grpc : {"host:14250", "http://host:14250", "grpc://host:14250", "grpc://host"}) {
        CHECK(jaeger("jaeger_remote", ("endpoint=" + std::string(grpc)).c_str()).endpoint == "http://host:5778/sampling");
        CHECK(said.take() == lines{"remote sampling by gRPC is not supported; using http://host:5778/sampling, where Jaeger says the "
                                   "same over HTTP. Set endpoint=http://host:5778/sampling"});
    }
    // A password is not shown, neither where it is refused nor where it is listed.
    const environment e{{"OTEL_TRACES_SAMPLER", "jaeger_remote"}, {"OTEL_TRACES_SAMPLER_ARG", "endpoint=http://me:secret@host:14250"}};
    apm::runtime_options o;
    const apm::detail::settings s(o);
    CHECK(s.sampling.endpoint == "http://me:secret@host:5778/sampling");
    for (const std::string& line : said.take()) CHECK(line.find("secret") == line.npos);
    for (const auto& one : s.reader.effective) CHECK(one.value.find("secret") == one.value.npos);
}

TEST_CASE("tail sampling, the highest level and who may change them") {
    const reported said;
    const chosen all({{"APM_TAIL_ERRORS", "true"}, {"APM_TAIL_SLOWER_THAN", "250"}, {"APM_TAIL_BYTES", "4096"}, {"APM_MAX_LEVEL", "2"},
                      {"APM_CONTROL_FILE", "/run/shop.control"}, {"APM_CONTROL_TOKEN", "0123456789abcdef"}},
                     {.max_level = 3});
    CHECK(apm::detail::rules_of(all.options.tail_sampling) == apm::tail_rules{true, 250'000'000, 4096});
    CHECK(apm::detail::rules_of({.slower_than = std::chrono::milliseconds(-1)}).slower_than_ns == 0);
    CHECK(apm::detail::rules_of({.slower_than = std::chrono::milliseconds::min()}).slower_than_ns == 0);
    CHECK(apm::detail::rules_of({.slower_than = std::chrono::milliseconds::max()}).slower_than_ns == 86'400'000'000'000);
    CHECK(all.options.max_level == 2);
    CHECK(chosen({}, {.tail_sampling = {.slower_than = -1ms}}).options.tail_sampling.slower_than == 0ms);
    CHECK(said.take().empty());
    CHECK(chosen({{"APM_TAIL_SLOWER_THAN", "1s"}, {"APM_MAX_LEVEL", "256"}, {"APM_TAIL_ERRORS", "1"}}).options.max_level == 255);
    CHECK(said.take() == lines{"APM_TAIL_ERRORS=1 is neither true nor false; using false",
                               "APM_TAIL_SLOWER_THAN=1s is no number from 0 to 86400000; using 0",
                               "APM_MAX_LEVEL=256 is no number from 0 to 255; using 255"});
}

TEST_CASE("a token that is too short is refused, and no token is ever shown") {
    const reported said;
    {
        const environment e{{"APM_CONTROL_TOKEN", "0123456789abcdef"}};
        apm::runtime_options o;
        const apm::detail::settings s(o);
        CHECK(o.control.token == "0123456789abcdef");
        bool shown = false;
        for (const auto& one : s.reader.effective) shown = shown || one.value.find("0123456789") != one.value.npos;
        CHECK_FALSE(shown);
    }
    CHECK(said.take().empty());
    CHECK(chosen({{"APM_CONTROL_TOKEN", "0123456789abcde"}}).options.control.token.empty());
    CHECK(said.take() == lines{"the token for /control (APM_CONTROL_TOKEN, control.token) has fewer than 16 characters, so there is "
                               "no /control"});
}

TEST_CASE("propagators and keys of baggage") {
    const reported said;
    using apm::propagator;
    const auto read = [](std::initializer_list<std::pair<const char*, const char*>> variables, apm::runtime_options o = {}) {
        const environment e(variables);
        const apm::detail::settings s(o);
        std::vector<std::string> keys(s.propagation.keys.begin(), s.propagation.keys.end());
        return std::tuple(s.propagation.list, s.propagation.keys_given, keys);
    };
    using keys = std::vector<std::string>;
    CHECK(read({}) == std::tuple(0u, false, keys{}));  // as the program has it
    const auto b3 = apm::detail::propagator_list({propagator::b3, propagator::baggage});
    CHECK(read({{"OTEL_PROPAGATORS", "b3,baggage"}}) == std::tuple(b3, false, keys{}));
    CHECK(read({}, {.propagators = "b3,baggage"}) == std::tuple(b3, false, keys{}));
    CHECK(read({{"OTEL_PROPAGATORS", "tracecontext,baggage"}}, {.propagators = "b3"}) ==
          std::tuple(apm::detail::usual_propagators, false, keys{}));
    CHECK(read({{"APM_BAGGAGE_KEYS", "tenant, , user"}}) == std::tuple(0u, true, keys{"tenant", "user"}));
    CHECK(read({{"APM_BAGGAGE_KEYS", "None"}}, {.baggage_keys = "tenant"}) == std::tuple(0u, true, keys{}));
    CHECK(said.take().empty());
    CHECK(read({{"OTEL_PROPAGATORS", "b3,smoke,baggage"}}) == std::tuple(b3, false, keys{}));
    CHECK(said.take().size() == 1);
}
