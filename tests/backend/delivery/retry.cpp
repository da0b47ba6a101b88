// ctest: LABELS serial
#include <apm/backend/delivery/retry.hpp>

#include <limits>
#include <set>
#include <string>

#include "../../catch.hpp"

using namespace std::chrono_literals;
using namespace apm::detail::delivery;
using std::chrono::milliseconds;

TEST_CASE("pauses grow by half, within a fifth of that, up to the longest") {
    std::set<std::int64_t> firsts;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        back_off b(1000ms, 5000ms, seed);
        double base = 1000;
        for (int i = 0; i < 12; ++i) {
            const auto pause = static_cast<double>(b.next().count());
            CHECK(pause >= base * 0.8 - 1);
            CHECK(pause <= std::min(base * 1.2 + 1, 5000.0));
            if (i == 0) firsts.insert(static_cast<std::int64_t>(pause));
            base = std::min(5000.0, base * 1.5 + 1);
        }
        b.reset();
        CHECK(b.next() <= 1200ms);
    }
    CHECK(firsts.size() > 100);  // they are random
}

TEST_CASE("absurd pauses do no harm") {
    for (const milliseconds first : {-5ms, 0ms, milliseconds::max(), milliseconds::min()})
        for (const milliseconds longest : {-5ms, 0ms, milliseconds::max(), milliseconds::min()}) {
            back_off b(first, longest);
            for (int i = 0; i < 100; ++i) {
                const milliseconds pause = b.next();
                CHECK(pause >= 1ms);
                CHECK(pause <= 1h);
            }
        }
}

TEST_CASE("a pause that was asked for is kept, and stretched by a tenth at most") {
    back_off b(1ms, 1ms);
    for (int i = 0; i < 100; ++i) {
        const milliseconds pause = b.stretched(1000ms);
        CHECK(pause >= 1000ms);
        CHECK(pause <= 1100ms);
    }
}

TEST_CASE("Retry-After is seconds or a date, and never more than the most") {
    const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
    const auto of = [now](std::string_view text) { return retry_after(text, 300s, now); };
    CHECK(of("1") == 1s);
    CHECK(of(" 120\t") == 120s);
    CHECK(of("300") == 300s);
    CHECK(of("301") == 300s);
    CHECK(of("1000000000000") == 300s);
    CHECK(of("99999999999999999999999999") == 300s);
    CHECK(of("9223372036854775807") == 300s);
    CHECK(of("Sun, 06 Nov 1994 08:49:47 GMT") == 10s);
    CHECK(of("Sunday, 06-Nov-94 08:50:37 GMT") == 60s);
    CHECK(of("Sun Nov  6 08:49:42 1994") == 5s);
    CHECK(of("Fri, 31 Dec 9999 23:59:59 GMT") == 300s);
    for (const char* none : {"", " ", "0", "-1", "-1000000000000", "1.5", "soon", "1 s", "Sun, 06 Nov 1994 08:49:37 GMT",
                             "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1969 00:00:00 GMT", "0x10", "+5", "\xff\xfe"})
        CHECK(of(none) == std::nullopt);
    CHECK(of(std::string(100'000, '9')) == std::nullopt);
    CHECK(retry_after("5", 0ms, now) == 0ms);
    CHECK(retry_after("5", -5ms, now) == 0ms);
    CHECK(retry_after("5", milliseconds::max(), now) == 5s);
}
