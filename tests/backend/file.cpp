#include <apm/backend/file.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "directory.hpp"

namespace {

namespace fs = std::filesystem;

APM_FIELDS(Step, (std::int64_t, n), (std::string_view, text));
struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "file"};
    span<Step> step{this, "step", "One step"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

const apm::resource who{{{"service.name", "file test"}}};
const apm::deadline by = apm::deadline::max();

struct directory : temporary_directory {
    std::string text = fs::canonical(at).string();
};

// `count` spans, some `bytes` each.
apm::span_batch batch_of(int count, std::size_t bytes = 10) {
    while (!apm::drain_spans().spans.empty()) {}
    const std::string text(bytes, 'x');
    for (int i = 0; i < count; ++i) const auto s = telemetry.step.scope({.n = i, .text = text});
    return apm::drain_spans();
}
std::string read_all(const fs::path& path) {
    std::ifstream in(path);
    REQUIRE(in);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}
std::size_t count(const std::string& text, std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
    return n;
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
// Spans in a file of whole lines.
std::size_t whole_lines(const fs::path& path) {
    const std::string all = read_all(path);
    CHECK((all.empty() || all.back() == '\n'));
    std::istringstream lines(all);
    std::size_t spans = 0;
    for (std::string line; std::getline(lines, line);) {
        CHECK(line.starts_with(R"({"resourceSpans":[{)"));
        CHECK(line.ends_with("]}]}]}"));
        CHECK(count(line, "resourceSpans") == 1);
        spans += count(line, R"("spanId")");
    }
    return spans;
}
// Slices in a file of Chrome's, to which nothing, or a bracket, is to be added.
std::size_t whole_trace(const fs::path& path, bool ended = true) {
    const std::string all = read_all(path);
    CHECK(all.starts_with("[\n{"));
    CHECK(all.ends_with("}\n]\n") == ended);
    CHECK((ended || all.ends_with("}")));
    CHECK(count(all, "process_name") == 1);
    std::istringstream lines(all);
    std::size_t slices = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line == "[" || line == "]") continue;
        CHECK((line.starts_with("{\"ph\"") || line.starts_with(",{\"ph\"")));
        CHECK(line.ends_with("}"));
        slices += count(line, R"("ph":"X")");
    }
    return slices;
}
std::vector<std::string> names_in(const fs::path& at) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(at)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

