// Compiled without exceptions, and linked first.
#include <cstdio>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.unwinding"};
    counter<> events{this, "events", "Events"};
    span<>    work  {this, "work", "Work"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

bool collecting_throws();
bool draining_throws();

int main() {
    telemetry.events.add(1);
    { TRACE_SCOPE(telemetry.work); }
    if (!collecting_throws() || !draining_throws()) return 1;
    // Neither is locked now.
    if (apm::collect().families.empty() || apm::drain_spans().spans.size() > 1) return 2;
    std::puts("collected after a failure");
}
