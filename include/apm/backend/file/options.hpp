// What the file back end needs to know. Plain values, for the runtime's options.
#pragma once

#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// Text is viewed until file's constructor returns.
struct file_options {
    std::string_view directory = ".";     // must be there
    std::string_view stem = "traces";     // traces.jsonl, traces.json
    bool otlp = true;
    bool chrome = true;
    std::uint64_t max_bytes = 64 << 20;   // of one file, unless a single export is larger; 0: no limit
    unsigned keep = 4;                    // files beside the one that is written; older ones are removed
};

}  // namespace apm::inline APM_ABI
