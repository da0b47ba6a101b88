#include <apm/backend/delivery/notifier.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "../../catch.hpp"
#include "patience.hpp"

using namespace apm::detail::delivery;

TEST_CASE("an observer is told of everything, and what it throws is ignored") {
    int outcomes = 0, lines = 0;
    std::uint64_t items = 0;
    notifier n({[&](const outcome&) { ++outcomes, throw 1; }, [&](const std::string&) { ++lines, throw 2; },
                [&](std::size_t, std::uint64_t x) { items += x, throw 3; }});
    n.finished({});
    n.finished_unless_busy({});
    n.say("a line");
    n.say("");
    n.adopted(0, 7);
    CHECK(outcomes == 2);
    CHECK(lines == 1);
    CHECK(items == 7);
    notifier deaf({});
    deaf.finished({}), deaf.say("a line"), deaf.adopted(0, 1);
}

TEST_CASE("after it was silenced an observer is told of nothing") {
    int told = 0;
    notifier n({[&](const outcome&) { ++told; }, [&](const std::string&) { ++told; }, {}});
    n.silence();
    n.finished({}), n.finished_unless_busy({}), n.say("a line");
    CHECK(told == 0);
}

TEST_CASE("an observer is told of one thing at a time, and one that is stuck holds up neither the end nor what need not wait") {
    std::promise<void> entered, go_on;
    std::atomic<int> told{0};
    notifier n({[&, wait = go_on.get_future().share()](const outcome&) {
                    if (++told > 1) return;
                    entered.set_value();
                    wait.wait();
                },
                {}, {}});
    std::thread stuck([&] { n.finished({}); });
    entered.get_future().wait();
    n.finished_unless_busy({});
    n.silence();
    CHECK(told == 1);
    go_on.set_value();
    stuck.join();
    n.finished({});
    CHECK(told == 1);
}
