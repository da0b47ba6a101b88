// Which headers carry a trace, and what baggage leaves the process: the options, overridden by OTEL_PROPAGATORS and
// APM_BAGGAGE_KEYS. Where neither is set, what the program chose by propagate_with() and allow_baggage() stays.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/propagation/formats.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/reader.hpp>

namespace apm::inline APM_ABI::detail {

struct propagation_settings {
    std::uint64_t list = 0;              // of propagators; 0: as it is
    bool keys_given = false;
    std::vector<std::string_view> keys;  // of baggage that may leave; they live as long as the environment and the options
};

inline propagation_settings read_propagation(settings_reader& reader, runtime_options& o) {
    propagation_settings s;
    const std::string_view usual = runtime_options{}.propagators;
    const bool given = reader.text(o.propagators, "OTEL_PROPAGATORS");
    if (given || o.propagators != usual) s.list = read_propagators(o.propagators, given ? "OTEL_PROPAGATORS" : "propagators");
    if (given && s.list == 0) s.list = usual_propagators;
    reader.text(o.baggage_keys, "APM_BAGGAGE_KEYS");
    s.keys_given = !o.baggage_keys.empty();
    if (!equal_ignoring_case(o.baggage_keys, "none"))
        split(o.baggage_keys, ',', [&s](std::string_view key) {
            if (valid_baggage_key(key)) s.keys.push_back(key);
            else if (!key.empty())
                report("\"%.*s\" in APM_BAGGAGE_KEYS (or baggage_keys) is no key of baggage; left out",
                       static_cast<int>(key.size()), key.data());
        });
    return s;
}

inline void use(const propagation_settings& s) {
    if (s.list) process_root().propagators.store(s.list);
    if (s.keys_given) allow_baggage(s.keys.data(), s.keys.size());
}

}  // namespace apm::inline APM_ABI::detail
