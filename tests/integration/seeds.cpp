// Rows as programs that moved to apm bring them along: milliseconds, percent, names of their own making, and label
// values that need escaping. Says where it is, and serves until SIGTERM.
#include <csignal>
#include <cstdio>

#include <apm/runtime.hpp>

BOOST_DEFINE_ENUM_CLASS(Model, gpt_4o, claude)
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"));

APM_FIELDS(Call, (Model, model), (apm::text<64>, endpoint));

struct milliseconds_buckets {
    static constexpr auto bounds = apm::explicit_bounds(1, 5, 10, 50, 100, 500, 1000);
};
struct token_buckets {
    static constexpr auto bounds = apm::exponential_bounds<6>(16, 4);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "seeds", .version = "0.1.0"};

    counter<Call>                                                  calls{this, "api_calls_total", "Calls of the API", {.exemplars = true}};
    histogram<Call, apm::milliseconds, milliseconds_buckets>       latency{this, "api_latency_ms", "Latency of the API",
                                                                           {.exemplars = true}};
    histogram<apm::no_labels, apm::milliseconds, milliseconds_buckets>
                                                                   task{this, "task.execution.time", "Time a task took"};
    histogram<apm::no_labels, apm::count_of<"token">, token_buckets>
                                                                   tokens{this, "llm.token.usage", "Tokens of a call"};
    counter<apm::no_labels, apm::money<"USD">>                     cost{this, "llm.cost", "What the calls cost, in USD"};
    gauge<apm::no_labels, apm::score>                              score{this, "gem.score", "The last score, 0 to 100"};
    gauge<apm::no_labels, apm::percent>                            cpu{this, "cpu.usage", "Share of the processors used"};
    gauge<apm::no_labels, apm::unit<"MiBy", apm::number::floating>> memory{this, "memory.used", "Memory used"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

int main() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const apm::runtime apm{{.service = {.name = "seeds"}, .prometheus = {.port = 0}}};

    using std::chrono::microseconds;
    const char* const endpoints[] = {"/predict", "a \"quoted\" one", "back\\slash\\", "two\nlines", "caf\xc3\xa9"};
    for (unsigned i = 0; i < 1000; ++i) {
        const Call call{.model = i % 3 ? Model::claude : Model::gpt_4o, .endpoint = endpoints[i % 5]};
        // Every seventh call is part of a trace that another process keeps.
        const auto traced = apm::attach({.trace = {0xfeed, i}, .span = i + 1, .sampled = i % 7 == 0, .remote = true});
        telemetry.calls.add(1, call);
        telemetry.latency.record(microseconds(i * 700), call);
        telemetry.task.record(microseconds(i * 1100));
        telemetry.tokens.record(i * 3);
        telemetry.cost.add(0.0125);
    }
    telemetry.score.set(85.5);
    telemetry.cpu.set(12.5);
    telemetry.memory.set(512.25);

    std::printf("http://127.0.0.1:%u/metrics\n", unsigned{apm.prometheus_port()});
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
}
