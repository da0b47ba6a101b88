#include <apm/propagation/xray.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::context c;
    if (!apm::detail::read_xray(input, c)) {
        ALWAYS(c == apm::context{});
        return;
    }
    ALWAYS(whole(c) && !c.debug && !c.random);
    if (!c.valid()) return;
    const std::string text = written([&](auto& to) { apm::detail::write_xray(to, c); });
    ALWAYS(text.size() == (c.deferred ? 64 : 74));
    apm::context again;
    ALWAYS(apm::detail::read_xray(text, again) && again == c);
}
