// A process that forks, at any moment: the child has a delivery of its own, and nothing of the parent's.
// ctest: LABELS serial
#include <apm/backend/delivery/exporter.hpp>

#include <set>

#include "../../catch.hpp"
#include "backend/delivery/sending.hpp"

using namespace sending;
using delivery::exporter, delivery::loss;

TEST_CASE("a child sends what it puts, and nothing of what the parent has") {
    const bool stuck = GENERATE(false, true);
    std::atomic<bool> hang{stuck};
    receiver there([&](const peer& p, const request& r, std::size_t) {
        while (hang && r.body.starts_with("parent"))
            if (!p.wait(5ms)) return false;
        return p.say(answer_text(200, {}, {}));
    });
    exporter d({hasty(there.url())});
    REQUIRE(d.start().empty());
    for (int i = 0; i < 3; ++i) REQUIRE(d.put(0, "parent " + std::to_string(i), 1));
    if (stuck) REQUIRE(soon([&] { return there.count() == 1; }));
    else REQUIRE(d.flush(in(patience)));
    const int result = in_child([&] {
        if (d.count(0).put != 0) return 1;
        if (!d.put(0, "child 0", 2)) return 2;
        if (!d.flush(in(patience))) return 3;
        if (d.count(0).delivered != 2) return 4;
        if (!d.put(0, "child 1", 2)) return 5;
        if (!d.stop(in(patience)).empty()) return 6;
        if (d.count(0).delivered != 4) return 7;
        return d.put(0, "late", 1) ? 8 : 0;
    });
    CHECK(result == 0);
    hang = false;
    CHECK(d.flush(in(patience)));
    CHECK(d.count(0).delivered == 3);
    CHECK(d.count(0).put == 3);
    std::multiset<std::string> bodies;
    for (const request& r : there.requests()) bodies.insert(r.body);
    CHECK(bodies == std::multiset<std::string>{"child 0", "child 1", "parent 0", "parent 1", "parent 2"});
}

TEST_CASE("a child that has nothing to send stops at once, or just ends; and so does a grandchild") {
    receiver there(hangs());
    std::atomic<int> told{0};
    auto d = std::make_unique<exporter>(std::vector{hasty(there.url())}, delivery::observer{[&](const delivery::outcome&) { ++told; }, {}});
    REQUIRE(d->start().empty());
    REQUIRE(d->put(0, "x", 1));
    // Who waited would do so for longer than we do.
    CHECK(in_child([&] { return d->stop(in(2 * patience)).empty() ? 0 : 1; }) == 0);
    CHECK(in_child([&] { return d->flush(in(2 * patience)) ? 0 : 1; }) == 0);
    CHECK(in_child([&] { return d.reset(), told.load(); }) == 0);  // what the parent has is nothing that it would lose
    CHECK(in_child([&] {
              const int grandchild = in_child([&] { return d->put(0, "y", 1) && !d->stop(in(50ms)).empty() ? 0 : 1; });
              return d.reset(), grandchild;
          }) == 0);
    CHECK_FALSE(d->stop(in(10ms)).empty());
    CHECK(in_child([&] { return d->put(0, "after the end", 1) || !d->start().starts_with("was stopped") ? 1 : 0; }) == 0);
}

TEST_CASE("forks in the midst of exports: every child ends, and what it put arrives") {
    receiver there(answers(200));
    exporter d({hasty(there.url()), hasty(there.url("/v1/metrics"), "metrics")});
    REQUIRE(d.start().empty());
    std::atomic<bool> done{false};
    std::thread busy([&] {
        while (!done) static_cast<void>(d.count(0)), static_cast<void>(d.flush(in(1ms)));
    });
    constexpr int children = 40;
    int failed = 0;
    for (int i = 0; i < children; ++i) {
        for (std::size_t n = 0; n < 4; ++n) REQUIRE(d.put(n % 2, "parent", 1));
        failed += in_child([&] {
            return d.put(0, "child", 1) && (i % 2 ? d.flush(in(patience)) : d.stop(in(patience)).empty()) && d.count(0).delivered == 1 ? 0 : 1;
        });
    }
    done = true;
    busy.join();
    CHECK(failed == 0);
    CHECK(d.flush(in(patience)));
    std::size_t from_children = 0;
    for (const request& r : there.requests()) from_children += r.body == "child";
    CHECK(from_children == children);
    CHECK(d.count(0).delivered + d.count(1).delivered == children * 4);
}
