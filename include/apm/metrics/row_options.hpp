// row_options: the options of a metric's row, behind its help text.
#pragma once

#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// Which series of a row are exported before anything is recorded to them.
enum class exported : std::uint8_t {
    automatic,     // rows of at most 64 series from zero, others when touched
    from_zero,     // every series of closed labels, zero or not, as Prometheus advises: a rate needs a first value
    when_touched,
};

// The last argument of a metric's row: {.limit = 100, .exemplars = true}.
struct row_options {
    std::uint32_t limit = 2000;             // series; what does not fit shares one overflow series
    const char* prometheus_name = nullptr;  // exactly this name in Prometheus (a counter's `_total` is still added)
    exported series = exported::automatic;
    // Counters and histograms: for each series and bucket, an exemplar: trace and span of a record in a sampled span. 48 bytes
    // each, once per process. See metrics/exemplar.hpp.
    bool exemplars = false;
};

}  // namespace apm::inline APM_ABI
