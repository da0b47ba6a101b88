// When to try again: exponential pauses with random jitter, and what a receiver asks for in Retry-After.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>
#include <string_view>

#include <curl/curl.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/random.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Evenly spread over [part, 1 + (1 - part)] of the pause: a receiver that returns is not met by all senders at once.
inline std::chrono::milliseconds jittered(std::chrono::milliseconds pause, double part, std::uint64_t& random) {
    const double unit = static_cast<double>(next_random(random) >> 11) * 0x1p-53;
    const double factor = part + 2 * (1 - part) * unit;
    return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(pause.count()) * factor));
}

// The pauses after failures that follow each other: `first`, and each 1.5 times the one before, up to `longest`; each within a
// fifth of that, never beyond `longest`, and at least a millisecond. One thread at a time.
class back_off {
public:
    back_off(std::chrono::milliseconds first, std::chrono::milliseconds longest, std::uint64_t seed = random_seed())
        : first_(std::clamp<std::chrono::milliseconds>(first, shortest, most)),
          longest_(std::clamp<std::chrono::milliseconds>(longest, first_, most)), pause_(first_), random_(seed) {}

    std::chrono::milliseconds next() {
        const auto now = jittered(pause_, 0.8, random_);
        pause_ = (std::min)(longest_, pause_ * 3 / 2 + std::chrono::milliseconds(1));
        return std::clamp<std::chrono::milliseconds>(now, shortest, longest_);
    }
    void reset() { pause_ = first_; }
    // As long as asked, and up to a tenth longer.
    std::chrono::milliseconds stretched(std::chrono::milliseconds asked) {
        return asked + jittered(asked / 20, 0, random_);
    }

private:
    static constexpr std::chrono::milliseconds shortest{1}, most = std::chrono::hours(1);
    std::chrono::milliseconds first_, longest_, pause_;
    std::uint64_t random_;
};

// Retry-After's value: whole seconds, or a date of HTTP. Nothing where it is neither, or not in the future; never more than
// `most`, whatever it says.
inline std::optional<std::chrono::milliseconds> retry_after(std::string_view text, std::chrono::milliseconds most,
                                                            std::chrono::system_clock::time_point now) noexcept {
    text = trimmed(text);
    const auto capped = [most](std::int64_t seconds) -> std::optional<std::chrono::milliseconds> {
        if (seconds <= 0) return {};
        if (seconds >= std::chrono::duration_cast<std::chrono::seconds>(most).count()) return (std::max)(most, {});
        return std::chrono::seconds(seconds);
    };
    if (text.empty() || text.size() > 64) return {};
    if (text.find_first_not_of("0123456789") == text.npos) {
        std::int64_t seconds = 0;
        return capped(read_integer(text, seconds) ? seconds : (std::numeric_limits<std::int64_t>::max)());
    }
    const char first = to_lower(text.front());
    if (first < 'a' || first > 'z') return {};  // a date begins with the day of the week
    char date[65] = {};
    text.copy(date, sizeof date - 1);
    const std::time_t then = curl_getdate(date, nullptr);
    if (then <= 0) return {};
    return capped(then - std::chrono::system_clock::to_time_t(now));
}

}  // namespace apm::inline APM_ABI::detail::delivery