// In a process of its own; its result is that of the function. Catch's checks do not come back from there.
int in_child(const std::function<int()>& f) {
    const pid_t child = fork();
    if (child == 0) _exit(f());
    int status = 0;
    if (waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("file is a back end for spans") {
    static_assert(apm::span_backend<apm::file>);
    static_assert(!apm::push_backend<apm::file>);
    CHECK(apm::file().name() == "file");
    CHECK(apm::file().otlp_path() == "./traces.jsonl");
    CHECK(apm::file({.directory = "/a/", .stem = "b"}).chrome_path() == "/a/b.json");
}

TEST_CASE("its defaults") {
    const apm::file_options o;
    CHECK(o.directory == ".");
    CHECK(o.stem == "traces");
    CHECK(o.otlp);
    CHECK(o.chrome);
    CHECK(o.max_bytes == 64 * 1024 * 1024);
    CHECK(o.keep == 4);
}

TEST_CASE("spans go into both files, which are whole after each export") {
    const directory d;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    CHECK(files.otlp_path() == d.text + "/traces.jsonl");
    CHECK(files.chrome_path() == d.text + "/traces.json");
    CHECK(files.export_spans(batch_of(0), by).empty());
    CHECK(fs::file_size(files.chrome_path()) == 0);
    CHECK(files.export_spans(batch_of(3), by).empty());
    CHECK(whole_lines(files.otlp_path()) == 3);
    CHECK(whole_trace(files.chrome_path(), false) == 3);
    CHECK(files.export_spans(batch_of(2), by).empty());
    CHECK(files.stop(by).empty());
    CHECK(whole_lines(files.otlp_path()) == 5);
    CHECK(count(read_all(files.otlp_path()), "\n") == 2);
    CHECK(whole_trace(files.chrome_path()) == 5);
    CHECK(contains(read_all(files.otlp_path()), R"({"key":"service.name","value":{"stringValue":"file test"}})"));
    CHECK(files.lost() == 0);
}

TEST_CASE("one of the two, or none") {
    const directory d;
    apm::file lines({.directory = d.text, .stem = "a", .chrome = false});
    apm::file trace({.directory = d.text, .stem = "b", .otlp = false});
    for (apm::file* files : {&lines, &trace}) {
        REQUIRE(files->start(who).empty());
        CHECK(files->export_spans(batch_of(1), by).empty());
        CHECK(files->stop(by).empty());
        CHECK(files->lost() == 0);
    }
    CHECK(names_in(d.at) == std::vector<std::string>{"a.jsonl", "b.json"});
    apm::file neither({.directory = d.text, .otlp = false, .chrome = false});
    CHECK(contains(neither.start(who), "neither OTLP nor Chrome"));
}

TEST_CASE("a program without a span leaves a trace that can be loaded") {
    const directory d;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.stop(by).empty());
    CHECK(whole_trace(files.chrome_path()) == 0);
    CHECK(whole_lines(files.otlp_path()) == 0);
}

TEST_CASE("files are rotated by size, and each is whole") {
    const directory d;
    constexpr std::uint64_t most = 20'000;
    apm::file files({.directory = d.text, .max_bytes = most, .keep = 100});
    REQUIRE(files.start(who).empty());
    for (int i = 0; i < 50; ++i) REQUIRE(files.export_spans(batch_of(5, 300), by).empty());
    REQUIRE(files.stop(by).empty());
    std::size_t spans = 0, slices = 0;
    for (const std::string& name : names_in(d.at)) {
        CHECK(fs::file_size(d.at / name) <= most);
        CHECK(fs::file_size(d.at / name) > 0);
        if (contains(name, "jsonl")) spans += whole_lines(d.at / name);
        else slices += whole_trace(d.at / name);
    }
    CHECK(names_in(d.at).size() > 10);
    CHECK(spans == 250);
    CHECK(slices == 250);
}

TEST_CASE("so many are kept; an export that is larger has a file of its own") {
    const directory d;
    const auto [keep, names] = GENERATE(
        std::pair(0u, std::vector<std::string>{"t.json", "t.jsonl"}),
        std::pair(2u, std::vector<std::string>{"t.json", "t.json.1", "t.json.2", "t.jsonl", "t.jsonl.1", "t.jsonl.2"}));
    apm::file files({.directory = d.text, .stem = "t", .max_bytes = 10, .keep = keep});
    REQUIRE(files.start(who).empty());
    for (int i = 1; i <= 7; ++i) REQUIRE(files.export_spans(batch_of(i), by).empty());
    REQUIRE(files.stop(by).empty());
    CHECK(names_in(d.at) == names);
    for (unsigned n = 0; n <= keep; ++n) {
        const std::string suffix = n ? "." + std::to_string(n) : "";
        CHECK(whole_lines(d.at / ("t.jsonl" + suffix)) == 7 - n);
        CHECK(whole_trace(d.at / ("t.json" + suffix)) == 7 - n);
    }
}

TEST_CASE("0 bytes means without a limit") {
    const directory d;
    apm::file files({.directory = d.text, .max_bytes = 0});
    REQUIRE(files.start(who).empty());
    for (int i = 0; i < 3; ++i) REQUIRE(files.export_spans(batch_of(10, 1000), by).empty());
    REQUIRE(files.stop(by).empty());
    CHECK(names_in(d.at).size() == 2);
}

TEST_CASE("the next run goes on with the lines, and rotates the trace of this one, ended or not") {
    const directory d;
    const bool crashed = GENERATE(false, true);
    for (int run = 1; run <= 3; ++run) {
        const auto one_run = [&] {
            apm::file files({.directory = d.text, .keep = 1});
            const bool well = files.start(who).empty() && files.export_spans(batch_of(run), by).empty();
            if (crashed) _exit(well ? 0 : 1);
            return well && files.stop(by).empty() ? 0 : 1;
        };
        REQUIRE((crashed ? in_child(one_run) : one_run()) == 0);
    }
    CHECK(whole_lines(d.at / "traces.jsonl") == 1 + 2 + 3);
    CHECK(whole_trace(d.at / "traces.json", !crashed) == 3);
    CHECK(whole_trace(d.at / "traces.json.1", !crashed) == 2);
}

TEST_CASE("what a crash left half written does not spoil the next line") {
    const directory d;
    std::ofstream(d.at / "traces.jsonl") << "{\"resourceSpans\":[]}\n{\"resour";
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    CHECK(whole_lines(d.at / "traces.jsonl") == 1);
    CHECK(contains(read_all(d.at / "traces.jsonl.1"), "{\"resour"));
}

TEST_CASE("what cannot be opened is one line that says what, where and what to do") {
    const directory d;
    const auto line_of = [](const std::string& at, std::string_view stem = "traces") {
        apm::file files({.directory = at, .stem = stem});
        const apm::error line = files.start(who);
        CHECK_FALSE(contains(line, "\n"));
        return line;
    };
    CHECK(line_of(d.text + "/no") ==
          "cannot open " + d.text + "/no: No such file or directory; make that directory, or name another");
    fs::create_directory(d.at / "dir.jsonl");
    CHECK(line_of(d.text, "dir") ==
          "cannot write " + d.text + "/dir.jsonl: what is there is no regular file; name another directory or stem");
    fs::create_directory(d.at / "trace.json");
    CHECK(contains(line_of(d.text, "trace"), "/trace.json: what is there is no regular file"));
    REQUIRE(mkfifo((d.at / "pipe.jsonl").c_str(), 0600) == 0);  // open() would wait for a reader
    CHECK(contains(line_of(d.text, "pipe"), "/pipe.jsonl: what is there is no regular file"));
    fs::create_symlink("/dev/full", d.at / "device.json");
    CHECK(contains(line_of(d.text, "device"), "/device.json: what is there is a symbolic link, which is not followed"));
    std::ofstream(d.at / "plain") << "x";
    CHECK(contains(line_of(d.text + "/plain"), "name another"));
    CHECK(contains(line_of("/proc/self"), "/proc/self/") == false);  // resolved: whose it is
    CHECK(contains(line_of("/proc/self"), "cannot write /proc/"));
}

TEST_CASE("files are not for all, whatever the umask; links that others plant are not followed") {
    const directory d;
    const directory theirs;
    const mode_t umask_before = umask(0);
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    umask(umask_before);
    for (const std::string& path : {files.otlp_path(), files.chrome_path()})
        CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
    // While it runs, to what is there and to what is not.
    std::ofstream(theirs.at / "there") << "theirs";
    fs::remove(files.otlp_path()), fs::create_symlink(theirs.at / "there", files.otlp_path());
    fs::remove(files.chrome_path()), fs::create_symlink(theirs.at / "not there", files.chrome_path());
    CHECK(files.export_spans(batch_of(1), by) ==
          "cannot write " + files.otlp_path() + ": what is there is a symbolic link, which is not followed; "
          "name another directory or stem; cannot write " + files.chrome_path() +
          ": what is there is a symbolic link, which is not followed; name another directory or stem");
    CHECK(read_all(theirs.at / "there") == "theirs");
    CHECK_FALSE(fs::exists(theirs.at / "not there"));
    // One that leads to our own file is a link, too.
    fs::remove(files.otlp_path()), fs::remove(files.chrome_path());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    fs::rename(files.otlp_path(), d.at / "moved"), fs::create_symlink(d.at / "moved", files.otlp_path());
    CHECK(contains(files.export_spans(batch_of(1), by), "symbolic link"));
}

TEST_CASE("a directory that may not be written is said so") {
    if (geteuid() == 0) return;  // for root there is none
    const directory d;
    fs::permissions(d.at, fs::perms::owner_read | fs::perms::owner_exec);
    apm::file files({.directory = d.text});
    CHECK(files.start(who) == "cannot write " + d.text +
                                  "/traces.jsonl: Permission denied; let this user write there, or name another directory");
    fs::permissions(d.at, fs::perms::owner_all);
}

TEST_CASE("files that were moved or removed are made anew") {
    const directory d;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    fs::rename(d.at / "traces.jsonl", d.at / "moved.jsonl");
    fs::rename(d.at / "traces.json", d.at / "moved.json");
    REQUIRE(files.export_spans(batch_of(2), by).empty());
    fs::remove(d.at / "traces.jsonl");
    fs::remove(d.at / "traces.json");
    REQUIRE(files.export_spans(batch_of(3), by).empty());
    REQUIRE(files.stop(by).empty());
    CHECK(whole_lines(d.at / "traces.jsonl") == 3);
    CHECK(whole_trace(d.at / "traces.json") == 3);
    CHECK(whole_lines(d.at / "moved.jsonl") == 1);
    CHECK(whole_trace(d.at / "moved.json") == 1);
}

TEST_CASE("each export that fails is an error, and is counted") {
    const directory d;
    const directory elsewhere;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    for (int time = 1; time <= 2; ++time) {
        fs::rename(d.at, elsewhere.at / "d");  // the disk is gone
        const apm::error first = files.export_spans(batch_of(2), by);
        CHECK(contains(first, d.text + "/traces.jsonl: No such file or directory"));
        CHECK(contains(first, d.text + "/traces.json: No such file or directory"));
        CHECK(files.export_spans(batch_of(3), by) == first);
        CHECK(files.export_spans(batch_of(1), by) == first);
        CHECK(files.lost() == static_cast<std::uint64_t>(6 * time));
        fs::rename(elsewhere.at / "d", d.at);
        CHECK(files.export_spans(batch_of(1), by).empty());
        CHECK(files.lost() == static_cast<std::uint64_t>(6 * time));
    }
    REQUIRE(files.stop(by).empty());
    CHECK(whole_lines(d.at / "traces.jsonl") == 3);
}

TEST_CASE("what one file lacks is lost, though the other has it") {
    const directory d;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    fs::remove(d.at / "traces.json");
    fs::create_directory(d.at / "traces.json");
    CHECK(contains(files.export_spans(batch_of(2), by), "traces.json: what is there is no regular file"));
    CHECK(files.lost() == 2);
    CHECK(whole_lines(files.otlp_path()) == 2);
    fs::remove(d.at / "traces.jsonl");
    fs::create_directory(d.at / "traces.jsonl");
    const apm::error other = files.export_spans(batch_of(2), by);
    CHECK(contains(other, "traces.jsonl:"));
    CHECK(contains(other, "traces.json:"));
}

TEST_CASE("the limit of a file's size is met without a signal, and without half a line") {
    const directory d;
    const int result = in_child([&] {  // SIGXFSZ would end it
        apm::file files({.directory = d.text, .max_bytes = 0});
        if (!files.start(who).empty() || !files.export_spans(batch_of(5), by).empty()) return 1;
        const auto size = std::max(fs::file_size(files.otlp_path()), fs::file_size(files.chrome_path()));
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        const rlimit small{size + 10, limit.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const apm::error failed = files.export_spans(batch_of(20), by);
        if (!contains(failed, "File too large; raise the limit of a file's size (ulimit -f)")) return 2;
        if (files.export_spans(batch_of(20), by) != failed || files.lost() != 40) return 3;
        setrlimit(RLIMIT_FSIZE, &limit);
        if (!files.export_spans(batch_of(5), by).empty() || !files.stop(by).empty()) return 4;
        return 0;
    });
    CHECK(result == 0);
    CHECK(whole_lines(d.at / "traces.jsonl") == 10);
    CHECK(whole_trace(d.at / "traces.json") == 10);
}

// On a file system of 64 KiB, where that can be mounted: in a name space of its own.
TEST_CASE("a full disk loses spans, never leaves half a line, and is got over") {
    const directory d;
    constexpr int cannot_mount = 77;
    const int result = in_child([&] {
        const uid_t user = geteuid();
        const gid_t group = getegid();
        if (unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) return cannot_mount;
        if (user != 0) {  // root in there, so that it may mount
            std::ofstream("/proc/self/setgroups") << "deny";
            std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
            std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
        }
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (mount("tmpfs", d.text.c_str(), "tmpfs", 0, "size=64k") != 0) return cannot_mount;
        apm::file files({.directory = d.text, .max_bytes = 0});
        if (!files.start(who).empty()) return 1;
        std::ofstream(d.at / "ballast") << std::string(16'384, 'x');
        std::uint64_t given = 0, kept = 0;
        apm::error said;
        for (int i = 0; i < 50 && said.empty(); ++i) {
            said = files.export_spans(batch_of(3, 700), by);
            given += 3;
        }
        if (!contains(said, "No space left on device; make room there")) return 2;
        for (int i = 0; i < 5; ++i, given += 3)  // the other file may still have had room
            if (files.export_spans(batch_of(3, 700), by).empty()) return 3;
        fs::remove(d.at / "ballast");
        if (!files.export_spans(batch_of(3, 700), by).empty()) return 4;
        given += 3;
        if (!files.stop(by).empty()) return 5;
        kept = std::min(whole_lines(files.otlp_path()), whole_trace(files.chrome_path()));
        if (files.lost() == 0 || kept < 6 || kept + files.lost() < given) return 6;
        // Back they come; Catch counts in this process in vain, so look here.
        const std::string lines = read_all(files.otlp_path()), trace = read_all(files.chrome_path());
        if (!lines.ends_with("]}]}]}\n") || count(lines, "\n") != count(lines, "resourceSpans")) return 7;
        if (!trace.ends_with("}\n]\n") || count(trace, "\n,{\"ph\"") + 1 != count(trace, "{\"ph\"")) return 8;
        for (std::size_t at = 1; (at = trace.find('\n', at + 1)) != std::string::npos;)
            if (trace[at - 1] != '}' && trace[at - 1] != ']') return 9;
        return 0;
    });
    if (result == cannot_mount) WARN("skipped: no file system can be mounted here");
    else CHECK(result == 0);
}

TEST_CASE("a second one on the same path has a trace of its own, and shares the lines") {
    const directory d;
    apm::file one({.directory = d.text}), two({.directory = d.text});
    REQUIRE(one.start(who).empty());
    REQUIRE(two.start(who).empty());
    CHECK(two.otlp_path() == one.otlp_path());
    CHECK(two.chrome_path() == d.text + "/traces." + std::to_string(getpid()) + ".json");
    for (int i = 0; i < 3; ++i) {
        CHECK(one.export_spans(batch_of(1), by).empty());
        CHECK(two.export_spans(batch_of(2), by).empty());
    }
    CHECK(one.stop(by).empty());
    CHECK(two.stop(by).empty());
    CHECK(whole_lines(one.otlp_path()) == 9);
    CHECK(whole_trace(one.chrome_path()) == 3);
    CHECK(whole_trace(two.chrome_path()) == 6);
}

TEST_CASE("a forked child has a trace of its own; one that exports nothing leaves none") {
    const directory d;
    apm::file files({.directory = d.text});
    REQUIRE(files.start(who).empty());
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    REQUIRE(in_child([&] { return files.stop(by).empty() ? 0 : 1; }) == 0);
    CHECK(names_in(d.at).size() == 2);
    REQUIRE(in_child([&] {
        const bool well = files.export_spans(batch_of(2), by).empty() && files.stop(by).empty();
        return well && files.chrome_path() == d.text + "/traces." + std::to_string(getpid()) + ".json" ? 0 : 1;
    }) == 0);
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    REQUIRE(files.stop(by).empty());
    const auto names = names_in(d.at);
    REQUIRE(names.size() == 3);
    CHECK(whole_trace(d.at / "traces.json") == 2);
    CHECK(whole_lines(d.at / "traces.jsonl") == 4);
    for (const std::string& name : names)
        if (name != "traces.json" && name != "traces.jsonl") CHECK(whole_trace(d.at / name) == 2);
}

TEST_CASE("processes that write and rotate one file at once lose no line") {
    const directory d;
    constexpr int processes = 4, exports = 60;
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        const pid_t child = fork();
        if (child == 0) {
            apm::file files({.directory = d.text, .chrome = false, .max_bytes = 5'000, .keep = 1000});
            bool well = files.start(who).empty();
            for (int i = 0; i < exports; ++i) well = files.export_spans(batch_of(3, 100), by).empty() && well;
            well = files.stop(by).empty() && well;
            _exit(well ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(status == 0);
    }
    std::size_t spans = 0;
    for (const std::string& name : names_in(d.at)) spans += whole_lines(d.at / name);
    CHECK(spans == processes * exports * 3);
    CHECK(names_in(d.at).size() > 2);  // it was rotated; how often depends on who wrote when
}

TEST_CASE("a program may change its directory") {
    const directory d, other;
    const fs::path here = fs::current_path();
    fs::current_path(d.at);
    apm::file files;
    REQUIRE(files.start(who).empty());
    fs::current_path(other.at);
    REQUIRE(files.export_spans(batch_of(1), by).empty());
    REQUIRE(files.stop(by).empty());
    fs::current_path(here);
    CHECK(names_in(d.at).size() == 2);
    CHECK(names_in(other.at).empty());
}

TEST_CASE("it may be started again") {
    const directory d;
    apm::file files({.directory = d.text});
    for (int run = 1; run <= 2; ++run) {
        REQUIRE(files.start(who).empty());
        REQUIRE(files.export_spans(batch_of(run), by).empty());
        REQUIRE(files.stop(by).empty());
    }
    CHECK(whole_lines(d.at / "traces.jsonl") == 3);
    CHECK(whole_trace(d.at / "traces.json") == 2);
    CHECK(whole_trace(d.at / "traces.json.1") == 1);
}
