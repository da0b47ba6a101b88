// How much memory does it take? Prints one line, of what each thread or series adds: bytes that the store says it holds, bytes
// that the allocator gave out, bytes resident. One case a process (its argument), so that no case finds another's memory warm.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/spans.hpp>

#include "large.hpp"
#include "prometheus_cpp.hpp"

namespace {

APM_FIELDS(Route, (apm::text<64>, route));
struct Text : apm::schema<Text> {
    static constexpr apm::scope scope{.name = "text"};
    counter<Route> routes{this, "memory.routes", "An open label", {.limit = 10'000}};
    histogram<Route, apm::seconds, apm::latency_buckets>
                   durations{this, "memory.durations", "An open label, 14 bounds", {.limit = 10'000}};
    span<> step{this, "memory.step", "No attributes"};
};
constexpr auto& text = apm::instruments<Text>;

constexpr std::size_t threads = 64, series = 10'000, spans_that_fill_a_ring = 8'192;

std::string route(std::size_t n) { return "/api/v1/items/" + std::to_string(n); }

struct bytes {
    double own, allocated, resident;
};

double resident() {  // exact, unlike statm, of which each core keeps a part to itself
    static char page[4096];
    const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    const ssize_t got = file < 0 ? 0 : read(file, page, sizeof page - 1);
    if (file >= 0) close(file);
    page[got > 0 ? got : 0] = 0;
    const char* const at = strstr(page, "\nRss:");
    return at ? strtod(at + 5, nullptr) * 1024 : 0;
}

bytes held() {
    const auto all = mallinfo2();
    const auto own = apm::detail::process_root().bytes.load();
    return {static_cast<double>(own), static_cast<double>(all.uordblks + all.hblkhd), resident()};
}

void print(const bytes& before, const bytes& after, std::size_t count) {
    const double n = static_cast<double>(count);
    std::printf("%.17g %.17g %.17g\n", (after.own - before.own) / n, (after.allocated - before.allocated) / n,
                (after.resident - before.resident) / n);
}

template <class F>
void all_series(F&& record) {
    const bytes before = held();
    for (std::size_t n = 0; n < series; ++n) record(n);
    print(before, held(), series);
}

// What f() adds to a thread that was alive before and is alive after, beyond what it adds to the first thread of the process.
template <class F>
void each_thread(F&& f) {
    f();
    std::atomic<std::size_t> ready{0}, done{0};
    std::atomic<bool> go{false}, end{false};
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < threads; ++i)
        all.emplace_back([&] {
            ready.fetch_add(1);
            go.wait(false);
            f();
            done.fetch_add(1);
            end.wait(false);
        });
    const auto until = [](const std::atomic<std::size_t>& count) {
        while (count.load() < threads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    until(ready);
    const bytes before = held();
    go = true;
    go.notify_all();
    until(done);
    print(before, held(), threads);
    end = true;
    end.notify_all();
    for (std::thread& thread : all) thread.join();
}

void spans(std::size_t count) {
    for (std::size_t n = 0; n < count; ++n) {
        TRACE_SCOPE(text.step);
    }
}

#if BENCH_PROMETHEUS_CPP
void prometheus_counters() {
    all_series([](std::size_t n) { bench::orders().Add({{"route", route(n)}}).Increment(); });
}
void prometheus_histograms() {
    static auto& family = prometheus::BuildHistogram().Name("durations").Help("Durations").Register(bench::registry());
    all_series([&](std::size_t n) { family.Add({{"route", route(n)}}, bench::latency_bounds).Observe(0.001); });
}
#endif

const struct {
    const char* name;
    void (*measure)();
} cases[] = {
    {"thread_1_row", [] { each_thread(large::record); }},
    {"thread_200_rows", [] { each_thread(large::record_all); }},
    {"thread_1_span", [] { each_thread([] { spans(1); }); }},
    {"thread_full_ring", [] { each_thread([] { spans(spans_that_fill_a_ring); }); }},
    {"counters", [] { all_series([](std::size_t n) { text.routes.add(1, {.route = route(n)}); }); }},
    {"histograms",
     [] { all_series([](std::size_t n) { text.durations.record(std::chrono::milliseconds(1), {.route = route(n)}); }); }},
#if BENCH_PROMETHEUS_CPP
    {"prometheus_counters", prometheus_counters},
    {"prometheus_histograms", prometheus_histograms},
#endif
};

}  // namespace

int main(int count, char** arguments) {
    mallopt(M_ARENA_MAX, 1);  // else a second thread would allocate from an arena of its own, which is not counted
    for (const auto& one : cases)
        if (count == 1)
            std::puts(one.name);
        else if (strcmp(one.name, arguments[1]) == 0)
            return one.measure(), 0;
    return count != 1;
}
