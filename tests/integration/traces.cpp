// Records spans through the back end `file`, and prints what it recorded, for otlp_json.py and chrome_trace.py to compare.
//
//     traces all DIRECTORY       spans that say everything that a span can say, at times that are known exactly
//     traces busy DIRECTORY      threads, in rounds, into small files
//     traces killed DIRECTORY    the same, and ends in the middle of it, without a word to anybody
//
// Of `all`, everything.hpp says what is printed.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <signal.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/backend/file.hpp>

#include "everything.hpp"

namespace {

using everything::plain, everything::telemetry;

const apm::deadline by = apm::deadline::max();

// --- busy -------------------------------------------------------------------------------------------------------------

// One line for each span: its id, that of its parent, the thread that ended it, its name, whether it must be a slice.
std::mutex printing;
void say_busy(std::uint64_t id, std::uint64_t parent, std::string_view name) {
    const std::lock_guard guard(printing);
    std::printf("span\t%016" PRIx64 "\t%016" PRIx64 "\t%d\t%.*s\n", id, parent, gettid(), static_cast<int>(name.size()),
                name.data());
}
void work(int depth) {
    const std::uint64_t parent = apm::context::current().span;
    const auto s = telemetry.step.scope({.n = depth});
    for (int i = 0; i < 3; ++i) {
        s.event("tick", {{"i", i}});
        if (depth) work(depth - 1);
    }
    say_busy(s.context().span, parent, "step");
}
// Begins within one span and ends within another, on this thread.
void overlapping() {
    const std::uint64_t parent = apm::context::current().span;
    std::optional<apm::started_span<std::remove_cvref_t<decltype(telemetry.overlap)>>> across;
    {
        const auto first = plain.work.scope();
        across.emplace(telemetry.overlap.start({.n = 1}));
        say_busy(across->context().span, first.context().span, "overlap");
        say_busy(first.context().span, parent, "work");
        across->event("between");
    }
    across.reset();
}
void be_busy(apm::file& to, bool killed) {
    const auto all = telemetry.served.scope({.n = 0});
    for (int round = 0; round < 20; ++round) {
        const auto one = telemetry.received.scope({.n = round});
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) threads.emplace_back(apm::wrap([] { work(2), overlapping(); }));
        work(1);
        overlapping();
        for (std::thread& t : threads) t.join();
        if (killed && round == 10) to.export_spans(apm::drain_spans(), by), std::fflush(stdout), kill(getpid(), SIGKILL);
        for (bool more = true; more;) {  // in parts: parents and children are apart
            const apm::span_batch batch = apm::drain_spans(8'192);
            more = batch.more;
            if (!to.export_spans(batch, by).empty()) std::exit(1);
        }
        say_busy(one.context().span, all.context().span, "received");
    }
    say_busy(all.context().span, 0, "served");
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: traces all|busy|killed DIRECTORY\n"), 2;
    const std::string_view what = arguments[1];
    const bool all = what == "all";
    apm::file files({.directory = arguments[2], .max_bytes = all ? 0u : 300'000u, .keep = 1'000});
    const apm::error not_started = files.start(everything::who);
    if (!not_started.empty()) return std::fprintf(stderr, "%s\n", not_started.c_str()), 1;
    const auto export_all = [&] {
        const apm::error failed = files.export_spans(apm::drain_spans(), by);
        if (!failed.empty()) std::printf("failed\t%s\n", failed.c_str()), std::exit(1);
    };
    if (all) everything::say_everything(export_all);
    else be_busy(files, what == "killed");
    for (bool more = true; more;) {
        const apm::span_batch batch = apm::drain_spans();
        more = batch.more;
        files.export_spans(batch, by);
    }
    const apm::span_totals totals = apm::count_spans();
    std::printf("total\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", totals.drained, totals.dropped(), files.lost());
    return files.stop(by).empty() ? 0 : 1;
}
