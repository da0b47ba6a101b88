// Two back ends at once, one that is told what came since the last time and one that is told what is, at different intervals and
// while threads record: both come to the same sums, which are those that were recorded.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "runtime/support.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Side, left, right)
APM_FIELDS(Where, (Side, side), (apm::text<>, text));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.two_readers"};

    counter<Where>     hits {this, "hits", "Hits"};
    updown<>           depth{this, "depth", "Depth"};
    histogram<Where, apm::seconds, apm::latency_buckets>
                       times{this, "times", "Times"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

// By family and series: the value, or a histogram's count.
using sums = std::map<std::string, std::int64_t>;

void add_up(const apm::snapshot& s, sums& to, bool deltas) {
    for (const apm::family& f : s.families) {
        if (std::string_view(f.schema->name) != "test.two_readers") continue;
        for (const apm::series_view& series : f.series) {
            std::string name = f.row->name;
            series.labels([&](std::string_view label, std::string_view value) {
                name.append(1, ' ').append(label).append(1, '=').append(value);
            });
            const auto value = f.row->kind == apm::kind::histogram ? static_cast<std::int64_t>(series.count()) : series.integer();
            if (deltas && f.row->kind != apm::kind::updown) to[name] += value;
            else to[name] = value;
        }
    }
}

struct cumulative_reader {
    sums now;
    std::atomic<std::uint64_t> reads = 0;

    std::string_view name() const { return "cumulative"; }
    std::chrono::milliseconds interval() const { return 3ms; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return {}; }
    apm::error export_metrics(apm::snapshot& s, apm::deadline) {
        const sums before = now;
        add_up(s, now, false);
        if (s.delta) return "a delta where none was asked for";
        ++reads;
        for (const auto& [name, value] : before)
            if (!name.starts_with("depth") && now[name] < value) return name + " went backwards";
        return {};
    }
};
struct delta_backend {
    apm::delta_reader reader;
    sums now;
    std::atomic<std::uint64_t> reads = 0;
    std::uint64_t last_time = 0;

    std::string_view name() const { return "delta"; }
    std::chrono::milliseconds interval() const { return 7ms; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return {}; }
    apm::snapshot collect() { return reader.collect(); }
    apm::error export_metrics(apm::snapshot& s, apm::deadline) {
        if (!s.delta) return "no delta";
        if (last_time && s.started != last_time) return "the intervals do not touch";
        last_time = s.time;
        ++reads;
        add_up(s, now, true);
        return {};
    }
};

}  // namespace

TEST_CASE("two readers, one of deltas, come to what was recorded") {
    const reported said;
    const environment e;
    cumulative_reader whole;
    delta_backend parts;
    constexpr unsigned rounds = 40'000;
    {
        apm::basic_runtime<on> runtime{{.metrics_exporter = "none", .traces_exporter = "none"}, whole, parts};
        in_threads(3, [&](std::size_t thread) {
            for (unsigned i = 0; i < rounds; ++i) {
                const Side side = i % 3 ? Side::left : Side::right;
                const std::string_view text = thread % 2 ? "odd" : "even";
                telemetry.hits.add<on>(1, {.side = side, .text = text});
                telemetry.times.record<on>(std::chrono::microseconds(i), {.side = side, .text = text});
                telemetry.depth.add<on>(i % 2 ? -1 : 2);
                if (i % 1024 == 0) std::this_thread::sleep_for(1ms);
                const unsigned n = i / 8192;  // both read in between, however slow they are
                if (i % 8192 == 0) static_cast<void>(soon([&] { return whole.reads >= n && parts.reads >= n / 2; }));
            }
        });
        CHECK(runtime.flush(patience));
    }
    CHECK(whole.reads > 3);
    CHECK(parts.reads > 2);
    CHECK(whole.now == parts.now);
    std::int64_t hits = 0, times = 0;
    for (const auto& [name, value] : parts.now) {
        if (name.starts_with("hits")) hits += value;
        if (name.starts_with("times")) times += value;
    }
    CHECK(hits == 3 * rounds);
    CHECK(times == 3 * rounds);
    CHECK(parts.now.at("depth") == 3 * rounds / 2);
    CHECK(said.take().empty());
}
