#include <apm/propagation/b3.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::context c;
    if (apm::detail::read_b3(input, c)) {
        ALWAYS(whole(c));
        const std::string text = written([&](auto& to) { apm::detail::write_b3(to, c); });
        apm::context again;
        ALWAYS(apm::detail::read_b3(text, again) && again == c);
    } else {
        ALWAYS(c == apm::context{});
    }
    const auto lines = lines_of(input);
    apm::context several;
    const apm::detail::b3_headers headers{line_or_null(lines, 0), line_or_null(lines, 1), line_or_null(lines, 2), line_or_null(lines, 3)};
    if (apm::detail::read_b3(headers, several)) ALWAYS(whole(several));
    else ALWAYS(several == apm::context{});
}
