// The connections of a server: how long each may take, and which goes when there are too many. No crowd holds a server: a new
// client is always let in, and the one that has kept the server waiting longest goes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// What a client is about.
enum class http_phase : unsigned char {
    idle,       // was answered, and may ask again
    arriving,   // has not sent the whole head of its first request
    unwanted,   // sends a body that is read away
    served,     // sends a body, waits, or takes its answer
};

template <class Connection>
struct http_client {
    Connection connection{};
    int fd = -1;
    http_phase phase = http_phase::arriving;
    std::chrono::steady_clock::time_point since{};   // it has been so
    std::optional<std::chrono::steady_clock::time_point> resumes = {};  // it is made to wait until then
    bool cut = false;                                 // it is not answered any more
};

// One thread at a time. A client stays where it is until remove().
template <class Connection>
class http_clients {
public:
    using clock = std::chrono::steady_clock;
    using client = http_client<Connection>;

    static constexpr std::chrono::milliseconds grace{100};

    http_clients(std::size_t most, clock::duration busy, clock::duration idle)
        : most_(most), busy_(busy), idle_(idle) {}

    // Throws where there is no memory.
    client& add(Connection connection, int fd, clock::time_point now) {
        all_.push_back({connection, fd, http_phase::arriving, now});
        return all_.back();
    }
    void remove(client& c) { all_.remove_if([&](const client& each) { return &each == &c; }); }
    void enters(client& c, http_phase phase, clock::time_point now) { c.phase = phase, c.since = now; }
    [[nodiscard]] std::size_t size() const { return all_.size(); }

    // Calls cut(client) for those whose time is over, and for the longest waiting of those that are too many: first the idle
    // ones, then those that have not asked, then those that are served. Who has just come is not cut off for that. cut() may not
    // remove any.
    template <class Cut>
    void cut_off(clock::time_point now, Cut&& cut) {
        std::size_t left = 0;
        crowded_ = false;
        for (client& c : all_) {
            if (!c.cut && until(c) <= now) c.cut = true, cut(c);
            left += !c.cut;
        }
        for (; left > most_; --left) {
            client* longest = nullptr;
            for (client& c : all_)
                if (!c.cut && c.since + grace <= now && (!longest || goes_before(c, *longest))) longest = &c;
            if (!longest) {
                crowded_ = true;
                return;
            }
            longest->cut = true, cut(*longest);
        }
    }
    // Calls resume(client) for those that have waited, or that are cut off while they do. Whether there was one.
    template <class Resume>
    bool resume(clock::time_point now, Resume&& resume) {
        bool any = false;
        for (client& c : all_)
            if (c.resumes && (c.cut || *c.resumes <= now)) c.resumes.reset(), resume(c), any = true;
        return any;
    }
    // When there is something to do next; (clock::time_point::max)() where there is nothing.
    [[nodiscard]] clock::time_point next() const {
        clock::time_point first = (clock::time_point::max)();
        for (const client& c : all_) {
            if (!c.cut) first = (std::min)(first, crowded_ ? (std::min)(until(c), c.since + grace) : until(c));
            if (c.resumes) first = (std::min)(first, *c.resumes);
        }
        return first;
    }

private:
    static bool goes_before(const client& a, const client& b) {
        return a.phase != b.phase ? a.phase < b.phase : a.since < b.since;
    }
    [[nodiscard]] clock::time_point until(const client& c) const {
        return c.since + (c.phase == http_phase::idle       ? idle_
                          : c.phase == http_phase::unwanted ? (std::min<clock::duration>)(busy_, std::chrono::seconds(1))
                                                            : busy_);
    }

    std::size_t most_;
    clock::duration busy_, idle_;
    std::list<client> all_;
    bool crowded_ = false;  // there are too many, all of which have just come
};

}  // namespace apm::inline APM_ABI::detail
