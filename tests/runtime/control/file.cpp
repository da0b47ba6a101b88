// The file that is watched, and the thread that does.
#include "runtime/support.hpp"
#include "runtime/control/no_memory.hpp"

#include <atomic>
#include <cmath>
#include <fstream>
#include <optional>

#include <sys/resource.h>

#include <apm/backend/memory.hpp>
#include <apm/runtime/control/file.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using runtime = apm::basic_runtime<apm::mode::on>;
using apm::always_off, apm::always_on, apm::parent_based, apm::probability;
constexpr auto on = apm::mode::on;

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.control_file"};
    span<> work{this, "work", "A row"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// In a directory of its own.
struct file {
    std::filesystem::path directory;
    file() {
        char name[] = "/tmp/apm-control-XXXXXX";
        directory = mkdtemp(name);
    }
    ~file() { std::filesystem::remove_all(directory); }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    [[nodiscard]] std::string path() const { return directory / "control"; }
    // Replaced as it should be.
    void say(const std::string& text) const {
        std::ofstream(directory / "new") << text;
        std::filesystem::rename(directory / "new", path());
    }
};

apm::control::state now() { return apm::control::now<on>(); }
// Who waits for the end of an export does so for longer than we do.
apm::runtime_options quiet() { return {.service = {.name = "test"}, .metrics_exporter = "none", .shutdown_timeout = 2 * patience}; }

}  // namespace

TEST_CASE("what the file says counts; what is taken out of it goes back to the start") {
    const reported said;
    const file f;
    apm::control::max_level<on>(7);
    apm::detail::control_file watched(f.path(), now());
    watched.look();  // not there
    CHECK(now().max_level == 7);
    f.say("# of the operator\nsample_rate=0.5\nmax_level=2\nrow.work=0\ntail_errors=true\n");
    watched.look();
    CHECK(now().sampler == parent_based(probability(0.5)));
    CHECK(now().max_level == 2);
    CHECK(now().tail_sampling.errors);
    REQUIRE(now().rows.size() == 1);
    // Another caller's change stays until the file says another thing of it.
    apm::control::max_level<on>(3);
    watched.look();
    CHECK(now().max_level == 3);
    f.say("max_level=2\n");
    watched.look();
    CHECK(now().max_level == 3);
    CHECK(now().sampler == parent_based(always_on));
    CHECK(now().rows.empty());
    CHECK_FALSE(now().tail_sampling.errors);
    f.say("max_level=1\n");
    watched.look();
    CHECK(now().max_level == 1);
    std::filesystem::remove(f.path());
    watched.look();
    CHECK(now().max_level == 7);
    CHECK(said.take().empty());
    apm::control::max_level<on>(255);
}

TEST_CASE("a bad line is one line, and what it was before holds, as does the rest") {
    const reported said;
    const file f;
    apm::detail::control_file watched(f.path(), now());
    f.say("sample_rate=0.5\nmax_level=2\n");
    watched.look();
    f.say("sample_rate=0.25\nmax_level=two\nmax_lewel=3\n");
    for (int i = 0; i < 3; ++i) watched.look();
    CHECK(said.take() == lines{f.path() + ":2: max_level takes a number from 0 to 255, or all",
                               f.path() + ":3: max_lewel is unknown; there are sample_rate, sampler, row.NAME, max_level, tail_errors, "
                                          "tail_slower_than, tail_bytes and tracing"});
    CHECK(now().sampler == parent_based(probability(0.25)));
    CHECK(now().max_level == 2);
    f.say("");
    watched.look();
    CHECK(now().max_level == 255);
    CHECK(said.take().empty());
}

TEST_CASE("a mistyped key is not one that was taken out: what is missing beside it holds") {
    const reported said;
    const file f;
    apm::detail::control_file watched(f.path(), now());
    f.say("sample_rate=0.5\nmax_level=2\n");
    watched.look();
    f.say("samplerate=0.25\nmax_level=3\n");
    watched.look();
    CHECK(said.take().size() == 1);
    CHECK(now().sampler == parent_based(probability(0.5)));
    CHECK(now().max_level == 3);
    f.say("max_level=3\n");
    watched.look();
    CHECK(now().sampler == parent_based(always_on));
    f.say("");
    watched.look();
}

