// What a gauge that was never set holds.
#pragma once

#include <cstdint>

#include <apm/config.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI::detail {

// Gauges start from memory that is all zero, and "never set" must differ from "set to 0": a value is kept with its bits
// flipped by the one value that means "not set" (the least integer; a NaN of an unlikely payload).
inline constexpr std::uint64_t unset_integer = std::uint64_t{1} << 63;
inline constexpr std::uint64_t unset_double = 0x7ff8'a9a1'a9a1'a9a1u;
template <class Unit>
inline constexpr std::uint64_t unset = Unit::info.kept_as == number::floating ? unset_double : unset_integer;

}  // namespace apm::inline APM_ABI::detail
