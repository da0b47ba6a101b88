// span_limits: how much of each span a program exports.
#pragma once

#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// How much of a span its readers see, all of them alike; what is beyond counts as dropped. Recording has limits of its own, which
// these cannot exceed: 128 of each, and 4096 bytes of a text.
struct span_limits {
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    std::uint32_t attributes = none, events = none, links = none;
    std::uint32_t event_attributes = none, link_attributes = none;  // of each
    std::uint32_t text = none;                                      // characters of an attribute's

    bool operator==(const span_limits&) const = default;
};

}  // namespace apm::inline APM_ABI
