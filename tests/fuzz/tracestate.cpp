#include <apm/propagation/headers.hpp>
#include <apm/tracing/ot_tracestate.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::detail::tracestate_text state, again;
    for (const std::string_view line : lines_of(input)) state.add(line);
    const std::string_view text = state.view();
    again.add(text);
    ALWAYS(again.view() == text);
    ALWAYS(text.size() <= apm::detail::shared_trace::most_text);
    std::size_t members = 0;
    for (std::string_view rest = text; !text.empty() && rest.data(); ++members) {
        const std::string_view member = apm::detail::cut_until(rest, ',');
        const std::size_t equals = member.find('=');
        ALWAYS(equals != member.npos && equals > 0 && equals <= 256);
        ALWAYS(member.size() - equals - 1 >= 1 && member.size() - equals - 1 <= 256);
        ALWAYS(member.find('=', equals + 1) == member.npos && member.back() != ' ' && input.find(member) != input.npos);
    }
    ALWAYS(members <= 32);

    // With a member of ours in front, as what is mutated has it.
    const apm::detail::shared_trace_ref shared = apm::detail::share_texts("dd=s:1", text, "a=b");
    ALWAYS(shared.get() && shared.get()->state_size <= apm::detail::shared_trace::most_text);
    apm::detail::tracestate_text with_dd;
    with_dd.add(std::string_view(shared.get()->state(), shared.get()->state_size));
    ALWAYS(with_dd.view().size() == shared.get()->state_size && with_dd.view().substr(0, 6) == "dd=s:1");
    ALWAYS(std::string_view(shared.get()->baggage(), shared.get()->baggage_size) == "a=b");
    // And with a threshold.
    const apm::detail::shared_trace_ref marked(apm::detail::with_threshold(apm::detail::retain(shared.get()), 0xe6660000000000));
    apm::detail::tracestate_text with_ot;
    with_ot.add(std::string_view(marked.get()->state(), marked.get()->state_size));
    ALWAYS(with_ot.view().substr(0, 10) == "ot=th:e666");
    ALWAYS(apm::detail::read_ot(marked.get()).threshold == 0xe6660000000000);
}
