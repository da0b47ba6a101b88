// The options of the console back end.
#pragma once

#include <cstddef>
#include <cstdio>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

struct console_options {
    std::FILE* to = stdout;            // not closed; null: stdout
    bool attributes = true;            // of spans, events and links
    std::size_t most_waiting = 10'000; // spans whose root has not ended
};

}  // namespace apm::inline APM_ABI
