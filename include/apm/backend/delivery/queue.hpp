// The batches that wait for one destination: bounded, in the order in which they came, moved without allocating.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <list>
#include <string>

#include <apm/backend/delivery/destination.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// The body of one request, and what is known of it.
struct batch {
    std::string body = {};  // empty while it is in a file
    std::string file = {};  // its name in the spool; empty: in memory
    std::uint64_t size = 0, items = 0;
    std::uint32_t checksum = 0;  // of what is in the file
    std::uint8_t encoding = 0;    // of the protocol's
    bool gzip = false, adopted = false;
    unsigned attempts = 0;
    std::uint64_t number = 0;  // of put()
    std::chrono::steady_clock::time_point came = {};

    [[nodiscard]] bool on_disk() const { return !file.empty(); }
    // The bytes that it counts for: even an empty one takes room.
    [[nodiscard]] std::uint64_t cost() const { return std::max<std::uint64_t>(size, 256); }
};
using batches = std::list<batch>;  // spliced, never copied

// One thread at a time. Nothing but the constructor allocates or throws.
class batch_queue {
public:
    explicit batch_queue(const destination& d)
        : memory_{d.queue_bytes, d.queue_items}, disk_{d.spool_bytes, 0}, newest_wins_(d.drop_oldest) {}

    // Whether there is room for it. Where the newest wins, the oldest batches in its way are moved to `gone`, unless it could
    // never fit.
    bool make_room(const batch& b, bool on_disk, batches& gone) noexcept {
        room& r = of(on_disk);
        if (b.cost() > r.most_bytes || (r.most_items && b.items > r.most_items)) return false;
        while (r.bytes + b.cost() > r.most_bytes || (r.most_items && r.items + b.items > r.most_items)) {
            const auto oldest = std::find_if(all_.begin(), all_.end(), [&](const batch& w) { return w.on_disk() == on_disk; });
            if (!newest_wins_ || oldest == all_.end()) return false;
            count(*oldest, false);
            gone.splice(gone.end(), all_, oldest);
        }
        return true;
    }
    void push(batches& one) noexcept { count(one.front(), true), all_.splice(all_.end(), one, one.begin()); }
    void push_front(batches& one) noexcept { count(one.front(), true), all_.splice(all_.begin(), one, one.begin()); }
    void take_front(batches& to) noexcept { count(all_.front(), false), to.splice(to.end(), all_, all_.begin()); }
    // All that is in memory.
    void take_memory(batches& to) noexcept {
        for (auto b = all_.begin(); b != all_.end();) {
            const auto one = b++;
            if (!one->on_disk()) count(*one, false), to.splice(to.end(), all_, one);
        }
    }
    void rotate() noexcept { all_.splice(all_.end(), all_, all_.begin()); }

    [[nodiscard]] bool empty() const { return all_.empty(); }
    [[nodiscard]] batch& front() { return all_.front(); }
    [[nodiscard]] std::uint64_t items() const { return memory_.items + disk_.items; }
    // Whether one waits that came no later than that number.
    [[nodiscard]] bool has_until(std::uint64_t number) const {
        return std::any_of(all_.begin(), all_.end(), [number](const batch& b) { return b.number <= number; });
    }

private:
    struct room {
        std::uint64_t most_bytes, most_items, bytes = 0, items = 0;
    };
    room& of(bool on_disk) { return on_disk ? disk_ : memory_; }
    void count(const batch& b, bool more) noexcept {
        room& r = of(b.on_disk());
        more ? (r.bytes += b.cost(), r.items += b.items) : (r.bytes -= b.cost(), r.items -= b.items);
    }
    batches all_;
    room memory_, disk_;
    bool newest_wins_;
};

}  // namespace apm::inline APM_ABI::detail::delivery
