#include <apm/detail/observer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using apm::detail::observer;
using apm::detail::run_observers;

// A registration as the layers above have it: runs a function until it is destroyed.
struct registration : observer {
    std::function<void()> f;
    explicit registration(std::function<void()> g)
        : observer([](observer& o) {
              const auto copy = static_cast<registration&>(o).f;  // the call may destroy the original
              copy();
          }),
          f(std::move(g)) {
        enlist();
    }
    ~registration() { remove(); }
};

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("each callback runs once per pass, as long as it is registered") {
    int a = 0, b = 0;
    registration one([&] { ++a; });
    {
        registration two([&] { ++b; });
        run_observers();
        run_observers();
    }
    run_observers();
    CHECK(a == 3);
    CHECK(b == 2);
}

TEST_CASE("registrations end in any order") {
    int calls = 0;
    std::vector<std::unique_ptr<registration>> all;
    for (int i = 0; i < 9; ++i) all.push_back(std::make_unique<registration>([&] { ++calls; }));
    for (const int leaving : {4, 0, 8, 3, 5}) {  // the middle, the ends, the neighbours
        all[static_cast<std::size_t>(leaving)].reset();
        calls = 0;
        run_observers();
        CHECK(calls == std::count_if(all.begin(), all.end(), [](auto& r) { return r != nullptr; }));
    }
}

TEST_CASE("a callback may end its own registration") {
    int calls = 0;
    std::unique_ptr<registration> own;
    own = std::make_unique<registration>([&] { ++calls, own.reset(); });
    registration other([&] { ++calls; });
    run_observers();
    CHECK(calls == 2);
    run_observers();
    CHECK(calls == 3);
}

TEST_CASE("a callback may end others' registrations, and begin some") {
    int calls = 0, late = 0;
    std::vector<std::unique_ptr<registration>> others;
    std::unique_ptr<registration> begun;
    const auto ending = [&] {
        others.clear();
        if (!begun) begun = std::make_unique<registration>([&] { ++late; });
    };
    registration first(ending);
    for (int i = 0; i < 5; ++i) others.push_back(std::make_unique<registration>([&] { ++calls; }));
    registration last(ending);
    run_observers();
    CHECK(calls <= 5);
    CHECK(late == 0);  // begun during the pass: the next one runs it
    run_observers();
    CHECK(late == 1);
}

TEST_CASE("a callback that registers another of its kind each time is run once per pass") {
    int runs = 0;
    std::unique_ptr<registration> now;
    std::function<void()> again = [&] {
        ++runs;
        now = std::make_unique<registration>(again);
    };
    now = std::make_unique<registration>(again);
    run_observers();
    CHECK(runs == 1);
    run_observers();
    CHECK(runs == 2);
}

TEST_CASE("a callback that starts a pass is not run by it; the others are, and the outer pass ends") {
    int depth = 0, deepest = 0, collectors[3] = {}, plain = 0;
    const auto collect_within = [&](int who) {
        ++collectors[who];
        deepest = std::max(deepest, ++depth);
        run_observers();
        --depth;
    };
    registration one([&] { collect_within(0); });
    registration quiet([&] { ++plain; });
    registration two([&] { collect_within(1); });
    registration three([&] { collect_within(2); });
    run_observers();
    CHECK(deepest <= 3);
    for (const int calls : collectors) CHECK(calls >= 1);
    CHECK(plain >= 1);
}

TEST_CASE("a callback that starts a pass ends its own registration meanwhile") {
    std::unique_ptr<registration> own;
    int calls = 0;
    registration other([&] {
        ++calls;
        own.reset();
    });
    own = std::make_unique<registration>([&] {
        ++calls;
        run_observers();
    });
    run_observers();
    CHECK(own == nullptr);
    CHECK(calls == 2);
}

TEST_CASE("ending a registration waits for its call in progress, and no call begins after it") {
    for (int round = 0; round < 20; ++round) {
        std::atomic<bool> in_call{false}, ended{false}, late{false};
        auto slow = std::make_unique<registration>([&] {
            late = late || ended;
            in_call = true;
            std::this_thread::sleep_for(2ms);
            late = late || ended;
        });
        meanwhile passes([] { run_observers(); });
        while (!in_call) std::this_thread::yield();
        slow.reset();
        ended = true;
        std::this_thread::sleep_for(2ms);
        CHECK_FALSE(late);
    }
}

TEST_CASE("registrations come and go in many threads while passes run") {
    std::atomic<std::size_t> calls{0};
    std::atomic<bool> wrong{false};
    std::atomic<int> running{0};
    meanwhile passes([&] { run_observers(); });
    in_threads(8, [&](std::size_t) {
        for (std::size_t i = 0; i < repeat(20'000); ++i) {
            bool alive = true;  // on this stack: a late call would be a use after return
            registration r([&] {
                wrong = wrong || !alive || ++running != 1;  // passes are not run in parallel here
                ++calls;
                --running;
            });
            if (i % 16 == 0) std::this_thread::yield();
            r.remove();
            alive = false;
        }
    });
    passes.stop();
    CHECK_FALSE(wrong);
    CHECK(calls > 0);
}
