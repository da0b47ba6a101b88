// The load: customers who look about, fill a basket, change their mind or pay. Each is a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "front.hpp"
#include "tally.hpp"

namespace shop::gateway {

class Load {
public:
    // At most `orders` orders are placed, and exactly so many unless stop() is called.
    Load(Front& front, unsigned customers, std::uint64_t orders);
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    void stop();  // waits for the customers; what they have in their baskets stays there
    [[nodiscard]] std::uint64_t orders() const { return placed_.load(); }
    [[nodiscard]] bool done() const { return orders() == limit_; }
    // After stop(): what the customers saw, counted by themselves.
    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    void shop_around(std::uint64_t customer);

    Front& front_;
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> begun_{0}, placed_{0};
    std::atomic<bool> stopping_{false};
    std::mutex merging_;
    Tally tally_;
    std::vector<std::thread> customers_;
};

}  // namespace shop::gateway
