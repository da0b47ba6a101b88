// ctest: LABELS serial
#include <apm/detail/utf8.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using apm::detail::utf8_repair;
using apm::detail::utf8_sequence;
using apm::detail::utf8_valid;

std::string encode(std::uint32_t c) {
    const auto byte = [](std::uint32_t b) { return static_cast<char>(static_cast<unsigned char>(b)); };
    if (c < 0x80) return {byte(c)};
    if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
    if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
    return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

// Another way to say it: a sequence is well formed if decoding it and encoding the result gives the same bytes back.
std::size_t sequence_by_round_trip(std::string_view s) {
    for (std::size_t n = 1; n <= 4 && n <= s.size(); ++n) {
        const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i])); };
        std::uint32_t c = n == 1 ? at(0) : at(0) & (0xffu >> (n + 1));
        for (std::size_t i = 1; i < n; ++i) c = c << 6 | (at(i) & 0x3f);
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) continue;
        if (encode(c) == s.substr(0, n)) return n;
    }
    return 0;
}

std::string repaired(std::string_view s) {
    std::string out(3 * s.size(), '?');
    out.resize(utf8_repair(s.data(), s.size(), out.data()));
    return out;
}

}  // namespace

TEST_CASE("every code point but the surrogates is one sequence") {
    std::size_t wrong = 0;
    for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
        const std::string s = encode(c);
        const bool surrogate = c >= 0xd800 && c <= 0xdfff;
        wrong += utf8_sequence(s.data(), s.size()) != (surrogate ? 0 : s.size());
    }
    CHECK(wrong == 0);
}

TEST_CASE("any bytes are a sequence exactly if they survive decoding and encoding") {
    std::size_t wrong = 0;
    const auto compare = [&](std::string_view s) { wrong += utf8_sequence(s.data(), s.size()) != sequence_by_round_trip(s); };
    // Around the edges of what each byte may be.
    constexpr unsigned char edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
                                       0xe0, 0xec, 0xed, 0xef, 0xf0, 0xf3, 0xf4, 0xf5, 0xff};
    const int step = repeat(100) == 100 ? 1 : 7;
    for (int first = 0; first < 256; ++first) {
        char s[] = {static_cast<char>(first), 0, 0, 0};
        compare({s, 1});
        for (int second = 0; second < 256; second += step) {
            s[1] = static_cast<char>(second);
            compare({s, 2});
            for (const unsigned char third : edges) {
                s[2] = static_cast<char>(third);
                compare({s, 3});
                for (const unsigned char fourth : edges) {
                    s[3] = static_cast<char>(fourth);
                    compare({s, 4});
                    if (first < 0xe0) break;  // at most two bytes of these count
                }
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a sequence that is cut off is not read beyond its end") {
    for (const std::uint32_t c : {0xe9u, 0x20acu, 0x1f600u}) {
        const std::string whole = encode(c);
        for (std::size_t n = 1; n < whole.size(); ++n) {
            const std::string cut = whole.substr(0, n);  // on the heap: AddressSanitizer watches its end
            CHECK(utf8_sequence(cut.data(), cut.size()) == 0);
            CHECK_FALSE(utf8_valid(cut.data(), cut.size()));
        }
    }
}

TEST_CASE("well-formed text is left as it is") {
    for (const std::string_view s : {"", "plain", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80", "a\0b"}) {
        CHECK(utf8_valid(s.data(), s.size()));
        CHECK(repaired(s) == s);
    }
}

TEST_CASE("each byte that belongs to no sequence becomes U+FFFD") {
    CHECK(repaired("a\xff" "b") == "a\xef\xbf\xbd" "b");
    CHECK(repaired("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                          // overlong '/'
    CHECK(repaired("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");          // a surrogate
    CHECK(repaired("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");                          // cut off
    CHECK(repaired("\xe2\x82" "x\xe2\x82\xac") == "\xef\xbf\xbd\xef\xbf\xbd" "x\xe2\x82\xac");
    CHECK(repaired("\xf4\x90\x80\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // above U+10FFFF
}

TEST_CASE("what was repaired is well formed, and repairing it again changes nothing") {
    std::uint32_t random = 1;
    for (int round = 0; round < 2000; ++round) {
        std::string s;
        for (int i = 0; i < 40; ++i) {
            random = random * 1664525u + 1013904223u;
            s += static_cast<char>(random >> 24);
        }
        const std::string once = repaired(s);
        REQUIRE(utf8_valid(once.data(), once.size()));
        REQUIRE(repaired(once) == once);
    }
}
