// What does a trace cost a request that goes through three services? A front, a middle and a back one, over HTTP on the loopback
// interface, by the example shop's server and client: without any telemetry; with a context that is passed on, but not sampled;
// and with six spans that are recorded and read.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include <apm/apm.hpp>
#include <apm/propagation.hpp>
#include <apm/spans.hpp>

#include "../examples/shop/http.hpp"

namespace {

APM_FIELDS(Served, (apm::named<std::string_view, "url.path">, path),
           (apm::named<std::optional<int>, "http.response.status_code">, status));
APM_FIELDS(Called, (apm::named<std::string_view, "url.full">, url));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "bench.hops"};
    span<Served, apm::server> served{this, "POST /work", "A request that came in"};
    span<Called, apm::client> called{this, "POST", "One that went out"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

using shop::http::Answer;
using shop::http::Headers;
using shop::http::Request;
using shop::http::Server;

// Each service waits for the one behind it; the last one answers.
template <bool Traced>
class services {
public:
    services()
        : back_(0, 1, [](const Request& r) { return serve(r, "", [](const std::string&) { return Answer{200, "done"}; }); }),
          middle_(0, 1, [this](const Request& r) { return serve(r, back_.url() + "/work", call); }),
          front_(0, 1, [this](const Request& r) { return serve(r, middle_.url() + "/work", call); }) {}
    [[nodiscard]] Answer ask() const { return shop::http::post(front_.url() + "/work", {}, "a=1"); }

private:
    template <class Next>
    static Answer serve(const Request& request, const std::string& next, Next&& then) {
        if constexpr (Traced) {
            const auto caller = apm::attach(apm::extract(request.headers));
            const auto span = telemetry.served.scope({.path = request.path});
            const Answer a = then(next);
            span.template set<&Served::status>(a.status);
            return a;
        } else {
            return then(next);
        }
    }
    static Answer call(const std::string& url) {
        Headers headers;
        if constexpr (Traced) {
            TRACE_SCOPE(telemetry.called, {.url = url});
            apm::add_trace_context(headers);
            return shop::http::post(url, headers, "a=1");
        } else {
            return shop::http::post(url, headers, "a=1");
        }
    }
    Server back_, middle_, front_;
};

template <bool Traced>
void ask(benchmark::State& state, const apm::sampling_rules& rules) {
    apm::sample_with(rules);
    const services<Traced> all;
    std::uint64_t n = 0;
    for (auto _ : state) {
        if (const Answer a = all.ask(); a.status != 200) state.SkipWithError(a.body.c_str());
        if (++n % 64 == 0) benchmark::DoNotOptimize(apm::drain_spans().spans.size());  // they are read, on this core, too
    }
    apm::drain_spans(64 << 20);
}
constexpr apm::sampling_rules none = apm::parent_based(apm::always_off), every = apm::parent_based(apm::always_on);

void three_hops_without(benchmark::State& state) { ask<false>(state, every); }
void three_hops_unsampled(benchmark::State& state) { ask<true>(state, none); }
void three_hops_sampled(benchmark::State& state) { ask<true>(state, every); }
BENCHMARK(three_hops_without)->UseRealTime();
BENCHMARK(three_hops_unsampled)->UseRealTime();
BENCHMARK(three_hops_sampled)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
