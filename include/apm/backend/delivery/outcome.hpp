// What became of the items that were to be delivered, and the observer that is told.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Why items are not delivered.
enum class loss : std::uint8_t {
    queue_full,
    too_large,     // larger than a request may be
    rejected,      // by a status that says not to try again
    partial,       // by a receiver that took the rest of the batch
    bad_reply,     // an answer too long to be read
    gave_up,       // too old
    shutdown,      // still waiting when the deadline came, or handed over after that
    spool_failed,  // a file that is gone, or damaged
    no_memory,
};
inline constexpr std::size_t losses = 9;

constexpr std::string_view text_of(loss l) {
    constexpr std::array<std::string_view, losses> texts{"queue_full", "too_large", "rejected", "partial",      "bad_reply",
                                                         "gave_up",    "shutdown",  "spool_failed", "no_memory"};
    return texts[static_cast<std::size_t>(l)];
}

// Items, by the reason they are lost for.
struct lost_items {
    std::array<std::uint64_t, losses> by_cause{};
    std::uint64_t& operator[](loss l) { return by_cause[static_cast<std::size_t>(l)]; }
    std::uint64_t operator[](loss l) const { return by_cause[static_cast<std::size_t>(l)]; }
    [[nodiscard]] std::uint64_t all() const { return std::accumulate(by_cause.begin(), by_cause.end(), std::uint64_t{0}); }
};

// In items, unless it says otherwise. At any moment put + adopted == delivered + lost.all() + waiting + in_flight.
struct totals {
    std::uint64_t put = 0, adopted = 0;  // adopted: found in the spool, of processes that ended
    std::uint64_t delivered = 0;
    lost_items lost = {};
    std::uint64_t waiting = 0, in_flight = 0;             // after stop(), what waits is what the spool keeps
    std::uint64_t requests = 0, retries = 0, bytes_sent = 0;  // attempts, those after the first of a batch, bytes of bodies
};

// One request that ended; or, with status 0 and no duration, items that are lost without a request.
struct outcome {
    std::size_t destination = 0;
    std::chrono::nanoseconds duration{};
    int status = 0;              // of HTTP; 0: no answer
    std::uint64_t delivered = 0;
    lost_items lost = {};
};

// Told by the sending thread or by the one that puts, by one at a time, and by none after stop(). Calls are to be quick, and not
// to call back. What they throw is ignored.
struct observer {
    std::function<void(const outcome&)> finished = {};      // each; their sums are those of totals
    std::function<void(const std::string& line)> say = {};  // the first failure of a kind; again after things worked in between
    std::function<void(std::size_t destination, std::uint64_t items)> adopted = {};  // before anything becomes of them
};

}  // namespace apm::inline APM_ABI::detail::delivery
