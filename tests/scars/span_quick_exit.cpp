// Traces from a handler of quick_exit, which runs no destructors, while a span is open.
#include "span_scar.hpp"

using scar::traced;

int main() {
    std::at_quick_exit([] {
        std::uint64_t sum = 0;
        scar::drain([&](const apm::span_view& s) { sum += scar::number_of(s); });
        scar::require(sum == 3, "what has ended", sum);
        const apm::span_totals t = apm::count_spans();
        scar::require(t.started == t.drained + 1, "and what has not", t.started);
        scar::succeed();
    });
    std::at_quick_exit([] { const auto s = traced.step.scope({.n = 1}); });
    const auto open = traced.step.scope({.n = 100});
    { const auto s = traced.step.scope({.n = 2}); }
    std::quick_exit(scar::too_early);
}
