// apm::enabled(): whether anything is recorded at all.
#pragma once

#include <apm/config.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI {

// False where APM is compiled out, and in a process that was switched off at run time (OTEL_SDK_DISABLED=true or
// APM_ENABLED=false when its runtime started): then no back end runs and recording has no reader. Instruments stay safe to
// use either way; ask only to spare work that prepares a value. Any thread; two loads.
template <mode M = APM_MODE>
[[nodiscard]] inline bool enabled() {
    if constexpr (M == mode::on) return detail::process_root().disabled.load() == 0;
    else return false;
}

}  // namespace apm::inline APM_ABI
