#include <apm/propagation/jaeger.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::context c;
    if (!apm::detail::read_jaeger(input, c)) {
        ALWAYS(c == apm::context{});
        return;
    }
    ALWAYS(whole(c) && c.valid() && !c.deferred && !c.random);
    const std::string text = written([&](auto& to) { apm::detail::write_jaeger(to, c); });
    ALWAYS(text.size() == 32 + 1 + 16 + 3 + 2);
    apm::context again;
    ALWAYS(apm::detail::read_jaeger(text, again) && again == c);
}
