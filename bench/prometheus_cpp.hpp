// The peer, where it is installed: prometheus-cpp, used as its own documentation advises.
#pragma once

#if __has_include(<prometheus/registry.h>)
#define BENCH_PROMETHEUS_CPP 1
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace bench {

inline prometheus::Registry& registry() {
    static prometheus::Registry r;
    return r;
}
inline prometheus::Family<prometheus::Counter>& orders() {
    static auto& family = prometheus::BuildCounter().Name("orders").Help("Orders").Register(registry());
    return family;
}
// The bounds of apm::latency_buckets.
inline const prometheus::Histogram::BucketBoundaries latency_bounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                                                    0.5,   0.75, 1,     2.5,  5,     7.5, 10};
inline prometheus::Histogram& latency() {
    static auto& histogram =
        prometheus::BuildHistogram().Name("latency").Help("Latency").Register(registry()).Add({}, latency_bounds);
    return histogram;
}

}  // namespace bench
#endif
