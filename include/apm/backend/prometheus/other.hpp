// Families in the exposition that are no rows of ours: what another library of the program counts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// One family, by the name that 0.0.4 gives it: a counter's ends in `_total`, an info's in `_info`. Texts are as they are, not
// escaped. Characters that Prometheus does not allow in names become `_`.
struct other_family {
    enum class kind : std::uint8_t { counter, gauge, histogram, summary, untyped, info };
    struct sample {
        const char* suffix = "";  // `_bucket`, `_count` or `_sum`
        std::vector<std::pair<std::string, std::string>> labels = {};
        std::string bound = {};   // of a bucket or quantile, as it is written
        std::variant<double, std::uint64_t> value = 0.0;
        std::int64_t timestamp_ms = 0;  // none where 0
    };
    std::string name = {};
    std::string help = {};
    kind type = kind::untyped;
    std::vector<sample> samples = {};  // those of one series together
    bool negative_bounds = false;      // of a histogram
};

// Called for every exposition, one at a time, by the thread that writes it.
using other_families = std::function<std::vector<other_family>()>;

}  // namespace apm::inline APM_ABI
