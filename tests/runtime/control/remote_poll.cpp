// Jaeger's remote sampling is asked, by a real client, of a real server that behaves as badly as it likes.
#include "runtime/support.hpp"

#include "catch.hpp"

#if APM_BACKEND_OTLP

#include <optional>

#include <apm/backend/memory.hpp>
#include <apm/runtime/control/remote_poll.hpp>

#include "backend/delivery/receiver.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using runtime = apm::basic_runtime<apm::mode::on>;
constexpr auto on = apm::mode::on;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.remote_poll"};
    span<> work{this, "work", "A row"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

bool sampled() { return telemetry.work.scope<on>().recording(); }
std::string share(const char* rate) {
    return R"({"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":)" + std::string(rate) + "}}";
}
const std::string all = share("1"), none = share("0");

// With a runtime that asks the server often.
struct polled {
    environment variables;
    std::string endpoint;
    apm::memory memory;
    std::optional<runtime> r;

    explicit polled(std::string url, double initial = 0, std::string_view service = "test") : endpoint(std::move(url)) {
        r.emplace(apm::runtime_options{.service = {.name = service}, .metrics_exporter = "none",
                                       .remote_sampling = {.endpoint = endpoint, .interval = 20ms, .initial_rate = initial},
                                       .shutdown_timeout = 2 * patience},  // who waits for it does so for longer than we do
                  memory);
    }
};

}  // namespace

TEST_CASE("the service asks for its own strategy, and does what it is told") {
    const reported said;
    receiver jaeger(answers(200, "Content-Type: application/json\r\n", all));
    {
        polled p(jaeger.url("/sampling"), 0, "a shop & more/ü");
        CHECK(soon(sampled));
        jaeger.now(answers(200, {}, none));
        CHECK(soon([] { return !sampled(); }));
        jaeger.now(answers(200, {}, R"({"operationSampling":{"defaultSamplingProbability":0,"perOperationStrategies":[
            {"operation":"work","probabilisticSampling":{"samplingRate":1}}]}})"));
        CHECK(soon(sampled));
    }
    const request first = jaeger.requests().at(0);
    CHECK(first.line == "GET /sampling?service=a%20shop%20%26%20more%2F%C3%BC HTTP/1.1");
    CHECK(first.body.empty());
    CHECK(first.header("Content-Type").empty());
    CHECK(jaeger.accepted() < 3);  // one connection is enough
    CHECK(said.take().empty());
}

TEST_CASE("by the variables, too") {
    const reported said;
    receiver jaeger(answers(200, {}, all));
    const std::string argument = "endpoint=" + jaeger.url("") + ",pollingIntervalMs=20,initialSamplingRate=0";
    const environment e{{"OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"}, {"OTEL_TRACES_SAMPLER_ARG", argument.c_str()}};
    apm::memory memory;
    const runtime r({.service = {.name = "test"}, .metrics_exporter = "none"}, memory);
    CHECK(soon(sampled));
    CHECK(jaeger.requests().at(0).line == "GET /sampling?service=test HTTP/1.1");
    CHECK(said.take().empty());
}

TEST_CASE("until the first answer the initial rate holds, and nothing waits for it") {
    receiver jaeger(hangs());
    for (const double initial : {0., 1.}) {
        const auto life = [&] {
            const polled p(jaeger.url("/sampling"), initial);
            CHECK(sampled() == (initial == 1));
            std::this_thread::sleep_for(50ms);
            CHECK(sampled() == (initial == 1));
        };
        const auto took = least(2s, [&] { return time_of(life); });
        CHECK(took < 2s);  // nor does the end wait for the one that hangs, which is given five seconds
    }
}

