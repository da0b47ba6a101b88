// Random values to record, the same ones in each run: neither the compiler nor the branch predictor knows them.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "batch.hpp"
#include "schema.hpp"

namespace bench {

template <class T, class F>
std::array<T, inputs> random_values(F&& one) {
    std::mt19937 random(42);
    std::array<T, inputs> values;
    for (T& v : values) v = one(random());
    return values;
}

inline const auto methods = random_values<Method>([](auto r) { return static_cast<Method>(r % 3); });
inline const auto outcomes = random_values<Outcome>([](auto r) { return static_cast<Outcome>(r / 3 % 2); });
inline const auto amounts = random_values<std::uint32_t>([](auto r) { return static_cast<std::uint32_t>(r % 100); });
inline const auto prices = random_values<double>([](auto r) { return static_cast<double>(r % 10'000) / 100; });
inline const auto routes = random_values<std::string>([](auto r) { return "/product/" + std::to_string(r % 64); });
inline const auto seconds =  // 8 ms .. 16 s, spread over all of apm::latency_buckets
    random_values<double>([](auto r) { return std::exp2(static_cast<double>(r % 1100) / 100 - 7); });
inline const auto times = [] {
    std::array<std::chrono::nanoseconds, inputs> values;
    for (std::size_t i = 0; i < inputs; ++i) values[i] = std::chrono::nanoseconds(static_cast<std::int64_t>(seconds[i] * 1e9));
    return values;
}();

}  // namespace bench
