// Quantiles of a histogram, estimated as Prometheus' histogram_quantile() does, for use without a Prometheus.
#pragma once

#include <cstdint>
#include <limits>

#include <apm/collect.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

struct estimate {
    double value;  // in the row's unit; not a number where nothing was recorded
    bool above;    // the quantile lies above the last bound, which `value` is then
};

// The value below which the share `q` (0..1) of a series of the histogram `r` lies, on a straight line between the bounds of
// its bucket: as wrong as that bucket is wide. The lowest bucket begins at 0 where its bound is positive; where it is not,
// the bound is the answer. Any thread; no state.
inline estimate quantile(const row& r, const series_view& s, double q) {
    const std::uint64_t count = s.count();
    if (count == 0) return {std::numeric_limits<double>::quiet_NaN(), false};
    const buckets_info& b = *r.buckets;
    const double rank = q * static_cast<double>(count);
    double below = 0;
    for (std::uint32_t i = 0; i < b.count; ++i) {
        const auto here = static_cast<double>(s.buckets()[i]);
        if (below + here < rank) {
            below += here;
            continue;
        }
        const double end = b.bounds[i];
        if (i == 0 && end <= 0) return {end, false};
        const double begin = i == 0 ? 0 : b.bounds[i - 1];
        return {here > 0 ? begin + (end - begin) * (rank - below) / here : begin, false};
    }
    return {b.bounds[b.count - 1], true};
}

}  // namespace apm::inline APM_ABI
