// Observed values: not counted while they change, but read by a callback at each collection.
#include <cstdio>
#include <deque>
#include <map>
#include <string>

#include <apm/apm.hpp>
#include <apm/testing.hpp>

APM_FIELDS(Peer, (apm::text<32>, peer));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "observe"};

    gauge<>       queued{this, "queue.length", "Jobs waiting"};
    gauge<Peer>   lag{this, "peer.lag", "Entries that a peer is behind", {.limit = 50}};
    updown<>      open{this, "files.open", "Files open"};
    counter<>     faults{this, "page.faults", "Page faults, as the kernel counts them"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void print() {
    const apm::snapshot now = apm::collect();
    for (const apm::family& family : now.families)
        for (const apm::series_view& series : family.series)
            std::printf("%s %g\n", apm::testing::name_of(family, series).c_str(), series.real());
    std::puts("--");
}

int main() {
    std::deque<int> queue{1, 2, 3};
    std::map<std::string, int> peers{{"berlin", 0}, {"lisbon", 12}};
    int files = 4;
    unsigned kernel_says = 100;

    // A callback runs in the thread that collects: here this one; with a runtime one of its own, so what it reads must then be safe
    // to read from there.
    const auto a = telemetry.queued.observe([&] { return queue.size(); });
    const auto b = telemetry.faults.observe([&] { return kernel_says; });  // a total so far: what is new of it is added
    {
        const auto c = telemetry.open.observe([&] { return files; });
        const auto d = telemetry.lag.observe([&] {  // returns nothing: sets as many series as there are
            for (const auto& [name, entries] : peers) telemetry.lag.set(entries, {.peer = name});
        });
        print();
    }  // from here on files are not asked for, and their share of the sum is gone

    queue.clear();
    kernel_says = 130;
    print();
}
