// The export queue of one destination: what waits, what is on its way, when the next attempt is due, and the tally.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/delivery/queue.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/backend/delivery/retry.hpp>
#include <apm/backend/delivery/spool.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

using steady = std::chrono::steady_clock;

// Under the mutex of export_queues. Nothing here throws but the constructor.
struct export_queue {
    export_queue(const destination& d, std::size_t index_)
        : to(d), index(index_), queue(d), pauses(d.initial_backoff, d.max_backoff),
          max_elapsed_time(std::clamp<std::chrono::milliseconds>(d.max_elapsed_time, {}, std::chrono::hours(24 * 365))) {
        if (!d.spool_directory.empty()) disk.emplace(d.spool_directory, d.name, *d.protocol);
    }
    export_queue(const export_queue&) = delete;
    export_queue& operator=(const export_queue&) = delete;

    const destination& to;
    const std::size_t index;
    batch_queue queue;
    batches flight;             // the one that is being sent, until all are told what became of it
    bool sending = false;       // there is one
    totals tally;
    std::uint64_t puts = 0;     // batches that came
    std::uint64_t losses = 0;   // those of them that were lost, even in part
    std::uint64_t reported = 0; // those of which a flush() has said so
    back_off pauses;
    bool failing = false;       // the last attempt did not reach the receiver, or came at a bad time
    bool unreadable = false;    // it is the file of this one batch that failed
    bool unreachable = false;   // the last attempt failed so that the next will, too: see unreachable() of reply.hpp
    steady::time_point not_before{};
    bool left_to_spool = false; // at the end: what waits is left to the next process
    std::chrono::milliseconds max_elapsed_time;
    std::optional<spool> disk;

    // Whether this failure is to be reported: it was not since forget() or the last success, nor within destination::quiet.
    bool should_report(failure f) noexcept {
        if (f == failure::none || (said_ & bit_of(f))) return false;
        auto& last = last_said_[static_cast<std::size_t>(f)];
        const auto now = steady::now();
        if (last != steady::time_point{} && now - last < to.quiet) return false;
        last = now;
        said_ |= bit_of(f);
        return true;
    }
    void forget(failure f) noexcept { said_ &= ~bit_of(f); }
    // After a success: each failure is reported anew, except `except`, which the success itself reports, and those that forget()
    // is for.
    void report_anew(failure except) noexcept {
        said_ &= bit_of(except) | bit_of(failure::queue_full) | bit_of(failure::request_too_large) | bit_of(failure::spool);
    }

    void came(std::uint64_t items, bool adopted) noexcept { (adopted ? tally.adopted : tally.put) += items; }
    void begin() noexcept {
        queue.take_front(flight);
        sending = true;
        tally.waiting -= flight.front().items, tally.in_flight += flight.front().items;
        ++tally.requests;
        if (flight.front().attempts++) ++tally.retries;
    }
    // It is to be sent again.
    void give_back() noexcept {
        tally.waiting += flight.front().items, tally.in_flight -= flight.front().items;
        queue.push_front(flight);
        sending = false;
    }
    void delivered(std::uint64_t rejected) noexcept {
        const std::uint64_t items = flight.front().items;
        tally.in_flight -= items, tally.delivered += items - rejected, tally.lost[loss::partial] += rejected;
        losses += rejected != 0;
    }
    void lost_in_flight(loss cause) noexcept {
        tally.in_flight -= flight.front().items, tally.lost[cause] += flight.front().items;
        ++losses;
    }
    // One that is not in the queue any more.
    void lost_waiting(const batch& b, loss cause) noexcept {
        tally.waiting -= b.items, tally.lost[cause] += b.items;
        ++losses;
    }
    [[nodiscard]] bool has_until(std::uint64_t number) const {
        return (!flight.empty() && flight.front().number <= number) || queue.has_until(number);
    }

private:
    static std::uint64_t bit_of(failure f) { return std::uint64_t{1} << static_cast<std::underlying_type_t<failure>>(f); }
    std::uint64_t said_ = 0;
    steady::time_point last_said_[64]{};
};

}  // namespace apm::inline APM_ABI::detail::delivery
