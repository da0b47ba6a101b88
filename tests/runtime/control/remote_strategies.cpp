// ctest: LABELS serial
// What Jaeger's answers say, and the sampler that does it.
#include <apm/runtime/control/remote_strategies.hpp>

#include <apm/apm.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "runtime/control/no_memory.hpp"

using apm::always_off, apm::always_on, apm::probability, apm::rate_limited;
using apm::detail::read_strategies, apm::detail::remote_sampler, apm::detail::remote_strategies;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.remote"};
    span<> checkout{this, "checkout", "A row"};
    span<> search  {this, "search", "Another"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

remote_strategies read(std::string_view text) {
    remote_strategies s;
    CHECK(read_strategies(text, s) == "");
    return s;
}
std::string why_not(std::string_view text) {
    remote_strategies s;
    return read_strategies(text, s);
}
template <class Row>
double share(const Row& row, int n = 20'000) {
    int kept = 0;
    for (int i = 0; i < n; ++i) kept += row.template scope<apm::mode::on>().recording();
    while (apm::drain_spans().more) {}
    return double(kept) / n;
}

}  // namespace

TEST_CASE("one share for all, by a name or a number of its type") {
    for (const char* type : {R"("strategyType":"PROBABILISTIC",)", R"("strategyType":0,)", ""})
        CHECK(read("{" + std::string(type) + R"("probabilisticSampling":{"samplingRate":0.25}})").root == probability(0.25));
    CHECK(read(R"({"strategyType":"PROBABILISTIC","probabilisticSampling":{}})").root == always_off);
    CHECK(read(R"({"strategyType":0,"probabilisticSampling":{"samplingRate":1},"operationSampling":null})").root == probability(1));
}

TEST_CASE("so many a second") {
    CHECK(read(R"({"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":5}})").root == rate_limited(5));
    CHECK(read(R"({"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":0}})").root == always_off);
}

TEST_CASE("by operation") {
    const remote_strategies s = read(R"({"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.9},
        "operationSampling":{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":0.1,"perOperationStrategies":[
            {"operation":"checkout","probabilisticSampling":{"samplingRate":1}},
            {"operation":"search","probabilisticSampling":{"samplingRate":0}}]}})");
    CHECK(s.by_operation);
    CHECK(s.root == probability(0.5));
    CHECK(s.lower_bound == 0.1);
    REQUIRE(s.operations.size() == 2);
    CHECK(s.operations[0] == std::pair<std::string, double>("checkout", 1));
    CHECK(read(R"({"operationSampling":{"defaultSamplingProbability":1,"perOperationStrategies":null}})").operations.empty());
}

TEST_CASE("what is left out is zero, as protobuf's JSON has it; an operation without a name is none") {
    CHECK(read(R"({"strategyType":1,"rateLimitingSampling":{}})").root == always_off);
    const remote_strategies s = read(R"({"operationSampling":{"perOperationStrategies":[
        {"operation":"checkout","probabilisticSampling":{}},{"operation":"","probabilisticSampling":{"samplingRate":1}},
        {"probabilisticSampling":{"samplingRate":1}}]}})");
    CHECK(s.root == always_off);
    CHECK(s.lower_bound == 0);
    REQUIRE(s.operations.size() == 1);
    CHECK(s.operations[0] == std::pair<std::string, double>("checkout", 0));
    CHECK(read(R"({"operationSampling":{}})").by_operation);
}

TEST_CASE("what cannot be followed") {
    CHECK(why_not("") == "is not JSON as Jaeger gives it");
    CHECK(why_not("<html>") == "is not JSON as Jaeger gives it");
    CHECK(why_not("[]") == "is not JSON as Jaeger gives it");
    CHECK(why_not("{}") == "has a strategyType that is neither PROBABILISTIC nor RATE_LIMITING");
    CHECK(why_not(R"({"strategyType":"MAGIC"})") == "has a strategyType that is neither PROBABILISTIC nor RATE_LIMITING");
    CHECK(why_not(R"({"strategyType":2})") == "has a strategyType that is neither PROBABILISTIC nor RATE_LIMITING");
    CHECK(why_not(R"({"strategyType":"PROBABILISTIC"})") == "has no probabilisticSampling");
    for (const char* rate : {"2", "-0.1", "\"1\"", "null", "1e400"}) {
        INFO(rate);
        CHECK_FALSE(why_not(R"({"strategyType":0,"probabilisticSampling":{"samplingRate":)" + std::string(rate) + "}}").empty());
    }
    CHECK_FALSE(why_not(R"({"strategyType":1})").empty());
    CHECK_FALSE(why_not(R"({"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":-1}})").empty());
    for (const char* by : {R"("defaultSamplingProbability":"1")", R"("defaultSamplingProbability":2)",
                           R"("defaultLowerBoundTracesPerSecond":-1)", R"("defaultLowerBoundTracesPerSecond":"x")",
                           R"("perOperationStrategies":{})", R"("perOperationStrategies":[{"operation":1,"probabilisticSampling":{}}])",
                           R"("perOperationStrategies":[{"operation":"a","probabilisticSampling":1}])",
                           R"("perOperationStrategies":[{"operation":"a\u0000b","probabilisticSampling":{}}])"}) {
        INFO(by);
        CHECK_FALSE(why_not("{\"operationSampling\":{" + std::string(by) + "}}").empty());
    }
    CHECK_FALSE(why_not(R"({"operationSampling":{"defaultSamplingProbability":1,"perOperationStrategies":[{"operation":"a"}]}})").empty());
    CHECK_FALSE(why_not(R"({"operationSampling":{"defaultSamplingProbability":1,"perOperationStrategies":[1]}})").empty());
}