TEST_CASE("rows that find no room are bad lines, the rest is done; and so it is in the next text") {
    if (!can_fork) return;
    CHECK(in_child([] {
              const reported said;
              const file f;
              apm::detail::control_file watched(f.path(), now());
              const auto rows = [](int n) {
                  std::string text = "sample_rate=0.5\ntracing=off\n";
                  for (int i = 0; i < n; ++i) text += "row.r" + std::to_string(i) + "=1\n";
                  return text;
              };
              const auto done = [] { return now().sampler == parent_based(probability(0.5)) && !now().tracing; };
              int room = 0;
              while (apm::detail::controls::all().rows.has_room(static_cast<std::size_t>(room) + 1)) ++room;
              f.say(rows(room + 1));
              watched.look();
              if (!done() || now().rows.size() != static_cast<std::size_t>(room)) return 1;
              if (said.take() != lines{f.path() + ":" + std::to_string(room + 3) + ": there have been rows of 256 names, and there is no room for another"}) return 2;
              f.say(rows(room + 24));
              watched.look();
              const lines many = said.take();
              if (many.size() != 21 || many.back() != f.path() + ": and 4 more bad lines") return 3;
              f.say(rows(3));
              watched.look();
              if (!done() || now().rows.size() != 3) return 4;
              f.say("");
              watched.look();
              return now().rows.empty() && now().tracing && said.take().empty() ? 0 : 5;
          }) == 0);
}

TEST_CASE("rules for tail sampling that find no room are bad lines, and what was said before holds") {
    if (!can_fork) return;
    CHECK(in_child([] {
              const reported said;
              const file f;
              apm::detail::control_file watched(f.path(), now());
              f.say("tail_slower_than=7\n");
              watched.look();
              for (std::uint64_t i = 1; apm::control::tail_sample<on>({.slower_than_ns = 7'000'000, .bytes = i}); ++i) {}
              f.say("tail_slower_than=8\nmax_level=3\n");
              watched.look();
              if (now().max_level != 3 || now().tail_sampling.slower_than_ns != 7'000'000) return 1;
              if (said.take() != lines{f.path() + ":1: there have been 1024 different rules for tail sampling, and there is no "
                                                  "room for another"}) return 2;
              return 0;
          }) == 0);
}

TEST_CASE("of many bad lines the first are said, and how many more there are") {
    const reported said;
    const file f;
    apm::detail::control_file watched(f.path(), now());
    std::string text = "max_level=2\n" + std::string(1000, 'k') + "=1\n";
    for (int i = 0; i < 3000; ++i) text += "x\n";
    f.say(text);
    watched.look();
    const lines all = said.take();
    REQUIRE(all.size() == 21);
    CHECK(all[0].find(f.path() + ":2: " + std::string(100, 'k') + "... is unknown; there are ") == 0);
    CHECK(all[1] == f.path() + ":3: is no key=value");
    CHECK(all[20] == f.path() + ": and 2981 more bad lines");
    CHECK(now().max_level == 2);
    f.say("");
    watched.look();
}

TEST_CASE("what there was no memory for is done at the next look; until then nothing is") {
    const file f;
    apm::detail::control_file watched(f.path(), now());
    const auto all = [] {
        const apm::control::state s = now();
        return s.max_level == 2 && s.tail_sampling.errors && s.rows.size() == 1 && s.sampler == parent_based(probability(0.5));
    };
    const auto none = [] {
        const apm::control::state s = now();
        return s.max_level == 255 && !s.tail_sampling.errors && s.rows.empty() && s.sampler == parent_based(always_on);
    };
    bool threw = true;
    for (int n = 0; threw; ++n) {
        CAPTURE(n);
        f.say("# a comment that is longer than a short string\nsample_rate=0.5\nmax_level=2\nrow.work=0\ntail_errors=true\n");
        threw = throws_at(n, [&] { watched.look(); });
        CHECK((threw ? none() : all()));
        watched.look();
        CHECK(all());
        f.say("");
        const bool again = throws_at(n, [&] { watched.look(); });
        CHECK((again ? all() : none()));
        threw = threw || again;
        watched.look();
        REQUIRE(none());
    }
}

