// How a thing that takes less than a nanosecond is repeated: sixteen to a turn of the loop, so that the loop is not what is
// measured. What is reported is the time of one.
#pragma once

#include <cstddef>
#include <utility>

#include <benchmark/benchmark.h>

namespace bench {

inline constexpr std::size_t inputs = 1024;  // a power of two; as many random values as `f` may index
inline constexpr std::size_t batch = 16;

// Calls f(0), f(1), ... f(inputs - 1), f(0), ... Between two calls memory is clobbered: nothing loaded or stored by one is
// kept in a register for the next, as if other code of the program's ran between them. Ours and theirs alike.
template <class F>
[[gnu::always_inline]] inline void repeat(benchmark::State& state, F&& f) {
    std::size_t at = 0;
    while (state.KeepRunningBatch(batch)) {
        [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
            ((f(at + I), benchmark::ClobberMemory()), ...);
        }(std::make_index_sequence<batch>{});
        at = (at + batch) % inputs;
    }
}

}  // namespace bench

// A case: what is repeated, where `i` indexes the inputs. Inlined by force, or g++ would measure a call around some of them.
// What Google Benchmark offers may follow: BENCH(add, ++n)->Threads(2).
#define BENCH(name, ...)                                                                                            \
    static void name(benchmark::State& state) {                                                                     \
        bench::repeat(state, [&]([[maybe_unused]] std::size_t i) __attribute__((always_inline)) { __VA_ARGS__; });  \
    }                                                                                                               \
    BENCHMARK(name)
