// Rows that are nothing. What a schema says of them is read and forgotten; the headers included here have no code of their own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <apm/tracing/attributes.hpp>
#include <apm/buckets.hpp>
#include <apm/config.hpp>
#include <apm/fields.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI {

enum class exported : std::uint8_t { automatic, from_zero, when_touched };

struct row_options {
    std::uint32_t limit = 2000;
    const char* prometheus_name = nullptr;
    exported series = exported::automatic;
    bool exemplars = false;
};

struct scope {
    const char* name;
    const char* version = "";
    const char* schema_url = "";
};

struct server {};
struct client {};
struct producer {};
struct consumer {};
template <int>
struct level {};
template <class>
struct measured_in {};
using measured = measured_in<latency_buckets>;

namespace absent {

struct row {
    template <class Schema>
    constexpr row(Schema*, const char*, const char*, const row_options& = {}) {}
};
template <class S>
[[APM_HIDDEN]] inline constexpr S instance{};

}  // namespace absent

template <class S>
struct schema {
    template <class Labels = no_labels, class Unit = count>
    using counter = absent::row;
    template <class Labels = no_labels, class Unit = count>
    using updown = absent::row;
    template <class Labels = no_labels, class Unit = count>
    using gauge = absent::row;
    template <class Labels, class Unit, class Buckets>
    using histogram = absent::row;
    template <class Attributes = no_attributes, class... Options>
    using span = absent::row;
};

template <class S>
[[APM_HIDDEN]] inline constexpr const S& instruments = absent::instance<S>;

}  // namespace apm::inline APM_ABI
