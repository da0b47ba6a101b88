#include "load.hpp"

#include <chrono>
#include <random>
#include <string>

namespace shop::gateway {

Load::Load(Front& front, unsigned customers, std::uint64_t orders) : front_(front), limit_(orders) {
    for (unsigned i = 1; i <= customers; ++i) customers_.emplace_back([this, i] { shop_around(i); });
}

void Load::stop() {
    stopping_ = true;
    for (std::thread& c : customers_) c.join();
    customers_.clear();
}

void Load::shop_around(std::uint64_t customer) {
    std::minstd_rand dice(static_cast<std::minstd_rand::result_type>(customer * 7919));
    const auto choose = [&](auto... weight) { return std::discrete_distribution<>({static_cast<double>(weight)...})(dice); };
    Tally mine;
    const auto call = [&](Verb verb, std::string path, Method method = Method::card) {
        Visitor v{verb, std::move(path), customer, method};
        if (verb == Verb::POST && method == Method::card) v.card = "4000 0000 0000 " + std::to_string(1000 + customer);
        const Answer a = front_.answer(v);
        mine.saw(v, a);
        return a;
    };

    const auto think = [&] {
        std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<>(500, 4000)(dice)));
    };
    int basket = 0;
    while (!stopping_) {
        call(Verb::GET, "/");
        for (int looks = choose(1, 3, 3, 1); looks > 0; --looks) {
            const std::string name(front_.shelves.pieces[static_cast<std::size_t>(choose(5, 5, 4, 3, 1, 1))].name);
            call(Verb::GET, "/product/" + name);
            think();
            while (choose(1, 2)) basket += call(Verb::POST, "/basket/" + name).status == 201;
        }
        if (choose(50, 1)) call(Verb::GET, "/product/unicorn");
        if (choose(200, 1)) call(Verb::POST, "/wp-login.php");
        if (basket == 0 || choose(1, 1)) continue;  // not yet
        if (begun_.fetch_add(1) >= limit_) break;
        call(Verb::POST, "/checkout", static_cast<Method>(choose(6, 3, 1)));
        ++placed_;
        basket = 0;
    }
    if (basket > 0) mine.left_open();
    const std::lock_guard guard(merging_);
    tally_.add(mine);
}

}  // namespace shop::gateway
