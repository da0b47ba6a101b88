// Durations: rows in a unit of time take std::chrono and nothing else, and keep nanoseconds.
#include <chrono>
#include <cstdio>
#include <thread>

#include <apm/apm.hpp>
#include <apm/backend/quantile.hpp>

struct fine_buckets {  // bounds in the row's unit; +Inf is always there
    static constexpr auto bounds = apm::linear_bounds<20>(1, 1);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "durations"};

    histogram<apm::no_labels, apm::seconds, apm::latency_buckets>  request{this, "request.duration", "Time to answer"};
    histogram<apm::no_labels, apm::milliseconds, fine_buckets>     query{this, "query.duration", "Time to ask the database"};
    counter<apm::no_labels, apm::seconds>                          busy{this, "worker.busy", "Time that workers worked"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

int main() {
    using namespace std::chrono_literals;
    for (int i = 1; i <= 100; ++i) telemetry.query.record(i * 100us);  // any duration, whatever the row's unit
    telemetry.busy.add(1500ms);
    // telemetry.query.record(12) does not compile: twelve what?

    for (int i = 0; i < 3; ++i) {
        APM_TIME(telemetry.request);  // until the end of this scope, by the monotonic clock
        std::this_thread::sleep_for(1ms);
    }
    auto timer = telemetry.request.time();
    timer.cancel();  // what failed at once is no answer; stop() would record now

    const apm::snapshot now = apm::collect();
    for (const apm::family& family : now.families)
        for (const apm::series_view& series : family.series) {
            std::printf("%s: ", family.row->name);
            if (family.row == &telemetry.busy) std::printf("%g s\n", series.real());
            if (family.row == &telemetry.request) std::printf("%d times\n", static_cast<int>(series.count()));
            if (family.row == &telemetry.query)
                std::printf("%d times, %g ms in all, 95 %% within %g ms\n", static_cast<int>(series.count()), series.sum(),
                            apm::quantile(*family.row, series, 0.95).value);
        }
}
