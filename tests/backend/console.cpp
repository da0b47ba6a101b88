// The console back end: whole trees, each once, nothing lost.
#include <apm/backend/console.hpp>

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <sys/wait.h>

#include <apm/apm.hpp>
#include <apm/backend/console/span_text.hpp>
#include <apm/testing/clock.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

APM_FIELDS(Work, (int, n));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.console"};

    span<>     root{this, "root", "The outermost"};
    span<Work> work{this, "work", "A part of it"};
    span<>     deep{this, "deep", "A part of a part"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

// A stream, and every write to it.
struct stream {
    std::vector<std::string> writes;
    std::FILE* file;

    stream() {
        file = fopencookie(this, "w", {nullptr, [](void* self, const char* bytes, std::size_t size) {
            static_cast<stream*>(self)->writes.emplace_back(bytes, size);
            return static_cast<ssize_t>(size);
        }, nullptr, nullptr});
        std::setvbuf(file, nullptr, _IONBF, 0);
        apm::drain_spans();
    }
    stream(const stream&) = delete;
    ~stream() { std::fclose(file); }
    [[nodiscard]] std::vector<std::string> taken() { return std::exchange(writes, {}); }
};
std::size_t count(const std::vector<std::string>& texts, std::string_view what) {
    std::size_t n = 0;
    for (const std::string& t : texts)
        for (std::size_t at = 0; (at = t.find(what, at)) != std::string::npos; at += what.size()) ++n;
    return n;
}
void export_to(apm::console& c) { CHECK(c.export_spans(apm::drain_spans(), {}).empty()); }
using list = std::vector<std::string>;

}  // namespace

static_assert(apm::span_backend<apm::console>);
static_assert(!apm::push_backend<apm::console>);

TEST_CASE("a tree is written at once, when its root has ended") {
    apm::testing::manual_clock clock;
    stream out;
    apm::console c({.to = out.file});
    CHECK(c.name() == "console");
    CHECK(c.start({}).empty());
    {
        auto root = telemetry.root.scope<on>();
        {
            auto work = telemetry.work.scope<on>({.n = 1});
            clock.advance(1500us);
        }
        export_to(c);
        CHECK(out.taken().empty());
        {
            auto work = telemetry.work.scope<on>({.n = 2});
            auto deep = telemetry.deep.scope<on>();
            clock.advance(20ms);
        }
        root.event("nearly");
    }
    export_to(c);
    CHECK(out.taken() == list{"21.5 ms  root\n"
                              "         │  +21.5ms nearly\n"
                              "1.50 ms  ├─ work n=1\n"
                              "20.0 ms  └─ work n=2\n"
                              "20.0 ms     └─ deep\n"});
    export_to(c);
    CHECK(c.stop({}).empty());
    CHECK(out.taken().empty());
}

TEST_CASE("attributes may be left out") {
    apm::testing::manual_clock clock;
    stream out;
    apm::console c({.to = out.file, .attributes = false});
    static_cast<void>(telemetry.work.scope<on>({.n = 1}));
    export_to(c);
    CHECK(out.taken() == list{"   0 ns  work\n"});
}

TEST_CASE("each root has a tree of its own, whose parts lie apart") {
    stream out;
    apm::console c({.to = out.file});
    auto one = telemetry.root.start<on>(), two = telemetry.root.start<on>();
    for (const auto& under : {one.context(), two.context(), one.context()}) {
        const apm::attached_context<on> here(under);
        static_cast<void>(telemetry.work.scope<on>({.n = under == one.context() ? 1 : 2}));
        export_to(c);
    }
    two.end();
    export_to(c);
    auto seen = out.taken();
    CHECK(seen.size() == 1);
    CHECK(count(seen, "n=2") == 1);
    CHECK(count(seen, "n=1") == 0);
    one.end();
    export_to(c);
    seen = out.taken();
    CHECK(seen.size() == 1);
    CHECK(count(seen, "n=1") == 2);
    CHECK(count(seen, "root") == 1);
}

TEST_CASE("a span with a parent in another process is a root here") {
    stream out;
    apm::console c({.to = out.file});
    {
        const apm::attached_context<on> here(apm::context{{1, 2}, 0xabc, true, true});
        auto root = telemetry.root.scope<on>();
        static_cast<void>(telemetry.deep.scope<on>());
    }
    export_to(c);
    const auto seen = out.taken();
    REQUIRE(seen.size() == 1);
    CHECK(count(seen, "root  (parent 0000000000000abc in another process)\n") == 1);
    CHECK(count(seen, "└─ deep\n") == 1);
}

