#include <apm/propagation/formats.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char* line) {
        ALWAYS(std::string_view(line).size() < 512 && std::string_view(line).find('\n') == std::string_view::npos);
    }));
    const std::uint64_t list = apm::detail::read_propagators(input, "OTEL_PROPAGATORS");
    std::uint64_t seen = 0;
    for (std::uint64_t rest = list; rest; rest >>= 4) {
        const std::uint64_t one = rest & 15;
        ALWAYS(one >= 1 && one <= 8 && !(seen >> one & 1));
        seen |= std::uint64_t{1} << one;
    }
    ALWAYS(!(seen >> 8 & 1) || list == apm::detail::no_propagators);
}
