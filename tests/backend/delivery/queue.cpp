// ctest: LABELS serial
#include <apm/backend/delivery/queue.hpp>

#include <vector>

#include "../../catch.hpp"

using namespace apm::detail::delivery;

namespace {

destination bounded(std::uint64_t bytes, std::uint64_t items, bool drop_oldest, std::uint64_t disk = 0) {
    destination d;
    d.queue_bytes = bytes, d.queue_items = items, d.drop_oldest = drop_oldest, d.spool_bytes = disk;
    return d;
}
batch of(std::uint64_t size, std::uint64_t items, std::uint64_t number, bool on_disk = false) {
    batch b;
    b.size = size, b.items = items, b.number = number;
    if (on_disk) b.file = "file";
    return b;
}
// Whether it went in; the numbers of those that went for it.
std::pair<bool, std::vector<std::uint64_t>> offer(batch_queue& q, const batch& b) {
    batches gone, one{b};
    const bool room = q.make_room(b, b.on_disk(), gone);
    if (room) q.push(one);
    std::vector<std::uint64_t> numbers;
    for (const batch& g : gone) numbers.push_back(g.number);
    return {room, numbers};
}
using numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("bytes bound what waits: what comes is refused, or the oldest go for it") {
    batch_queue refusing(bounded(1000, 0, false)), newest(bounded(1000, 0, true));
    for (std::uint64_t i = 1; i <= 2; ++i)
        for (batch_queue* q : {&refusing, &newest}) CHECK(offer(*q, of(500, i, i)) == std::pair(true, numbers{}));
    CHECK(offer(refusing, of(500, 9, 3)) == std::pair(false, numbers{}));
    CHECK(offer(newest, of(500, 9, 3)) == std::pair(true, numbers{1}));
    CHECK(offer(newest, of(1000, 1, 4)) == std::pair(true, numbers{2, 3}));
    CHECK(offer(newest, of(1001, 1, 5)) == std::pair(false, numbers{}));  // none goes for what cannot fit
    CHECK(refusing.items() == 3);
    CHECK(newest.items() == 1);
}

TEST_CASE("items bound it as well, and even an empty batch takes room") {
    batch_queue items(bounded(1 << 20, 10, false)), bytes(bounded(1024, 0, false));
    CHECK(offer(items, of(1, 10, 1)).first);
    CHECK_FALSE(offer(items, of(1, 1, 2)).first);
    CHECK(offer(items, of(1, 0, 3)).first);
    for (std::uint64_t i = 0; i < 4; ++i) CHECK(offer(bytes, of(0, 1, i)).first);
    CHECK_FALSE(offer(bytes, of(0, 1, 5)).first);
}

TEST_CASE("the order is that in which they came; what is given back is first, what is turned round last") {
    batch_queue q(bounded(1 << 20, 0, false));
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK(offer(q, of(1, i, i)).first);
    batches flight;
    q.take_front(flight);
    CHECK(flight.front().number == 1);
    CHECK(q.items() == 5);
    CHECK_FALSE(q.has_until(1));
    CHECK(q.has_until(2));
    q.push_front(flight);
    CHECK(q.front().number == 1);
    CHECK(q.items() == 6);
    q.rotate();
    CHECK(q.front().number == 2);
    CHECK(q.has_until(1));
    while (!q.empty()) q.take_front(flight);
    CHECK(flight.back().number == 1);
    CHECK(q.items() == 0);
}

TEST_CASE("disk and memory have bounds of their own") {
    batch_queue q(bounded(1000, 0, true, 600));
    CHECK(offer(q, of(600, 1, 1)).first);
    CHECK(offer(q, of(600, 2, 2, true)).first);
    CHECK(offer(q, of(300, 4, 3, true)) == std::pair(true, numbers{2}));
    CHECK(offer(q, of(500, 8, 4)) == std::pair(true, numbers{1}));
    CHECK(offer(q, of(601, 1, 5, true)) == std::pair(false, numbers{}));
    batches memory;
    q.take_memory(memory);
    CHECK(memory.size() == 1);
    CHECK(memory.front().number == 4);
    CHECK(q.items() == 4);
}
