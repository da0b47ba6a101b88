// Handles: a series that is looked up once. For hot loops over rows of open text, whose labels cost a hash and a look-up.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <apm/apm.hpp>
#include <apm/testing.hpp>

APM_FIELDS(Topic, (apm::text<64>, topic));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "handles"};

    counter<Topic> messages{this, "messages", "Messages consumed", {.limit = 500}};
};
constexpr auto& telemetry = apm::instruments<Schema>;

int main() {
    const apm::testing::probe probe;
    const std::string topic = "orders";
    const auto consumed = telemetry.messages.with({.topic = topic});  // a value: to keep, to copy, for every thread

    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([consumed] {
            for (int i = 0; i < 250'000; ++i) consumed.add(1);  // an addition to memory that only this thread writes
        });
    for (std::thread& t : threads) t.join();

    for (const std::string& change : probe.changes()) std::puts(change.c_str());  // none was lost
}
