#include <apm/propagation/datadog.hpp>
#include <apm/propagation/w3c.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    const auto lines = lines_of(input);
    const apm::detail::datadog_headers headers{line_or_null(lines, 0), line_or_null(lines, 1), line_or_null(lines, 2), line_or_null(lines, 3),
                                               line_or_null(lines, 4)};
    apm::context c;
    apm::detail::fixed_text<apm::detail::most_dd> member;
    if (apm::detail::read_datadog(headers, c, member)) {
        ALWAYS(whole(c) && !c.debug && !c.random);
        // What goes into the tracestate may be there.
        apm::detail::tracestate_text state;
        state.add(member.view());
        ALWAYS(state.view() == member.view());
        if (c.valid()) {
            apm::detail::datadog_values v;
            ALWAYS(apm::detail::write_datadog(v, c, member.size() ? apm::detail::dd_of(member.view()) : std::string_view{}));
            ALWAYS(!v.tags.overflows() && !v.origin.overflows());
            const auto sent = [](const apm::detail::bounded_text& x) { return x.size() ? x.view() : std::string_view{}; };
            apm::context again;
            apm::detail::fixed_text<apm::detail::most_dd> same;
            ALWAYS(apm::detail::read_datadog({v.trace.view(), v.parent.view(), sent(v.priority), sent(v.origin), sent(v.tags)}, again, same));
            ALWAYS(again == c && same.view() == member.view());
        }
    } else {
        ALWAYS(c == apm::context{});
    }
    // Of whatever a tracestate says.
    apm::detail::datadog_values v;
    const apm::context some{.trace = {1, 2}, .span = 3, .sampled = input.size() % 2 == 0};
    const std::string_view dd = input.substr(0, 256);
    ALWAYS(apm::detail::write_datadog(v, some, dd));
    ALWAYS(!v.priority.overflows() && !v.tags.overflows() && !v.origin.overflows());
}
