#pragma once

#include <apm/apm.hpp>

namespace traps {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "traps"};
    counter<> counts{this, "traps.counts", "Counted"};
    span<>    spans {this, "traps.spans", "Traced"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

void count();   // a/work.cpp
void trace();   // b/work.cpp

}  // namespace traps
