// The shop's own plain count of what its customers saw, by which a test checks what the telemetry says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "front.hpp"

namespace shop::gateway {

class Tally {
public:
    void saw(const Visitor& visitor, const Answer& a) {
        static constexpr const char* verbs[] = {"GET", "POST"};
        static constexpr const char* methods[] = {"card", "paypal", "cash"};
        static constexpr const char* outcomes[] = {"ok", "declined", "failed"};
        const std::string verb = verbs[static_cast<int>(visitor.verb)], route(a.route), status = std::to_string(a.status);
        ++counts_["shop.http.requests{verb=" + verb + ",route=" + route + ",status=" + status + "}"];
        if (!a.receipt) return;
        const std::string method = std::string("method=") + methods[static_cast<int>(a.receipt->method)];
        const std::string order = "{" + method + ",outcome=" + outcomes[static_cast<int>(a.receipt->outcome)] + "}";
        ++counts_["shop.orders" + order];
        ++counts_["shop.checkout.duration.count" + order];
        counts_["shop.checkout.duration.nanoseconds" + order] += a.receipt->took.count();
        ++counts_["shop.payment.duration.count{" + method + "}"];
        ++counts_["shop.basket.items.count"];
        counts_["shop.basket.items.sum"] += a.receipt->items;
        if (a.receipt->outcome == Outcome::ok) counts_["shop.revenue.cents{" + method + "}"] += a.receipt->cents;
        took_.push_back(a.receipt->took.count());
    }

    void left_open() { ++counts_["shop.carts.open"]; }

    void add(const Tally& other) {
        for (const auto& [name, n] : other.counts_) counts_[name] += n;
        took_.insert(took_.end(), other.took_.begin(), other.took_.end());
    }

    // `tally <series> <n>` a line.
    void print() const {
        for (const auto& [name, n] : counts_) std::printf("tally %s %lld\n", name.c_str(), static_cast<long long>(n));
        std::vector<std::int64_t> sorted = took_;
        std::sort(sorted.begin(), sorted.end());
        if (sorted.empty()) return;
        for (const std::size_t percent : {50u, 95u, 99u})
            std::printf("tally shop.checkout.duration.p%zu %lld\n", percent,
                        static_cast<long long>(sorted[(sorted.size() * percent + 99) / 100 - 1]));
    }

private:
    std::map<std::string, std::int64_t> counts_;
    std::vector<std::int64_t> took_;  // nanoseconds
};

}  // namespace shop::gateway
