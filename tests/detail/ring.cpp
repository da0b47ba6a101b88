#include <apm/detail/ring.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/mman.h>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace apm::detail;

// A ring of its own, with a root of its own: nothing else in the process sees it.
struct ring_of {
    root process{};
    ring x{};

    explicit ring_of(std::uint64_t bytes = 0) {
        process.ring_bytes.store(bytes);
        REQUIRE(map_ring(process, x) != nullptr);
    }
    ~ring_of() { munmap(x.memory.pointer<char>(), x.mask.load() + 1); }

    [[nodiscard]] std::uint64_t bytes() const { return x.mask.load() + 1; }

    // A record of that size, all of its bytes made from `number`. False where it was rejected.
    bool write(std::uint32_t size, std::uint32_t number) {
        std::uint64_t head;
        char* const to = reserve(x, size, head);
        if (!to) return false;
        if (reinterpret_cast<std::uintptr_t>(to) % 8) FAIL("no place for numbers");
        std::memcpy(to, &size, 4);
        std::memcpy(to + 4, &number, 4);
        std::memset(to + 8, static_cast<int>(number * 37 & 0xff), size - 8);
        publish(x, head);
        return true;
    }
    struct record {
        std::uint32_t size, number;
        bool intact;
        friend bool operator==(const record&, const record&) = default;
    };
    std::vector<record> read(std::size_t most = ~std::size_t{0}) {
        std::vector<record> all;
        read_records(x, x.head.load_acquire(), [&](const char* at, std::uint32_t size) {
            if (all.size() == most) return false;
            std::uint32_t number;
            std::memcpy(&number, at + 4, 4);
            bool intact = true;
            for (std::uint32_t i = 8; i < size; ++i) intact = intact && static_cast<unsigned char>(at[i]) == (number * 37 & 0xff);
            all.push_back({size, number, intact});
            return true;
        });
        return all;
    }
};

}  // namespace

TEST_CASE("a ring is filled to its last byte, and then rejects the newest") {
    ring_of r;
    REQUIRE(r.bytes() == ring::default_bytes);
    const auto fits = static_cast<std::uint32_t>(r.bytes() / 64);
    for (std::uint32_t i = 0; i < fits; ++i) REQUIRE(r.write(64, i));
    CHECK_FALSE(r.write(64, fits));
    CHECK_FALSE(r.write(8, fits));
    const auto first = r.read(1);  // room for exactly one
    REQUIRE(first == std::vector<ring_of::record>{{64, 0, true}});
    CHECK(r.write(64, 1000));
    CHECK_FALSE(r.write(8, 1001));
    const auto all = r.read();
    REQUIRE(all.size() == fits);
    for (std::uint32_t i = 0; i + 1 < fits; ++i) REQUIRE(all[i] == ring_of::record{64, i + 1, true});
    CHECK(all.back() == ring_of::record{64, 1000, true});
    CHECK(r.read().empty());
}

TEST_CASE("records of every size come through the end of a ring whole, wherever they begin") {
    ring_of r;
    std::uint32_t number = 0;
    for (std::uint32_t rest = 8; rest <= 256; rest += 8)           // so much is left before the end: the filler, from 8 bytes on
        for (std::uint32_t size = 8; size <= ring::longest; size = size < 300 ? size + 8 : size * 2 & ~7u) {
            while ((r.x.head.load() & r.x.mask.load()) != r.bytes() - rest) {
                const auto to_go = (r.bytes() - rest - r.x.head.load()) & r.x.mask.load();
                REQUIRE(r.write(static_cast<std::uint32_t>(to_go < 8192 ? to_go : 8192), 7));
                r.read();
            }
            REQUIRE(r.write(size, ++number));
            REQUIRE(r.write(16, number + 1));
            const auto got = r.read();
            REQUIRE(got == std::vector<ring_of::record>{{size, number, true}, {16, number + 1, true}});
        }
    CHECK(number > 1000);
}

TEST_CASE("the longest record always finds a place in an empty ring") {
    ring_of r;
    const auto apart = repeat(1000) == 1000 ? 8u : 1016u;  // under a sanitizer, seldom
    for (std::uint32_t at = 0; at < r.bytes(); at += apart) {
        REQUIRE(r.write(ring::longest, at));
        REQUIRE(r.read() == std::vector<ring_of::record>{{ring::longest, at, true}});
        while ((r.x.head.load() & r.x.mask.load()) != ((at + apart) & r.x.mask.load())) {
            const auto to_go = (at + apart - r.x.head.load()) & r.x.mask.load();
            REQUIRE(r.write(static_cast<std::uint32_t>(to_go < 8192 ? to_go : 8192), 1));
            r.read();
        }
    }
}

TEST_CASE("what the reader declines stays") {
    ring_of r;
    for (std::uint32_t i = 0; i < 5; ++i) r.write(24, i);
    CHECK(r.read(2).size() == 2);
    CHECK(r.read(0).empty());
    const auto rest = r.read();
    REQUIRE(rest.size() == 3);
    CHECK(rest[0].number == 2);
}

TEST_CASE("that a ring is half full is said once until it is taken back") {
    ring_of r;
    const auto write = [&](std::uint32_t n) {
        int said = 0;
        for (std::uint32_t i = 0; i < n; ++i)
            if (r.write(64, i)) said += half_full(r.x, r.x.head.load()) ? 1 : 0;
        return said;
    };
    const auto half = static_cast<std::uint32_t>(r.bytes() / 2 / 64);
    CHECK(write(half - 1) == 0);
    CHECK(write(1) == 1);
    CHECK(write(half) == 0);
    r.x.said.store(0);
    r.read();
    CHECK(write(half - 1) == 0);
    CHECK(write(1) == 1);
    CHECK(write(1) == 0);
}

TEST_CASE("all rings together stay within their limit, however many ask at once") {
    root process{};
    process.ring_limit.store(10 * ring::default_bytes + 100);
    std::vector<ring> rings(64);
    for (int turn = 0; turn < 20; ++turn) {
        std::atomic<int> made{0};
        for (ring& x : rings) x = {};
        in_threads(4, [&](std::size_t thread) {
            for (std::size_t i = thread; i < rings.size(); i += 4) made += map_ring(process, rings[i]) ? 1 : 0;
        });
        CHECK(made == 10);
        CHECK(process.ring_held.load() == 10 * ring::default_bytes);
        for (ring& x : rings)
            if (x.memory.load()) munmap(x.memory.pointer<char>(), x.mask.load() + 1), process.ring_held.add(-ring::default_bytes);
    }
}

TEST_CASE("a writer and a reader at once: what was not rejected arrives, in order and whole") {
    ring_of r(64 * 1024);
    const auto total = static_cast<std::uint32_t>(repeat(2'000'000));
    std::uint32_t next = 0;
    std::uint64_t read = 0, written = 0;
    bool in_order = true, intact = true;
    {
        meanwhile reading([&] {
            for (const auto& record : r.read()) {
                in_order = in_order && record.number >= next;
                intact = intact && record.intact;
                next = record.number + 1;
                ++read;
            }
        });
        for (std::uint32_t i = 0; i < total; ++i) written += r.write(8 + (i * 2654435761u >> 20 & 0x1f8), i) ? 1u : 0u;
    }
    read += r.read().size();
    CHECK(in_order);
    CHECK(intact);
    CHECK(read == written);
    CHECK(written > 0);
}
