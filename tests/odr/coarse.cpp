// Compiled with -DAPM_TRACE_LEVEL=1 into a program that traces in detail.
#include <apm/apm.hpp>

#include "shared.hpp"

void trace_in_the_coarse_file() {
    TRACE_SCOPE(odr::telemetry.call);
    TRACE_SCOPE(odr::telemetry.detail);
}