TEST_CASE("where no thread can start, what the file says counts until the runtime ends") {
    if (!can_fork) return;
    CHECK(in_child([] {
              const environment e;
              const reported said;
              const file f;
              f.say("max_level=3\n");
              const std::string path = f.path();
              apm::runtime_options o = quiet();
              o.control.file = path;
              pthread_attr_t huge;
              pthread_attr_init(&huge);
              pthread_attr_setstacksize(&huge, std::size_t{1} << 50);
              if (pthread_setattr_default_np(&huge) != 0) return 1;
              {
                  const runtime r(o);
                  if (now().max_level != 3) return 2;
                  const lines all = said.take();
                  if (all.size() != 1 || all[0].find("sampling does not change while the program runs") != 0) return 3;
              }
              return now().max_level == 255 ? 0 : 4;
          }) == 0);
}

TEST_CASE("what is no file, or too long, is said once and changes nothing") {
    const reported said;
    const file f;
    apm::detail::control_file watched(f.path(), now());
    f.say("max_level=2\n");
    watched.look();
    f.say("max_level=3\n" + std::string(1 << 16, '#'));
    for (int i = 0; i < 3; ++i) watched.look();
    CHECK(said.take() == lines{f.path() + ": has more than 65536 bytes; what it said before holds"});
    std::filesystem::remove(f.path());
    std::filesystem::create_directory(f.path());
    for (int i = 0; i < 3; ++i) watched.look();
    CHECK(said.take().size() == 1);
    std::filesystem::remove(f.path());
    REQUIRE(mkfifo(f.path().c_str(), 0600) == 0);  // would hang what opens it
    for (int i = 0; i < 3; ++i) watched.look();
    CHECK(now().max_level == 2);
    f.say("");
    watched.look();
    CHECK(now().max_level == 255);
}

TEST_CASE("a runtime watches the file: effective within a second, and no thread where there is none") {
    const environment e;
    const reported said;
    const file f;
    apm::memory memory;
    {
        const runtime none(quiet(), memory);
        CHECK(threads_become(threads_at_start + 1));
    }
    REQUIRE(threads_become(threads_at_start));
    apm::runtime_options o = quiet();
    const std::string path = f.path();
    o.control.file = path;
    o.sampler = parent_based(probability(1));
    {
        const runtime r(o, memory);
        CHECK(threads_become(threads_at_start + 2));
        CHECK(now().sampler == parent_based(probability(1)));
        f.say("sample_rate=0\n");
        CHECK(soon([] { return !telemetry.work.scope<on>().recording(); }));
        f.say("sample_rate=0\nrow.work=1\n");
        CHECK(soon([] { return telemetry.work.scope<on>().recording(); }));
        f.say("tracing=off\n");
        CHECK(soon([] { return !telemetry.work.scope<on>().recording(); }));
        f.say("");
        CHECK(soon([] { return now().tracing && now().sampler == parent_based(probability(1)); }));
        int level = 4;
        const auto took = least(1s, [&] {
            f.say("max_level=" + std::to_string(++level) + "\n");
            return time_of([&] { CHECK(soon([&] { return now().max_level == level; })); });
        });
        CHECK(took < 1s);
        f.say("");
        CHECK(soon([] { return now().max_level == 255; }));
    }
    CHECK(threads_become(threads_at_start));
    CHECK(said.take().empty());
}

TEST_CASE("what is there at the start counts from the first span on; the variable wins over the code") {
    const file f;
    f.say("sample_rate=0\n");
    const std::string path = f.path();
    const environment e{{"APM_CONTROL_FILE", path.c_str()}};
    apm::memory memory;
    apm::runtime_options o = quiet();
    o.control.file = "/nowhere/at/all";
    const runtime r(o, memory);
    CHECK_FALSE(telemetry.work.scope<on>().recording());
}