TEST_CASE("the sampler follows, operation by operation, and forgets what is gone") {
    remote_sampler& s = remote_sampler::get();
    static const apm::sampling_rules rules = apm::parent_based(s.as_sampler());
    apm::sample_with(rules);
    CHECK(s.follow({.root = probability(0.25)}));
    CHECK(share(telemetry.checkout) == Approx(0.25).margin(0.02));
    CHECK(s.follow({.root = always_off, .by_operation = true, .operations = {{"checkout", 1}}}));
    CHECK(share(telemetry.checkout) == 1);
    CHECK(share(telemetry.search) == 0);
    CHECK(s.follow({.root = probability(1), .by_operation = true, .operations = {{"search", 0}}}));
    CHECK(share(telemetry.checkout) == 1);
    CHECK(share(telemetry.search) == 0);
    CHECK(s.follow({.root = always_on}));
    CHECK(share(telemetry.search) == 1);
    // The program's own wish for a row goes before.
    apm::control::sample_row<apm::mode::on>("search", always_off);
    CHECK(share(telemetry.search) == 0);
    CHECK(share(telemetry.checkout) == 1);
    apm::control::sample_row<apm::mode::on>("search", {});
    apm::detail::set_sampling_rules(nullptr);
}

TEST_CASE("where there was no memory for an answer, what it said is not left behind") {
    remote_sampler& s = remote_sampler::get();
    static const apm::sampling_rules rules = apm::parent_based(s.as_sampler());
    apm::sample_with(rules);
    const remote_strategies none{.root = always_on},
        two{.root = always_on, .by_operation = true, .operations = {{"checkout", 0}, {"search", 0}}};
    for (int n = 0, threw = 1; threw; ++n) {
        CAPTURE(n);
        threw = throws_at(n, [&] { s.follow(two); });
        s.follow(none);
        CHECK(share(telemetry.checkout, 1) == 1);
        CHECK(share(telemetry.search, 1) == 1);
    }
    apm::detail::set_sampling_rules(nullptr);
}

TEST_CASE("of each operation so many a second at least, which says nothing of how probable it was") {
    remote_sampler& s = remote_sampler::get();
    static const apm::sampling_rules rules = apm::parent_based(s.as_sampler());
    apm::sample_with(rules);
    CHECK(s.follow({.root = probability(1e-9), .lower_bound = 0.01, .by_operation = true}));
    for (int i = 0; i < 1000; ++i) {
        { const auto a = telemetry.checkout.scope<apm::mode::on>(); }
        { const auto b = telemetry.search.scope<apm::mode::on>(); }
    }
    const apm::span_batch batch = apm::drain_spans();
    CHECK(batch.spans.size() == 2);
    // Others cannot take the bound away from them, nor does another bound wait for this one's hundred seconds.
    CHECK(s.follow({.root = probability(1e-9), .lower_bound = 1000, .by_operation = true}));
    CHECK(share(telemetry.checkout, 1) == 1);
    s.follow({.root = always_on});
    apm::detail::set_sampling_rules(nullptr);
}

TEST_CASE("more operations than fit") {
    remote_strategies many{.root = always_on, .by_operation = true};
    for (int i = 0; i < 3000; ++i) many.operations.emplace_back("operation" + std::to_string(i), 0);
    CHECK_FALSE(remote_sampler::get().follow(many));
    CHECK(remote_sampler::get().follow({.root = always_on}));
}
