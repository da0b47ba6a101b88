// What the library says about itself.
#include <apm/runtime/self.hpp>

#include <cmath>
#include <optional>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "threads.hpp"

namespace {

APM_FIELDS(Path, (apm::text<>, path));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.self"};

    counter<>     hits {this, "hits", "Hits"};
    counter<Path> paths{this, "paths", "Paths", {.limit = 2}};
    gauge<apm::no_labels, apm::ratio> share{this, "share", "Share"};
    counter<apm::no_labels, apm::money<"EUR">> paid{this, "paid", "Paid"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;  // whatever this build does otherwise

// Of a row without labels. The first collection may itself take a block for the library's rows: the second one says so.
std::int64_t says(std::string_view name) {
    static_cast<void>(apm::collect());
    const apm::snapshot now = apm::collect();
    for (const apm::family& f : now.families)
        if (f.row->name == name) return f.row->kind == apm::kind::histogram ? static_cast<std::int64_t>(f.series.at(0).count())
                                                                            : f.series.at(0).integer();
    return -1;
}

}  // namespace

TEST_CASE("records that overflowed and values that were rejected are counted") {
    const apm::detail::self_observation self;
    const auto overflowed = says("apm.records.overflowed"), rejected = says("apm.records.rejected");
    for (const char* path : {"a", "b", "c", "d", "c"}) telemetry.paths.add<on>(1, {.path = path});
    telemetry.paid.add<on>(-1.0);
    telemetry.paid.add<on>(std::nan(""));
    telemetry.paid.add<on>(INFINITY);
    CHECK(says("apm.records.overflowed") == overflowed + 3);
    CHECK(says("apm.records.rejected") == rejected + 3);
}

TEST_CASE("one block per thread alive at once and schema") {
    const apm::detail::self_observation self;
    telemetry.hits.add<on>(1);
    const auto blocks = says("apm.blocks"), memory = says("apm.memory");
    CHECK(blocks >= 2);  // this thread's of this schema and of the library's own
    CHECK(memory >= blocks * 64);

    std::atomic<int> ready{0};
    in_threads(3, [&](std::size_t) {
        telemetry.hits.add<on>(1);
        for (++ready; ready < 3;) std::this_thread::yield();
    });
    CHECK(says("apm.blocks") == blocks + 3);
    CHECK(says("apm.memory") > memory);
    in_threads(1, [](std::size_t) { telemetry.hits.add<on>(1); });  // adopts what another has left
    CHECK(says("apm.blocks") == blocks + 3);
}

TEST_CASE("records into a shared block are counted, for want of memory") {
    const apm::detail::self_observation self;
    const auto shared = says("apm.records.shared"), errors = says("apm.errors");
    apm::detail::root& process = apm::detail::process_root();
    process.handler.publish(reinterpret_cast<const void*>(+[](const char*) {}));
    process.thread_bytes.store(1);
    const auto count = static_cast<int>(says("apm.blocks")) + 2;  // two more threads than there can be blocks to adopt
    std::atomic<int> ready{0};
    in_threads(static_cast<std::size_t>(count), [&](std::size_t) {
        telemetry.hits.add<on>(1);
        for (++ready; ready < count;) std::this_thread::yield();
    });
    process.thread_bytes.store(0);
    process.handler.publish(nullptr);
    CHECK(says("apm.records.shared") >= shared + 2);
    CHECK(says("apm.errors") == errors + 1);  // said once
}

TEST_CASE("collections are timed") {
    const apm::detail::self_observation self;
    const auto timed = says("otel.sdk.metric_reader.collection.duration");
    CHECK(says("otel.sdk.metric_reader.collection.duration") == timed + 2);
}

TEST_CASE("a second observation counts nothing twice") {
    std::optional<apm::detail::self_observation> self(std::in_place);
    telemetry.paths.add<on>(1, {.path = "one more that overflows"});
    const auto overflowed = says("apm.records.overflowed"), blocks = says("apm.blocks"), memory = says("apm.memory");
    CHECK(overflowed > 0);
    self.reset();
    self.emplace();
    CHECK(says("apm.records.overflowed") == overflowed);
    CHECK(says("apm.blocks") == blocks);
    CHECK(says("apm.memory") == memory);
}

TEST_CASE("in a forked child the counts begin anew, what is held is still held") {
    const apm::detail::self_observation self;
    telemetry.paths.add<on>(1, {.path = "one more that overflows"});
    const auto blocks = says("apm.blocks");
    const pid_t child = fork();
    if (child == 0) {
        const bool right = says("apm.records.overflowed") == 0 && says("apm.blocks") == blocks && says("apm.errors") == 0;
        telemetry.paths.add<on>(1, {.path = "one more that overflows"});
        _exit(right && says("apm.records.overflowed") == 1 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
