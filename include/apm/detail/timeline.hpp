// From ticks to the time of day: piecewise linear, always growing, never taken back.
//
//     time │         ╱─        each piece begins where the one before it leads to, at a slope that brings it to the time of
//          │      ╱─           day by about the end of the next; what was once said of a tick is said of it again, so that what
//          │   ╱──             lay within something else still does, however late the two are asked about
//          └──────────── ticks
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail {

class timeline {
public:
    // To be called before ticks are asked about that were read before the call. Cheap when it was called just now.
    void renew(root& r) {
        start_clock(r);
        manual_ = r.clock.load() == manual;
        if (manual_) return;
        if (count_ && ns_between(last_.ticks, ticks(r)) < pause_) return;
        const instant now = read_both(r, realtime_ns);
        // The thread was put aside while it read, and that five times: another time, unless that was long ago.
        if (count_ && ns_between(0, now.uncertain) > 5'000 && ns_between(last_.ticks, now.ticks) < 10e9) return;
        refine_clock(r);
        continue_at(now, r.ns_per_tick.load_double());
    }
    // The next piece begins at `now`. `ns_per_tick` is what the clock says of itself.
    void continue_at(const instant& now, double ns_per_tick) {
        if (count_ == 0) {
            add({now.ticks, now.ns, ns_per_tick});
            last_ = now;
            return;
        }
        const double passed = ns_between(last_.ticks, now.ticks);
        if (passed <= 0) return;
        pause_ = std::min(std::max(pause_, passed), most_pause);
        const std::uint64_t foreseen = at(now.ticks);
        const auto off = static_cast<double>(static_cast<std::int64_t>(now.ns - foreseen));
        if (off > largest_slew * passed + step || -off > largest_slew * passed + step) {
            ++steps_;  // somebody set the clock
            add({now.ticks, now.ns, ns_per_tick});
        } else {
            // The kernel may slew the time of day; over a while it shows. Over less, what one reads by chance is more.
            const double seen = (static_cast<double>(now.ns - last_.ns)) / static_cast<double>(now.ticks - last_.ticks);
            const double rate = passed >= 0.1e9 ? seen : ns_per_tick;
            const double correction = std::clamp(off / std::max(passed, most_pause), -largest_slew, largest_slew);
            add({now.ticks, foreseen, rate * (1 + correction)});
        }
        last_ = now;
    }

    // Nanoseconds since the epoch. Of ticks before the first piece, and of those that are no longer kept (2048 pieces, more than
    // half an hour): what the oldest leads back to.
    [[nodiscard]] std::uint64_t at(std::uint64_t tick) const {
        if (manual_ || count_ == 0) return tick;
        std::size_t low = count_ > pieces_.size() ? count_ - pieces_.size() : 0, high = count_ - 1;
        while (low < high) {
            const std::size_t middle = (low + high + 1) / 2;
            if (static_cast<std::int64_t>(tick - piece_at(middle).ticks) >= 0) low = middle;
            else high = middle - 1;
        }
        const piece& p = piece_at(low);
        const auto since = static_cast<double>(static_cast<std::int64_t>(tick - p.ticks)) * p.slope;
        return p.ns + static_cast<std::uint64_t>(static_cast<std::int64_t>(since));
    }
    // From one tick to a later one. By the clock that ticks, wherever the time of day was set in between.
    [[nodiscard]] std::uint64_t between(std::uint64_t from, std::uint64_t to) const {
        if (static_cast<std::int64_t>(to - from) <= 0) return 0;
        const std::uint64_t a = at(from), b = at(to);
        const auto by_rate = ns_between(from, to);
        const auto by_time = static_cast<double>(static_cast<std::int64_t>(b - a));
        if (by_time < 0 || by_time > by_rate + 2 * step || by_time < by_rate - 2 * step - by_rate * 1e-3)
            return static_cast<std::uint64_t>(by_rate);
        return b - a;
    }
    // How often the time of day was set.
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

private:
    struct piece {
        std::uint64_t ticks, ns;
        double slope;
    };
    static constexpr double most_pause = 1e9;      // of one piece, in ns, as long as somebody asks that often
    static constexpr double largest_slew = 500e-6; // the kernel's own (adjtimex(2))
    static constexpr double step = 1e6;            // what no slew explains

    [[nodiscard]] double ns_between(std::uint64_t from, std::uint64_t to) const {
        const double slope = count_ ? piece_at(count_ - 1).slope : 1;
        return static_cast<double>(static_cast<std::int64_t>(to - from)) * slope;
    }
    void add(const piece& p) { pieces_[count_++ % pieces_.size()] = p; }
    [[nodiscard]] const piece& piece_at(std::size_t i) const { return pieces_[i % pieces_.size()]; }

    std::array<piece, 2048> pieces_{};
    std::size_t count_ = 0;
    instant last_{};
    double pause_ = 1e6;
    std::uint64_t steps_ = 0;
    bool manual_ = false;
};

}  // namespace apm::inline APM_ABI::detail
