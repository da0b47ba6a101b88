// What all rows have in common: whose they are, and how they register with their schema.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/hash.hpp>

namespace apm::inline APM_ABI {

struct row;
struct span_row;

// What declares the rows, a library or a program: name, version and schema URL, OpenTelemetry's instrumentation scope.
struct scope {
    const char* name;
    const char* version = "";
    const char* schema_url = "";
};

// What a schema counts up while its rows are constructed.
struct row_list {
    const row* last = nullptr;
    const span_row* last_span = nullptr;
    std::uint32_t count = 0;
    std::uint32_t spans = 0;
    std::uint32_t cells = 0;
    std::uint32_t shared = 0;
    std::uint32_t tables = 0;
    std::uint64_t layout = detail::fnv_basis;

    constexpr row_list() = default;
    row_list(const row_list&) = delete;  // rows point at it
    row_list& operator=(const row_list&) = delete;
};

}  // namespace apm::inline APM_ABI
