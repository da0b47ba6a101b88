// Traces from static constructors of two files, linked in either order, and before those; drains there, too.
// WITH span_before_main.inc
#include "span_scar.hpp"

using scar::traced;

static std::uint64_t early = 0;

[[gnu::constructor(101)]] static void very_early() {
    { const auto s = traced.step.scope({.n = 1, .text = "early"}); }
    early = scar::drain();
}

static const struct here {
    here() { const auto s = traced.step.scope({.n = 4, .text = "here"}); }
} constructed;

extern int in_the_other_file;

int main() {
    { const auto s = traced.step.scope({.n = 8, .text = "main"}); }
    std::uint64_t sum = 0;
    const std::uint64_t drained = scar::drain([&](const apm::span_view& s) {
        sum += scar::number_of(s);
        scar::require(s.parent() == 0, "a root", s.parent());
        scar::require(s.end() >= s.start() && s.start() > 1'500'000'000'000'000'000, "a time of day", s.start());
    });
    scar::require(early == 1, "drained in a constructor", early);
    scar::require(drained == 3 && sum == 2 + 4 + 8, "what constructors and main traced", sum);
    scar::require(in_the_other_file == 1, "the other file was constructed");
    scar::require_conserved();
}
