#include <apm/detail/gate.hpp>

#include <cstdint>

#include "catch.hpp"
#include "threads.hpp"

using namespace apm::detail;

TEST_CASE("the highest level is what was set, and stops what is above it") {
    for (int highest = 0; highest <= gate::every_level; ++highest) {
        const std::uint64_t bits = gate::up_to(highest);
        CHECK((bits & ~gate::level) == 0);
        CHECK(gate::highest_level(bits | gate::asks_children | gate::muted_by_runtime) == highest);
        int wrong = 0;
        for (int level = 0; level <= 255; ++level) wrong += gate::stops(bits, static_cast<std::uint8_t>(level)) != (level > highest);
        CHECK(wrong == 0);
    }
    CHECK(gate::up_to(gate::every_level) == 0);
    CHECK(gate::stops(gate::muted, 0));
}

TEST_CASE("two mute, and neither takes back what the other said") {
    std::uint64_t& bits = process_root().gate.bits;
    REQUIRE(bits == 0);
    mute(gate::muted_by_runtime, true);
    mute(gate::muted_by_control, true);
    CHECK(bits == (gate::muted | gate::muted_by_runtime | gate::muted_by_control));
    mute(gate::muted_by_runtime, false);
    CHECK(bits == (gate::muted | gate::muted_by_control));
    mute(gate::muted_by_control, false);
    CHECK(bits == 0);
}

TEST_CASE("changes at once are all there") {
    in_threads(3, [](std::size_t thread) {
        for (std::size_t i = 0; i < repeat(100'000); ++i) {
            if (thread == 0) set_gate(process_root(), gate::level, gate::up_to(static_cast<int>(i % 200)));
            else mute(thread == 1 ? gate::muted_by_runtime : gate::muted_by_control, i % 2 == 0);
        }
    });
    const std::uint64_t bits = process_root().gate.load();
    CHECK(gate::highest_level(bits) == static_cast<int>((repeat(100'000) - 1) % 200));
    CHECK((bits & ~gate::level) == 0);
    set_gate(process_root(), gate::level, 0);
}
