// The two encodings of OTLP, to be chosen from at run time.
#pragma once

#include <cstdint>

#include <apm/backend/otlp/json.hpp>
#include <apm/backend/otlp/protobuf.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::otlp {

enum class encoding : std::uint8_t { protobuf, json };

// Calls f.template operator()<Encoder>().
template <class F>
decltype(auto) with_encoder(encoding how, F&& f) {
    if (how == encoding::json) return f.template operator()<json_encoder>();
    return f.template operator()<protobuf_encoder>();
}

}  // namespace apm::inline APM_ABI::detail::otlp
