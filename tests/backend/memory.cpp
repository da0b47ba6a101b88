// The memory back end: keeps what it is given.
#include <apm/backend/memory.hpp>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "threads.hpp"

using namespace std::chrono_literals;

namespace {

APM_FIELDS(Path, (apm::text<>, path));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.memory"};

    counter<Path> hits{this, "hits", "Hits"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

void export_now(apm::memory& m) {
    apm::snapshot s = apm::collect();
    CHECK(m.export_metrics(s, {}).empty());
}
// What each kept snapshot says of a path.
std::vector<std::uint64_t> totals(const apm::memory& m, std::string_view path) {
    std::vector<std::uint64_t> result;
    m.each([&](const apm::snapshot& s) {
        std::uint64_t n = 0;
        for (const apm::family& f : s.families)
            for (const apm::series_view& x : f.series)
                x.labels([&](std::string_view, std::string_view value) { n += value == path ? x.total() : 0; });
        result.push_back(n);
    });
    return result;
}

}  // namespace

static_assert(apm::push_backend<apm::memory>);

TEST_CASE("it keeps who speaks, and snapshots that stay as they were") {
    apm::memory m({.interval = 5s});
    CHECK(m.name() == "memory");
    CHECK(m.interval() == 5s);
    CHECK(m.size() == 0);
    CHECK(m.start({{{"service.name", "shop"}}}).empty());
    CHECK(m.who().attributes == std::vector<std::pair<std::string, std::string>>{{"service.name", "shop"}});

    telemetry.hits.add<on>(1, {.path = "/a"});
    export_now(m);
    telemetry.hits.add<on>(2, {.path = "/a"});
    telemetry.hits.add<on>(1, {.path = "/b"});
    export_now(m);
    telemetry.hits.add<on>(4, {.path = "/a"});
    CHECK(m.size() == 2);
    CHECK(totals(m, "/a") == std::vector<std::uint64_t>{1, 3});
    CHECK(totals(m, "/b") == std::vector<std::uint64_t>{0, 1});
    CHECK(m.stop({}).empty());
    CHECK(m.size() == 2);  // to be looked at afterwards
}

TEST_CASE("the oldest goes first when there are too many") {
    for (const std::size_t keep : {0u, 1u, 3u}) {
        apm::memory m({.keep = keep});
        std::vector<std::uint64_t> last;
        for (std::uint64_t i = 1; i <= 5; ++i) {
            const std::string path = "/keep" + std::to_string(keep);
            telemetry.hits.add<on>(1, {.path = path});
            export_now(m);
            last.push_back(i);
            if (last.size() > keep) last.erase(last.begin());
            CHECK(totals(m, path) == last);
        }
        CHECK(m.size() == keep);
    }
}

TEST_CASE("it may be looked at while it is written to") {
    apm::memory m({.keep = 4});
    const meanwhile writes([&] {
        apm::snapshot s = apm::collect();
        static_cast<void>(m.export_metrics(s, {}));
    });
    for (int i = 0; i < 200; ++i) {
        const auto seen = totals(m, "/a");
        CHECK(seen.size() <= 4);
        CHECK(std::is_sorted(seen.begin(), seen.end()));
    }
}
