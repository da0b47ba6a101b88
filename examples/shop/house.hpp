// What the shop has: products on shelves, and the baskets that customers carry about.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace shop::gateway {

struct Piece {
    std::string_view name;
    std::int64_t cents;
    std::atomic<int> stock;
};

class Shelves {
public:
    static constexpr int delivery = 40;

    Piece* find(std::string_view name) {
        for (Piece& p : pieces)
            if (p.name == name) return &p;
        return nullptr;
    }
    // False where there is none left; then the next delivery arrives.
    static bool take(Piece& p) {
        if (p.stock.fetch_sub(1) > 0) return true;
        p.stock = delivery;
        return false;
    }

    std::array<Piece, 6> pieces{{{"apple", 45, delivery}, {"bread", 325, delivery}, {"cheese", 790, delivery},
                                 {"coffee", 1249, delivery}, {"lamp", 3990, delivery}, {"teapot", 2450, delivery}}};
};

struct Basket {
    std::int64_t cents = 0;
    int items = 0;
};

class Baskets {
public:
    void add(std::uint64_t id, const Piece& p) {
        const std::lock_guard guard(mutex_);
        Basket& basket = baskets_[id];
        basket.cents += p.cents;
        ++basket.items;
    }
    // The basket leaves the shop: an empty one if there is none of that number.
    Basket take(std::uint64_t id) {
        const std::lock_guard guard(mutex_);
        auto node = baskets_.extract(id);
        return node ? node.mapped() : Basket{};
    }
    std::size_t size() const {
        const std::lock_guard guard(mutex_);
        return baskets_.size();
    }

private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Basket> baskets_;
};

}  // namespace shop::gateway
