#include <apm/propagation/w3c.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::context c;
    if (!apm::detail::read_traceparent(input, c)) {
        ALWAYS(c == apm::context{});
        return;
    }
    ALWAYS(c.valid() && c.remote && !c.debug && !c.deferred);
    const std::string text = written([&](auto& to) { apm::detail::write_traceparent(to, c); });
    ALWAYS(text.size() == 55 && text.substr(0, 3) == "00-");
    ALWAYS(input.find(text.substr(3, 50)) != input.npos);  // the ids are the header's own digits
    apm::context again;
    ALWAYS(apm::detail::read_traceparent(text, again) && again == c);
}
