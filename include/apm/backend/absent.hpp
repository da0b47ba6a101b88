// What a back end is where APM is compiled out.
#pragma once

#include <string_view>

#include <apm/backend.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// A base: takes nothing, does nothing, and needs no library.
class absent_backend {
public:
    absent_backend(const absent_backend&) = delete;
    absent_backend& operator=(const absent_backend&) = delete;

    [[nodiscard]] constexpr std::string_view name() const { return "absent"; }
    error start(const resource&) { return {}; }
    error stop(deadline) { return {}; }

protected:
    constexpr absent_backend() = default;
    APM_INLINE constexpr ~absent_backend() {}
};

}  // namespace apm::inline APM_ABI::detail
