// span_row: one span of a schema, as data. The typed row (apm/span.hpp) derives from it; back ends read it.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/row.hpp>

namespace apm::inline APM_ABI {

struct attributes_info;
struct sampling_rules;

enum class span_kind : std::uint8_t { internal = 1, server, client, producer, consumer };  // as OTLP numbers them

struct span_row {
    const span_row* previous;
    const char* name;
    const char* help;
    const scope* from;  // whose it is
    const attributes_info* attributes;
    span_kind kind;
    std::uint8_t level;
    const sampling_rules* rules;  // its own; null: the process's
};

}  // namespace apm::inline APM_ABI
