// How much of each span is recorded, and how much of that a program exports.
#pragma once

#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// How much of one span is recorded; behind each, the default of OpenTelemetry's specification (sdk.md, "Span Limits"). What does
// not fit is left out and counted, in the span and in `apm.spans.dropped_items`.
struct limits {
    static constexpr std::uint32_t attributes = 128;       // 128, of a span, an event or a link
    static constexpr std::uint32_t events = 128;           // 128
    static constexpr std::uint32_t links = 128;            // 128
    static constexpr std::uint32_t text = 4096;            // unlimited; in bytes, cut at a character's boundary
    static constexpr std::uint32_t name = 255;             // unlimited; of an attribute, an event or a renamed span, in bytes
    static constexpr std::uint32_t record = 16 * 1024;     // unlimited; bytes of all data of one span
};

// How much of a span is exported, the same to all back ends; what is beyond counts as dropped. It is never more than apm::limits
// allow: 128 of each, and 4096 bytes of a text.
struct span_limits {
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    std::uint32_t attributes = none, events = none, links = none;
    std::uint32_t event_attributes = none, link_attributes = none;  // of each
    std::uint32_t text = none;                                      // characters of an attribute's

    bool operator==(const span_limits&) const = default;
};

}  // namespace apm::inline APM_ABI
