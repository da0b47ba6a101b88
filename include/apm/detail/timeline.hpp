// From ticks to the time of day: piecewise linear, always growing, never taken back.
//
//     time │         ╱─        where the time of day has been read, a piece leads there from the last tick that was asked about,
//          │      ╱─           and the next one goes on at the slope that was seen; what was once said of a tick is said of it
//          │   ╱──             again, so that what lay within something else still does, however late the two are asked about
//          └──────────── ticks
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

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
        if (!count_ || !(std::abs(signed_of(ticks(r) - looked_.ticks) * r.ns_per_tick.load_double()) < look_every)) look(r);
        asked_until(ticks(r) + unordered);
    }
    // Ticks up to this one may have been asked about: what was said of them stays.
    void asked_until(std::uint64_t tick) { asked_ = tick; }
    // The time of day at `now`. Where that calls for it, another piece begins. `ns_per_tick` is what the clock says of itself.
    void continue_at(const instant& now, double ns_per_tick) {
        const instant looked = std::exchange(looked_, now);
        const double passed = signed_of(now.ticks - last_.ticks) * ns_per_tick;
        if (count_ && passed < -step) {  // the machine slept, and the counter began anew
            count_of_steps_.add(std::uint64_t{1});
            count_ = 0;
        }
        if (count_ == 0) {
            add({now.ticks, now.ns, ns_per_tick, jumped_ = 0});
            asked_ = now.ticks, last_ = now;
            return;
        }
        // The time of day was set.
        const double since = signed_of(now.ticks - looked.ticks) * ns_per_tick;
        const bool set = std::abs(signed_of(now.ns - looked.ns) - since) > largest_slew * since + step;
        const bool good = std::abs(signed_of(now.ns - at(now.ticks))) < tolerance;
        if (passed <= 0 || (passed < pause_ && good)) return;
        pause_ = (std::min)((std::max)(2 * pause_, passed), most_pause);
        // What was not asked for yet is answered as it was, rather than as it was foreseen.
        if (const double gap = signed_of(now.ticks - asked_) * ns_per_tick; gap > 0 && !good) {
            const std::uint64_t from = at(asked_);
            const double missing = set ? 0 : signed_of(now.ns - from) - gap;
            add({asked_, from, ns_per_tick * (1 + std::clamp(missing / gap, -2 * largest_slew, 2 * largest_slew)), jumped_});
        }
        const std::uint64_t foreseen = at(now.ticks);
        if (set) {
            count_of_steps_.add(std::uint64_t{1});
            jumped_ += now.ns - foreseen;
            add({now.ticks, now.ns, ns_per_tick, jumped_});
        } else {
            // A slew goes on for a while. Over less time than that, what one reads by chance is more.
            const double slewed = passed < 2 * look_every ? 0 : (signed_of(now.ns - last_.ns) - passed) / passed;
            const double rate = std::clamp(slewed, -largest_slew, largest_slew);
            const double left = signed_of(now.ns - foreseen) / (std::max)(passed, most_pause);
            add({now.ticks, foreseen, ns_per_tick * (1 + rate) * (1 + std::clamp(left, -largest_slew, largest_slew)), jumped_});
        }
        asked_ = now.ticks;
        if (set || passed >= 2 * look_every) last_ = now;
    }

    // Nanoseconds since the epoch. Of ticks before the first piece, and of those that are no longer kept (2048 pieces, half an
    // hour unless the clock is slewed to and fro): what the oldest leads back to.
    [[nodiscard]] std::uint64_t at(std::uint64_t tick) const {
        return manual_ || count_ == 0 ? tick : on(piece_of(tick), tick);
    }
    // From one tick to a later one, as the time of day went by, without what it was set in between.
    [[nodiscard]] std::uint64_t between(std::uint64_t from, std::uint64_t to) const {
        if (static_cast<std::int64_t>(to - from) <= 0) return 0;
        if (manual_ || count_ == 0) return to - from;
        const piece &a = piece_of(from), &b = piece_of(to);
        return (on(b, to) - b.jumped) - (on(a, from) - a.jumped);
    }
    // How often the time of day was set. Any thread.
    [[nodiscard]] std::uint64_t steps() const { return count_of_steps_.load(); }

private:
    struct piece {
        std::uint64_t ticks, ns;
        double slope;
        std::uint64_t jumped;  // by how much the time of day was set so far
    };
    static constexpr double look_every = 10e6;      // ns
    static constexpr double tolerance = 10e3;       // off by less, it is not worth a piece
    static constexpr double most_pause = 1e9;       // of a piece, as long as it is asked that often
    static constexpr double largest_slew = 500e-6;  // the kernel's own (adjtimex(2))
    static constexpr double step = 1e6;             // what no slew explains
    static constexpr std::uint64_t unordered = 10'000;  // ticks: so much earlier may a counter have been read than it seems

    static double signed_of(std::uint64_t difference) { return static_cast<double>(static_cast<std::int64_t>(difference)); }

    void look(root& r) {
        const instant now = read_both(r, realtime_ns);
        // The thread was put aside while it read, and that five times: another time, unless that was long ago.
        const double ns = r.ns_per_tick.load_double();
        if (count_ && static_cast<double>(now.uncertain) * ns > 5'000 && signed_of(now.ticks - last_.ticks) * ns < 10e9) return;
        refine_clock(r);
        continue_at(now, r.ns_per_tick.load_double());
    }
    [[nodiscard]] const piece& piece_of(std::uint64_t tick) const {
        std::size_t low = count_ > pieces_.size() ? count_ - pieces_.size() : 0, high = count_ - 1;
        while (low < high) {
            const std::size_t middle = (low + high + 1) / 2;
            if (static_cast<std::int64_t>(tick - piece_at(middle).ticks) >= 0) low = middle;
            else high = middle - 1;
        }
        return piece_at(low);
    }
    static std::uint64_t on(const piece& p, std::uint64_t tick) {
        const double since = signed_of(tick - p.ticks) * p.slope;
        return p.ns + static_cast<std::uint64_t>(static_cast<std::int64_t>(since));
    }
    void add(const piece& p) { pieces_[count_++ % pieces_.size()] = p; }
    [[nodiscard]] const piece& piece_at(std::size_t i) const { return pieces_[i % pieces_.size()]; }

    std::array<piece, 2048> pieces_{};
    std::size_t count_ = 0;
    instant last_{};            // the time of day, as it was read when a piece began last
    instant looked_{};          // when it was read last
    std::uint64_t asked_ = 0;   // ticks until then have been asked about
    std::uint64_t jumped_ = 0;
    double pause_ = 1e6;
    cell count_of_steps_{};
    bool manual_ = false;
};

}  // namespace apm::inline APM_ABI::detail
