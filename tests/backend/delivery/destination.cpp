// ctest: LABELS serial
#include <apm/backend/delivery/destination.hpp>

#include <apm/backend/delivery/outcome.hpp>

#include <set>
#include <string_view>

#include "../../catch.hpp"

using namespace std::chrono_literals;
using namespace apm::detail::delivery;

TEST_CASE("a destination's defaults") {
    const destination d;
    CHECK(d.protocol == &plain_http);
    CHECK(d.encoding == 0);
    CHECK_FALSE(d.gzip);
    CHECK(d.timeout == 10s);
    CHECK(d.queue_bytes == 16 * 1024 * 1024);
    CHECK(d.queue_items == 0);
    CHECK_FALSE(d.drop_oldest);
    CHECK(d.max_elapsed_time == 5min);
    CHECK(d.initial_backoff == 1s);
    CHECK(d.max_backoff == 30s);
    CHECK(d.max_request_bytes == 64 * 1024 * 1024);
    CHECK(d.max_reply_bytes == 4 * 1024 * 1024);
    CHECK(d.spool_directory.empty());
    CHECK(d.spool_bytes == 256 * 1024 * 1024);
}

TEST_CASE("every cause of a loss has a name, and a tally of its own") {
    std::set<std::string_view> names;
    lost_items lost;
    for (std::size_t i = 0; i < losses; ++i) {
        names.insert(text_of(static_cast<loss>(i)));
        lost[static_cast<loss>(i)] += 1;
    }
    CHECK(names.size() == losses);
    CHECK_FALSE(names.contains(""));
    CHECK(lost.all() == losses);
}
