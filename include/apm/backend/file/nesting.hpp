// What a trace viewer needs to know about spans that it has seen: which of a thread's nest, and which to draw an arrow to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// Keeps what was added last, by key, of which there may be several: at least `size`, and at most twice that.
template <class Value, std::size_t size>
class recent {
public:
    void add(std::uint64_t key, const Value& value) {
        if (young_.size() >= size) old_ = std::exchange(young_, {});
        young_.emplace(key, value);
    }
    // Calls f with each value of that key.
    template <class F>
    void each(std::uint64_t key, F&& f) const {
        for (const auto* map : {&old_, &young_})
            for (auto [at, end] = map->equal_range(key); at != end; ++at) f(at->second);
    }
    void erase(std::uint64_t key) { young_.erase(key), old_.erase(key); }
    void clear() { young_.clear(), old_.clear(); }
    [[nodiscard]] std::size_t count() const { return young_.size() + old_.size(); }

private:
    std::unordered_multimap<std::uint64_t, Value> young_, old_;
};

// The slices of one thread so far, without those that lie within others. To be asked in the order in which they ended.
//
// Neighbours of one parent count as one slice: what begins between two of them is not the parent of the second, hence not
// around it, or that would have been the second's parent. So these are few.
class nesting {
public:
    struct interval {
        std::uint64_t start, end, parent;
    };
    // Whether it overlaps none, or has all that it overlaps within it; then it is a slice from now on.
    bool admit(const interval& x) {
        const auto before = std::find_if(slices_.rbegin(), slices_.rend(), [&](const interval& s) { return s.end <= x.start; });
        const auto overlapped = before.base();
        for (auto s = overlapped; s != slices_.end(); ++s)
            if (s->start < x.start || s->end > x.end) return false;
        slices_.erase(overlapped, slices_.end());
        if (!slices_.empty() && slices_.back().parent == x.parent) slices_.back().end = x.end;
        else slices_.push_back(x);
        if (slices_.size() == most) forget_gaps();
        return true;
    }

private:
    // Of a thread that works for ever other parents elsewhere.
    void forget_gaps() {
        for (std::size_t i = 0; i < most / 2; ++i)
            slices_[i] = {slices_[2 * i].start, slices_[2 * i + 1].end, slices_[2 * i + 1].parent};
        slices_.resize(most / 2);
    }
    static constexpr std::size_t most = 256;
    std::vector<interval> slices_;  // by time
};

}  // namespace apm::inline APM_ABI::detail