TEST_CASE("what the file said ends with the runtime, what the program said does not") {
    const environment e;
    const file f;
    f.say("row.work=0\ntracing=off\nmax_level=3\n");
    const std::string path = f.path();
    apm::runtime_options o = quiet();
    o.control.file = path;
    apm::control::sample_row<on>("other", always_off);
    {
        const runtime r(o);
        CHECK(now().rows.size() == 2);
        CHECK_FALSE(now().tracing);
    }
    CHECK(now().tracing);
    CHECK(now().max_level == 255);
    REQUIRE(now().rows.size() == 1);
    CHECK(now().rows[0].first == "other");
    apm::control::sample_row<on>("other", {});
}

TEST_CASE("its end does not wait, and it sleeps") {
    const environment e;
    const file f;
    const std::string path = f.path();
    apm::runtime_options o = quiet();
    o.control.file = path;
    int quick = 0;
    for (int i = 0; i < 20; ++i) {
        std::optional<runtime> r(std::in_place, o);
#ifndef APM_TEST_SANITIZED  // ThreadSanitizer has a thread of its own, which does not
        if (i == 0) {
            rusage before{}, after{};
            getrusage(RUSAGE_SELF, &before);
            std::this_thread::sleep_for(2s);
            getrusage(RUSAGE_SELF, &after);
            CHECK(after.ru_nvcsw - before.ru_nvcsw < 20);  // some three a second
        }
#endif
        quick += time_of([&] { r.reset(); }) < 200ms;  // half of its pace
    }
    CHECK(quick >= 10);
}

TEST_CASE("a forked child has no such thread, and ends") {
    if (!can_fork) return;
    const environment e;
    const reported said;
    const file f;
    const std::string path = f.path();
    apm::runtime_options o = quiet();
    o.control.file = path;
    apm::memory memory;
    std::optional<runtime> r(std::in_place, o, memory);
    std::atomic<int> i{0};
    const meanwhile changes([&] { f.say("max_level=" + std::to_string(++i % 200) + "\nrow.work=1\ntail_errors=true\n"); });
    for (int n = 0; n < 10; ++n) {
        CHECK(in_child([&] {
                  apm::control::max_level<on>(201);
                  std::this_thread::sleep_for(600ms);  // nothing looks at the file
                  if (n % 2) {
                      r.reset();
                      runtime own(o);  // but a runtime of its own does
                      return soon([] { return now().max_level != 201; }) ? 0 : 1;
                  }
                  const bool mine = now().max_level == 201;
                  r.reset();
                  return mine ? 0 : 2;
              }) == 0);
    }
    CHECK(r->running());
}

TEST_CASE("two changes at once: a file and the program, spans all along") {
    const environment e;
    const reported said;
    const file f;
    const std::string path = f.path();
    apm::runtime_options o = quiet();
    o.control.file = path;
    apm::memory memory;
    const apm::span_totals before = apm::count_spans();
    std::atomic<std::uint64_t> begun{0};
    {
        const runtime r(o, memory);
        const meanwhile changes([&, i = 0]() mutable {
            f.say(++i % 2 ? "sample_rate=0.5\nrow.work=1\n" : "tail_errors=true\ntail_slower_than=1\n");
            apm::control::sample_rate<on>(i % 3 / 2.0);
            std::this_thread::sleep_for(1ms);
        });
        const auto end = clock_type::now() + 1500ms;
        in_threads(3, [&](std::size_t) {
            while (clock_type::now() < end) {
                const auto s = telemetry.work.scope<on>();
                const auto below = telemetry.work.scope<on>();
                begun += 2;
            }
        });
    }
    const apm::span_totals after = apm::count_spans();
    CHECK(after.started - before.started + after.unsampled - before.unsampled == begun);
    for (const std::string& line : said.take()) CHECK(line.find("spans were dropped") != line.npos);  // three threads are fast
    for (const auto& [name, rule] : now().rows) apm::control::sample_row<on>(name, {});
}
