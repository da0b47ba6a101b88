// A back end of one's own: a class with five functions, handed to the runtime.
#include <chrono>
#include <cstdio>
#include <string>

#include <apm/runtime.hpp>
#include <apm/testing.hpp>

BOOST_DEFINE_ENUM_CLASS(Queue, mail, print)
APM_FIELDS(Job, (Queue, queue));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "jobs"};
    counter<Job> done{this, "jobs.done", "Jobs done"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// Prints every counter, as a wire format of one's own might want it. The runtime calls it from one thread at a time.
class Printer {
public:
    std::string_view name() const { return "printer"; }
    std::chrono::milliseconds interval() const { return std::chrono::seconds(10); }

    apm::error start(const apm::resource& who) {
        std::printf("hello from %s\n", apm::text_of(who.attributes.front().second).c_str());
        return {};  // or one line that says what failed: then this back end is not used, and the program runs on
    }
    apm::error export_metrics(apm::snapshot& now, apm::deadline) {
        for (const apm::family& family : now.families)
            for (const apm::series_view& series : family.series)
                if (std::string_view(family.schema->name) == "jobs")
                    std::printf("  %s:%llu|c\n", apm::testing::name_of(family, series).c_str(),
                                static_cast<unsigned long long>(series.total()));
        return {};
    }
    apm::error stop(apm::deadline) { return std::puts("goodbye"), apm::error{}; }
};
static_assert(apm::push_backend<Printer>);

int main() {
    Printer printer;  // must outlive the runtime
    apm::runtime apm{{.service = {.name = "jobs"}, .metrics_exporter = "none"}, printer};
    telemetry.done.add(2, {.queue = Queue::mail});
    apm.flush(std::chrono::seconds(1));  // not needed: it happens every 10 s, and at the end
    telemetry.done.add(1, {.queue = Queue::print});
}