TEST_CASE("what comes after its parent was printed is printed when it comes") {
    stream out;
    apm::console c({.to = out.file});
    std::optional root(telemetry.root.start<on>());
    const apm::context above = root->context();
    root.reset();
    export_to(c);
    CHECK(out.taken().size() == 1);
    {
        const apm::attached_context<on> here(above);
        auto work = telemetry.work.scope<on>({.n = 1});
        static_cast<void>(telemetry.deep.scope<on>());
        export_to(c);
        CHECK(out.taken().empty());  // its own parent is still under way
        work.end();
        static_cast<void>(telemetry.work.scope<on>({.n = 2}));
    }
    export_to(c);
    const auto seen = out.taken();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].find("(parent " + apm::detail::hexadecimal(above.span) + " is not here)\n") != std::string::npos);
    CHECK(count(seen, "├─ work n=1\n") == 1);
    CHECK(count(seen, "│  └─ deep\n") == 1);
    CHECK(count(seen, "└─ work n=2\n") == 1);
}

TEST_CASE("those that wait are bounded, and none is lost") {
    stream out;
    apm::console c({.to = out.file, .most_waiting = 10});
    auto other = telemetry.root.start<on>();
    auto root = telemetry.root.scope<on>();
    std::size_t most = 0, shown = 0;
    for (int i = 1; i <= 100; ++i) {
        {
            auto work = telemetry.work.scope<on>({.n = i});
            static_cast<void>(telemetry.deep.scope<on>());
        }
        if (i == 100) {
            const apm::attached_context<on> here(other.context());
            static_cast<void>(telemetry.work.scope<on>({.n = 1000}));
        }
        export_to(c);
        const auto seen = out.taken();
        CHECK(count(seen, "is not here)\n") == seen.size());
        CHECK(count(seen, "work") == count(seen, "deep"));  // what is below them goes with them
        shown += count(seen, "work") + count(seen, "deep");
        most = std::max(most, static_cast<std::size_t>(2 * i) - shown);
    }
    CHECK(most <= 10);
    CHECK(most >= 8);
    root.end();
    other.end();
    export_to(c);
    const auto seen = out.taken();
    CHECK(seen.size() == 2);
    CHECK(shown + count(seen, "work") + count(seen, "deep") == 201);
    CHECK(count(seen, "work n=1000") == 1);
}

TEST_CASE("where nothing may wait, all is printed at once") {
    stream out;
    apm::console c({.to = out.file, .most_waiting = 0});
    auto root = telemetry.root.scope<on>();
    static_cast<void>(telemetry.deep.scope<on>());
    export_to(c);
    CHECK(count(out.taken(), "deep") == 1);
    root.end();
    export_to(c);
    CHECK(count(out.taken(), "root") == 1);
}

TEST_CASE("at the end, what waits is printed") {
    stream out;
    apm::console c({.to = out.file});
    const auto root = telemetry.root.scope<on>();
    static_cast<void>(telemetry.deep.scope<on>());
    export_to(c);
    CHECK(out.taken().empty());
    CHECK(c.stop({}).empty());
    const auto seen = out.taken();
    REQUIRE(seen.size() == 1);
    CHECK(count(seen, "is not here)\n") == 1);
    CHECK(count(seen, "└─ deep\n") == 1);
    CHECK(c.stop({}).empty());
    CHECK(out.taken().empty());
}

TEST_CASE("a forked child does not print what waited in its parent process") {
    stream out;
    apm::console c({.to = out.file});
    const auto root = telemetry.root.scope<on>();
    static_cast<void>(telemetry.deep.scope<on>());
    export_to(c);
    const pid_t child = fork();
    if (child == 0) {
        static_cast<void>(c.stop({}));
        _exit(out.writes.empty() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(c.stop({}).empty());
    CHECK(count(out.taken(), "deep") == 1);
}

TEST_CASE("a file that cannot be written is an error") {
    std::FILE* const full = std::fopen("/dev/full", "w");
    REQUIRE(full);
    apm::drain_spans();
    apm::console c({.to = full});
    static_cast<void>(telemetry.root.scope<on>());
    CHECK(c.export_spans(apm::drain_spans(), {}) == "cannot print spans: No space left on device");
    std::fclose(full);
}

TEST_CASE("colours are for terminals, unless NO_COLOR is set") {
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(terminal >= 0);
    REQUIRE(grantpt(terminal) == 0);
    REQUIRE(unlockpt(terminal) == 0);
    for (const char* no_color : {static_cast<const char*>(nullptr), "", "1"}) {
        no_color ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR");
        std::FILE* const to = std::fopen(ptsname(terminal), "w");
        REQUIRE(to);
        apm::drain_spans();
        apm::console c({.to = to});
        static_cast<void>(telemetry.root.scope<on>());
        export_to(c);
        char text[200];
        const auto size = read(terminal, text, sizeof text);
        REQUIRE(size > 0);
        const std::string_view seen(text, static_cast<std::size_t>(size));
        CHECK(seen.find("root") != seen.npos);
        CHECK((seen.find('\033') != seen.npos) == (!no_color || !*no_color));
        std::fclose(to);
    }
    unsetenv("NO_COLOR");
    close(terminal);
}
