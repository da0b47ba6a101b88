#include <apm/detail/random.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace apm::detail;

}  // namespace

TEST_CASE("a million numbers of each of eight threads are all different, and none is zero") {
    const std::size_t each = repeat(1'000'000);
    std::vector<std::uint64_t> all(8 * each);
    in_threads(8, [&](std::size_t thread) {
        std::uint64_t state = random_seed();
        for (std::size_t i = 0; i < each; ++i) all[thread * each + i] = next_random(state);
    });
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(all.front() != 0);
}

TEST_CASE("every bit is as often one as zero") {
    constexpr int n = 100'000;
    std::uint64_t state = 1;  // a poor seed
    int ones[64] = {}, follows[64] = {};
    std::uint64_t before = 0;
    for (int i = 0; i < n; ++i) {
        const std::uint64_t x = next_random(state);
        for (int bit = 0; bit < 64; ++bit) {
            ones[bit] += static_cast<int>(x >> bit & 1);
            follows[bit] += static_cast<int>((x ^ before) >> bit & 1);
        }
        before = x;
    }
    for (int bit = 0; bit < 64; ++bit) {  // sigma is 158
        CHECK(std::abs(ones[bit] - n / 2) < 900);
        CHECK(std::abs(follows[bit] - n / 2) < 900);
    }
}

TEST_CASE("the number that means none is not given out") {
    std::uint64_t state = 0u - 0x9e3779b97f4a7c15u;  // the state that leads to zero
    CHECK(next_random(state) == 1);
    CHECK(state == 0);
}

TEST_CASE("seeds differ between calls and between parent and child") {
    std::set<std::uint64_t> seeds;
    for (int i = 0; i < 1000; ++i) seeds.insert(random_seed());
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    for (int i = 0; i < 20; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            const std::uint64_t seed = random_seed();
            _exit(write(ends[1], &seed, sizeof seed) != sizeof seed);
        }
        std::uint64_t seed = 0;
        REQUIRE(read(ends[0], &seed, sizeof seed) == sizeof seed);
        seeds.insert(seed);
        waitpid(child, nullptr, 0);
    }
    close(ends[0]), close(ends[1]);
    CHECK(seeds.size() == 1020);
}
