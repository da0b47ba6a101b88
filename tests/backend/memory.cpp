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
    span<Path>    serve{this, "serve", "A request"};
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

void serve(std::string_view path) { static_cast<void>(telemetry.serve.scope<on>({.path = path})); }
void export_spans_now(apm::memory& m) { CHECK(m.export_spans(apm::drain_spans(), {}).empty()); }
std::vector<std::string> paths(const apm::memory& m) {
    std::vector<std::string> result;
    m.each_span([&](const apm::span_data& s) { result.push_back(s.attribute<std::string>("path").value_or("none")); });
    return result;
}

}  // namespace

static_assert(apm::push_backend<apm::memory>);
static_assert(apm::span_backend<apm::memory>);

TEST_CASE("it keeps who speaks, and snapshots that stay as they were") {
    apm::memory m({.interval = 5s});
    CHECK(m.name() == "memory");
    CHECK(m.interval() == 5s);
    CHECK(m.size() == 0);
    CHECK(m.start({{{"service.name", "shop"}}}).empty());
    CHECK(m.who().attributes == std::vector<std::pair<std::string, apm::resource_value>>{{"service.name", "shop"}});

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

TEST_CASE("it keeps spans, as they were") {
    apm::drain_spans();
    apm::memory m;
    serve("/a");
    CHECK(m.spans().empty());
    export_spans_now(m);
    serve("/b");
    serve("/c");
    export_spans_now(m);
    export_spans_now(m);
    CHECK(paths(m) == std::vector<std::string>{"/a", "/b", "/c"});
    const auto copies = m.spans();
    CHECK(m.forgotten() == 0);
    m.clear_spans();
    CHECK(m.spans().empty());
    CHECK(m.forgotten() == 0);
    REQUIRE(copies.size() == 3);
    CHECK(copies[2].name == "serve");
    CHECK(copies[2].attribute<std::string>("path") == "/c");
    CHECK(m.size() == 0);  // of snapshots
}

TEST_CASE("the oldest spans go first, and are counted") {
    for (const std::size_t keep : {0u, 1u, 3u}) {
        for (const int at_once : {1, 5}) {
            apm::drain_spans();
            apm::memory m({.keep_spans = keep});
            std::vector<std::string> last;
            for (int i = 1; i <= 10; ++i) {
                serve("/" + std::to_string(i));
                last.push_back("/" + std::to_string(i));
                if (last.size() > keep) last.erase(last.begin());
                if (i % at_once == 0) export_spans_now(m);
            }
            CHECK(paths(m) == last);
            CHECK(m.forgotten() == 10 - keep);
        }
    }
    const apm::memory_options usual;
    CHECK(usual.keep_spans == 4096);
}

TEST_CASE("spans may be looked at while they are written") {
    apm::memory m({.keep_spans = 8});
    const meanwhile writes([&] {
        serve("/busy");
        static_cast<void>(m.export_spans(apm::drain_spans(), {}));
    });
    for (int i = 0; i < 200; ++i) {
        CHECK(m.spans().size() <= 8);
        for (const std::string& path : paths(m)) CHECK((path == "/busy"));
        if (i % 50 == 0) m.clear_spans();
    }
}
