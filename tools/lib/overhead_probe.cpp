// Linked into a benchmark's variants by apm_add_overhead_check, so that callgrind sees the loops and nothing around them, and
// sees as many turns each time it is run: what is counted is then the same from run to run.
// Does nothing unless tools/overhead sets APM_OVERHEAD_ITERATIONS.
#include <cstdio>
#include <cstdlib>

#include <benchmark/benchmark.h>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else                                   // then the tool says so, and counts nothing
#define CALLGRIND_ZERO_STATS static_cast<void>(0)
#define CALLGRIND_TOGGLE_COLLECT static_cast<void>(0)
#define CALLGRIND_DUMP_STATS_AT(why) static_cast<void>(why)
#endif

#include <apm/config.hpp>
#if APM_ENABLED
#include <apm/spans.hpp>
#endif

// The linker gives us what a user's object files mean by `name` (-Wl,--wrap), and calls the library's own __real_name.
#define WRAP(result, id, parameters, name)                                                                           \
    extern "C" [[gnu::weak]] result real_##id parameters asm("__real_" name); /* an older library may not have it */ \
    extern "C" result wrap_##id parameters asm("__wrap_" name);                                                      \
    result wrap_##id parameters

namespace {

long iterations() {
    static const long n = [] {
        const char* const given = std::getenv("APM_OVERHEAD_ITERATIONS");
        return given ? std::atol(given) : 0;
    }();
    return n;
}

// As if the thread that exports had taken everything: the loop finds room for its spans.
void forget_spans() {
#if APM_ENABLED
    while (apm::drain_spans().more) {}
#endif
}

bool counted(const benchmark::State& state) { return iterations() > 0 && state.threads() == 1; }

template <class State>                  // its name changed in 1.8
bool gave_up(const State& state) {
    if constexpr (requires { state.skipped(); }) return state.skipped();
    else return state.error_occurred();
}

}  // namespace

WRAP(void, start, (benchmark::State* state), "_ZN9benchmark5State16StartKeepRunningEv") {
    if (counted(*state)) forget_spans();
    real_start(state);
    if (counted(*state)) CALLGRIND_ZERO_STATS;
}

WRAP(void, finish, (benchmark::State* state), "_ZN9benchmark5State17FinishKeepRunningEv") {
    if (!counted(*state)) return real_finish(state);
    CALLGRIND_TOGGLE_COLLECT;
    real_finish(state);                 // now it knows how often it turned: KeepRunningBatch() does more than it was asked for
    char description[48];
    if (gave_up(*state)) std::snprintf(description, sizeof description, "it gave up");
    else std::snprintf(description, sizeof description, "iterations %lld", static_cast<long long>(state->iterations()));
    CALLGRIND_DUMP_STATS_AT(description);
    CALLGRIND_TOGGLE_COLLECT;
}

// What a benchmark does not time is not counted either.
WRAP(void, pause, (benchmark::State* state), "_ZN9benchmark5State11PauseTimingEv") {
    if (counted(*state)) CALLGRIND_TOGGLE_COLLECT;
    real_pause(state);
}

WRAP(void, resume, (benchmark::State* state), "_ZN9benchmark5State12ResumeTimingEv") {
    real_resume(state);
    if (counted(*state)) CALLGRIND_TOGGLE_COLLECT;
}

#ifdef APM_OVERHEAD_SETS_ITERATIONS     // Google Benchmark before 1.8; later ones take --benchmark_min_time=100x
using benchmark::internal::Benchmark;

WRAP(Benchmark*, iterations, (Benchmark* b, benchmark::IterationCount n), "_ZN9benchmark8internal9Benchmark10IterationsEl") {
    return iterations() > 0 ? b : real_iterations(b, n);
}

// Rejected by the library together with a number of iterations.
WRAP(Benchmark*, min_time, (Benchmark* b, double t), "_ZN9benchmark8internal9Benchmark7MinTimeEd") {
    return iterations() > 0 ? b : real_min_time(b, t);
}

WRAP(Benchmark*, warm_up, (Benchmark* b, double t), "_ZN9benchmark8internal9Benchmark13MinWarmUpTimeEd") {
    return iterations() > 0 ? b : real_warm_up(b, t);
}

WRAP(Benchmark*, register, (Benchmark* b), "_ZN9benchmark8internal25RegisterBenchmarkInternalEPNS0_9BenchmarkE") {
    if (iterations() > 0) real_iterations(b, iterations());
    return real_register(b);
}
#endif