TEST_CASE("whatever comes back that is no answer: one line, and the last good one holds") {
    const reported said;
    std::atomic<std::uint64_t> most{0};  // that was sent of one answer
    receiver jaeger(answers(200, {}, all));
    polled p(jaeger.url("/sampling"));
    REQUIRE(soon(sampled));
    CHECK(said.take().empty());
    const std::string where = "remote sampling: " + jaeger.url("/sampling") + " ";
    const std::string holds = "; what it said last holds, or else the initial rate";
    const auto trouble = [&](behaviour does, const std::string& words) {
        const std::size_t before = jaeger.count();
        jaeger.now(std::move(does));
        CHECK(soon([&] { return jaeger.count() >= before + 5; }));
        CHECK(sampled());
        const lines was = said.take();
        REQUIRE(was.size() == 1);
        CHECK(was[0].find(where + words) == 0);
        CHECK(was[0].rfind(holds) == was[0].size() - holds.size());
        jaeger.now(answers(200, {}, all));
        const std::size_t after = jaeger.count();
        CHECK(soon([&] { return jaeger.count() >= after + 2; }));
        CHECK(said.take().empty());
    };
    trouble(answers(503), "answered with HTTP status 503");
    trouble(answers(302, "Location: http://127.0.0.1:1/\r\n"), "answered with HTTP status 302");
    trouble(answers(200, {}, "<html>"), "gave an answer that is not JSON as Jaeger gives it");
    trouble(answers(200, {}, share("7")), "gave an answer that has no samplingRate from 0 to 1");
    trouble(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "gave no answer: ");
    trouble(resets_after("HTTP/1.1 200"), "gave no answer: ");
    trouble([&](const peer& client, const request& r, std::size_t n) {
        std::atomic<std::uint64_t> sent{0};
        const bool goes_on = floods(64 << 20, false, sent)(client, r, n);
        if (sent > most) most = sent.load();
        return goes_on;
    }, "gave an answer of more than 1 MiB");
    CHECK(most < 64 << 20);
}

TEST_CASE("a server that is not there, and then is") {
    const reported said;
    silent_port at;
    polled p(at.url("/sampling"), 0);
    lines was;
    CHECK(soon([&] { return !(was = said.take()).empty(); }));
    CHECK(was.size() == 1);
    std::this_thread::sleep_for(100ms);  // some more attempts
    CHECK_FALSE(sampled());
    CHECK(said.take().empty());
    receiver jaeger(answers(200, {}, all), at);
    CHECK(soon(sampled));
    CHECK(said.take().empty());
}

TEST_CASE("a password in the endpoint is in no line") {
    const reported said;
    receiver jaeger(answers(401));
    {
        polled p("http://me:secret@127.0.0.1:" + std::to_string(jaeger.port()) + "/sampling?key=secret");
        CHECK(soon([&] { return jaeger.count() > 2; }));
    }
    const lines was = said.take();
    REQUIRE(was.size() == 1);
    CHECK(was[0].find("secret") == std::string::npos);
    CHECK(jaeger.requests().at(0).line == "GET /sampling?key=secret&service=test HTTP/1.1");
}

TEST_CASE("what control says holds until it says that the start's is to hold again") {
    receiver jaeger(answers(200, {}, all));
    polled p(jaeger.url("/sampling"));
    REQUIRE(soon(sampled));
    const apm::control::state start = apm::control::now<on>();
    CHECK(apm::detail::words_for(start).find("# the sampler is one that has no name here\n") == 0);
    apm::control::sample_rate<on>(0);
    std::this_thread::sleep_for(100ms);
    CHECK_FALSE(sampled());
    CHECK(apm::detail::apply_all(apm::detail::read_control("sampler=").edits, start).empty());
    CHECK(sampled());
}

TEST_CASE("a forked child does not ask, and ends at once; one with a runtime of its own does") {
    if (!can_fork) return;
    receiver jaeger(answers(200, {}, all));
    polled p(jaeger.url("/sampling"));
    REQUIRE(soon(sampled));
    for (int i = 0; i < 5; ++i)
        CHECK(in_child([&] {
                  p.r.reset();
                  apm::detail::remote_sampler::get().follow({.root = apm::always_off});
                  if (sampled()) return 1;
                  const polled own(jaeger.url("/sampling"));
                  return soon(sampled) ? 0 : 2;
              }) == 0);
    CHECK(sampled());
}

TEST_CASE("the file is looked at while an answer is awaited") {
    const reported said;
    receiver jaeger(hangs());
    char name[] = "/tmp/apm-remote-XXXXXX";
    const std::string directory = mkdtemp(name), path = directory + "/control";
    const environment e{{"APM_CONTROL_FILE", path.c_str()}};
    const std::string endpoint = jaeger.url("/sampling");
    {
        apm::memory memory;
        const runtime r({.service = {.name = "test"}, .metrics_exporter = "none", .remote_sampling = {.endpoint = endpoint}}, memory);
        CHECK(soon([&] { return jaeger.count() == 1; }));
        FILE* const f = std::fopen(path.c_str(), "w");
        std::fputs("max_level=4\n", f);
        std::fclose(f);
        CHECK(soon([] { return apm::control::now<on>().max_level == 4; }));
        CHECK(said.take().empty());  // that there is no answer is not said yet
    }
    std::filesystem::remove_all(directory);
    apm::control::max_level<on>(255);
    CHECK(said.take().empty());
}

#endif
