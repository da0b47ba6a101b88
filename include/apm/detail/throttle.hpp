// Bounds what a fault that goes on prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

// One line a cause and minute, and so many causes a minute at most. Allocates nothing: the fault may be that there is no memory.
// One thread at a time.
class throttle {
public:
    static constexpr std::size_t most_causes = 16;
    static constexpr std::uint64_t pause_ns = 60'000'000'000;

    // Whether the line is to be printed now. A cause is who it concerns and what is wrong.
    bool admits(std::string_view who, std::string_view what, std::uint64_t now = monotonic_ns()) {
        const std::uint64_t cause = hash(hash(fnv_basis, who), what) | 1;  // 0: unused
        entry* unused = nullptr;
        for (entry& e : said_) {
            const bool recent = e.cause && now - e.when < pause_ns;
            if (recent && e.cause == cause) return false;
            if (!recent) unused = &e;
        }
        if (unused) *unused = {cause, now};
        return unused != nullptr;
    }

private:
    struct entry {
        std::uint64_t cause, when;
    };
    static std::uint64_t hash(std::uint64_t seed, std::string_view text) {
        for (const char c : text) seed = fnv(seed, c);
        return fnv(seed, '\0');
    }
    entry said_[most_causes] = {};
};

}  // namespace apm::inline APM_ABI::detail
