// What waits on disk: it survives the process, is bounded, and a disk that fails costs no more than that.
// ctest: LABELS serial
#include <apm/backend/delivery/exporter.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <sys/resource.h>
#include <sys/stat.h>

#include "../../catch.hpp"
#include "backend/delivery/sending.hpp"
#include "directory.hpp"

using namespace sending;
using delivery::exporter, delivery::loss;
namespace fs = std::filesystem;

namespace {

struct directory : temporary_directory {
    std::string at = temporary_directory::at.string();
    [[nodiscard]] std::vector<fs::path> files() const {
        std::vector<fs::path> all;
        for (const auto& e : fs::recursive_directory_iterator(at))
            if (e.is_regular_file()) all.push_back(e.path());
        std::sort(all.begin(), all.end());
        return all;
    }
    [[nodiscard]] std::size_t processes() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(at), fs::directory_iterator()));
    }
};
delivery::destination spooled(const directory& d, std::string url, std::string name = "traces") {
    delivery::destination to = hasty(std::move(url), std::move(name));
    to.spool_directory = d.at;
    return to;
}
constexpr const char* nowhere = "http://127.0.0.1:1/v1/traces";

// Puts so many and is killed.
void leave(const delivery::destination& to, int count, const std::string& word = "left ", std::uint64_t items = 3) {
    const int result = in_child([&] {
        exporter d({to});
        if (!d.start().empty()) return 1;
        for (int i = 0; i < count; ++i)
            if (!d.put(0, word + std::to_string(i), items)) return 2;
        std::this_thread::sleep_for(20ms);
        return raise(SIGKILL);
    });
    REQUIRE(result == 1000 + SIGKILL);
}

// Adopts so many items of a delivery that was stopped: its thread may need a moment more to let go of them.
std::unique_ptr<exporter> heir(const delivery::destination& to, std::uint64_t items) {
    std::unique_ptr<exporter> next;
    CHECK(soon([&] {
        next = std::make_unique<exporter>(std::vector{to});
        REQUIRE(next->start().empty());
        return next->count(0).adopted == items;
    }));
    return next;
}

}  // namespace

TEST_CASE("what waits is in files that others cannot read, and goes with the acknowledgement") {
    const directory dir;
    receiver there(hangs());
    delivery::destination to = spooled(dir, there.url());
    to.headers = {{"authorization", "Bearer sesame"}};
    exporter d({to});
    REQUIRE(d.start().empty());
    for (int i = 0; i < 3; ++i) REQUIRE(d.put(0, "body " + std::to_string(i), 5));
    const auto files = dir.files();
    REQUIRE(files.size() == 3);
    struct stat is {};
    for (const fs::path& f : files) {
        REQUIRE(stat(f.c_str(), &is) == 0);
        CHECK((is.st_mode & 0777) == 0600);
        CHECK(is.st_size == 6);
        CHECK(contains(f.filename().string(), ".5."));
        CHECK(f.filename().string().ends_with(".protobuf.otlp"));
        CHECK_FALSE(contains(f.string(), "sesame"));
    }
    REQUIRE(stat(files[0].parent_path().c_str(), &is) == 0);
    CHECK((is.st_mode & 0777) == 0700);
    REQUIRE(soon([&] { return there.count() == 1; }));
    CHECK(time_of([&] { CHECK(d.stop(in(50ms)).empty()); }) < patience / 2);  // nothing is lost
    CHECK(d.count(0).waiting == 15);
    CHECK(d.count(0).lost.all() == 0);
    CHECK(balanced(d.count(0)));
    CHECK(dir.files().size() == 3);

    there.now(answers(200));
    const auto next = heir(to, 15);
    CHECK(next->flush(in(patience)));
    CHECK(next->count(0).delivered == 15);
    CHECK(balanced(next->count(0)));
    CHECK(dir.files().empty());
    CHECK(next->stop(in(patience)).empty());
    CHECK(dir.processes() == 0);
    const auto requests = there.requests();
    REQUIRE(requests.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) CHECK(requests[i + 1].body == "body " + std::to_string(i));
}

TEST_CASE("what processes that were killed left is adopted, oldest first, and once") {
    const directory dir;
    leave(spooled(dir, nowhere), 3, "first ");
    delivery::destination gzip = spooled(dir, nowhere);
    gzip.gzip = true, gzip.encoding = 1;
    leave(gzip, 1, "second ");
    leave(spooled(dir, nowhere, "metrics"), 2, "other ");
    CHECK(dir.files().size() == 6);
    CHECK(dir.processes() == 2);  // the second adopted what the first had left
    receiver there(answers(200));
    exporter d({spooled(dir, there.url())});  // neither gzip nor JSON
    REQUIRE(d.start().empty());
    CHECK(d.count(0).adopted == 12);
    REQUIRE(d.put(0, "new", 1));
    exporter rival({spooled(dir, there.url())});
    REQUIRE(rival.start().empty());
    CHECK(rival.count(0).adopted == 0);
    CHECK(d.flush(in(patience)));
    const auto requests = there.requests();
    REQUIRE(requests.size() == 5);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(requests[i].body == "first " + std::to_string(i));
        CHECK(requests[i].header("Content-Encoding").empty());
        CHECK(requests[i].header("Content-Type") == "application/x-protobuf");
    }
    CHECK(requests[3].header("Content-Encoding") == "gzip");
    CHECK(requests[3].header("Content-Type") == "application/json");
    CHECK(requests[4].body == "new");
    CHECK(dir.files().size() == 2);  // of metrics, which are not sent here
}

TEST_CASE("living processes are left alone") {
    const directory dir;
    int to_child[2], to_parent[2];
    REQUIRE((pipe(to_child) == 0 && pipe(to_parent) == 0));
    const pid_t child = fork();
    if (child == 0) {
        exporter d({spooled(dir, nowhere)});
        char c = 0;
        const bool well = d.start().empty() && d.put(0, "the child's", 1);
        [[maybe_unused]] auto n = write(to_parent[1], "x", 1);
        n = read(to_child[0], &c, 1);
        _exit(well ? 0 : 1);
    }
    char c = 0;
    REQUIRE(read(to_parent[0], &c, 1) == 1);
    receiver there(answers(200));
    {
        exporter d({spooled(dir, there.url())});
        REQUIRE(d.start().empty());
        CHECK(d.count(0).adopted == 0);
        CHECK(dir.files().size() == 1);
    }
    REQUIRE(write(to_child[1], "x", 1) == 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    exporter d({spooled(dir, there.url())});
    REQUIRE(d.start().empty());
    CHECK(d.count(0).adopted == 1);
    CHECK(d.flush(in(patience)));
    for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) close(fd);
}

TEST_CASE("killed at any moment: nothing that was put is lost, and no more than one batch comes twice") {
    const directory dir;
    receiver there(answers(200));
    std::uint64_t put = 0;
    for (std::uint64_t run = 0; run < 12; ++run) {
        int pipe_[2];
        REQUIRE(pipe(pipe_) == 0);
        const pid_t child = fork();
        if (child == 0) {
            exporter d({spooled(dir, there.url())});
            if (!d.start().empty()) _exit(1);
            for (;;) {
                if (!d.put(0, std::string(400, 'x'), 1)) _exit(2);
                if (write(pipe_[1], "x", 1) != 1) _exit(3);
                std::this_thread::sleep_for(200us);
            }
        }
        close(pipe_[1]);
        std::uint64_t puts = 0;
        char some[4096];
        const auto more = [&] {
            const ssize_t n = read(pipe_[0], some, sizeof some);
            if (n > 0) puts += static_cast<std::uint64_t>(n);
            return n > 0;
        };
        while (puts < 15 + 3 * run && more()) {}  // however long they take
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        while (more()) {}
        close(pipe_[0]);
        CHECK(puts >= 15 + 3 * run);
        put += puts;
    }
    exporter d({spooled(dir, there.url())});
    REQUIRE(d.start().empty());
    CHECK(d.flush(in(patience)));
    CHECK(d.stop(in(patience)).empty());
    CHECK(dir.files().empty());
    CHECK(dir.processes() == 0);
    CHECK(there.count() >= put);
    CHECK(there.count() <= put + 2 * 12);  // a batch in flight that is sent again, or one whose put() did not return
}

TEST_CASE("the disk's bound: the newest is refused, or the oldest goes") {
    const directory dir;
    const bool drop_oldest = GENERATE(false, true);
    receiver there(hangs());
    delivery::destination to = spooled(dir, there.url());
    to.spool_bytes = 5000;
    to.drop_oldest = drop_oldest;
    heard all;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, std::string(1000, 'x'), 1));
    REQUIRE(soon([&] { return there.count() == 1; }));
    for (int i = 0; i < 8; ++i) CHECK(d.put(0, std::to_string(i) + std::string(999, 'x'), 1) == (drop_oldest || i < 5));
    CHECK(d.count(0).lost[loss::queue_full] == 3);
    CHECK(d.count(0).waiting == 5);
    CHECK(dir.files().size() == 6);
    CHECK(all.lines().size() == 1);
    CHECK(balanced(d.count(0)));
    CHECK(d.stop(in(0ms)).empty());

    to.spool_bytes = 3000;  // what is adopted is bounded as well
    there.now(answers(200));
    const auto less = heir(to, 6);
    CHECK_FALSE(less->flush(in(patience)));  // it says what was lost
    CHECK(less->flush(in(patience)));
    CHECK(less->count(0).delivered == 3);
    CHECK(less->count(0).lost[loss::queue_full] == 3);
    CHECK(dir.files().empty());
    CHECK(balanced(less->count(0)));
}

TEST_CASE("a disk that fails is said once, and memory is used instead") {
    const directory dir;
    SECTION("no such directory") {
        receiver there(answers(503));
        delivery::destination to = spooled(dir, there.url());
        to.spool_directory += "/not/there";
        heard all;
        exporter d({to}, all.observer());
        REQUIRE(d.start().empty());
        for (int i = 0; i < 3; ++i) REQUIRE(d.put(0, "x", 1));
        REQUIRE(soon([&] { return there.count() >= 2; }));
        CHECK(all.said("traces: cannot open the spool in " + to.spool_directory + ": No such file or directory; make the directory"));
        CHECK(all.lines().size() == 2);
        there.now(answers(200));
        CHECK(d.flush(in(patience)));
        CHECK(d.count(0).delivered == 3);
    }
    SECTION("no room") {
        receiver there(answers(200));
        CHECK(in_child([&] {
                  const rlimit small{1000, 1000};
                  setrlimit(RLIMIT_FSIZE, &small);
                  heard all;
                  exporter d({spooled(dir, there.url())}, all.observer());
                  if (!d.start().empty()) return 1;
                  for (int i = 0; i < 3; ++i)
                      if (!d.put(0, std::string(2000, 'x'), 1)) return 2;
                  if (!d.put(0, std::string(500, 'x'), 1)) return 3;
                  if (!d.flush(in(patience))) return 4;
                  if (!all.said("cannot write the spool in " + dir.at + ": File too large; raise the limit")) return 5;
                  if (!d.stop(in(patience)).empty()) return 6;
                  return d.count(0).delivered == 4 && !all.lines().empty() ? 0 : 7;
              }) == 0);
        CHECK(there.count() == 4);
        CHECK(dir.files().empty());
    }
    SECTION("a full file system") {
        const std::string full = dir.at + "/full";
        fs::create_directory(full);
        if (system(("mount -t tmpfs -o size=64k,mode=700 none " + full + " 2>/dev/null").c_str()) != 0) {
            WARN("skipped: no file system may be mounted here");
            return;
        }
        {
            receiver there(hangs());
            delivery::destination to = spooled(dir, there.url());
            to.spool_directory = full;
            heard all;
            exporter d({to}, all.observer());
            REQUIRE(d.start().empty());
            for (int i = 0; i < 10; ++i) REQUIRE(d.put(0, std::string(20'000, 'x'), 1));
            CHECK(all.said("No space left on device; make room there, or name another directory; what waits is kept in memory"));
            CHECK(all.lines().size() == 1);
            CHECK_FALSE(d.stop(in(0ms)).empty());
            CHECK(d.count(0).lost[loss::shutdown] + d.count(0).waiting == 10);
            CHECK(d.count(0).waiting >= 2);
        }
        CHECK(system(("umount -l " + full).c_str()) == 0);
    }
}

TEST_CASE("a file that cannot be opened just now is not given up") {
    const directory disk;
    silent_port at;
    heard h;
    exporter d({spooled(disk, at.url())}, h.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "body", 10));
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit few{256, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    std::vector<int> all;
    for (int fd = dup(0); fd >= 0; fd = dup(0)) all.push_back(fd);
    const bool said = soon([&] { return static_cast<void>(d.flush(in(20ms))), h.said("Too many open files"); });
    for (const int fd : all) close(fd);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(said);
    CHECK(d.count(0).lost.all() == 0);
    CHECK(d.count(0).waiting + d.count(0).in_flight == 10);
    CHECK(disk.files().size() == 1);
    receiver back(answers(200), at);
    CHECK(soon([&] { return d.count(0).delivered == 10; }));
    CHECK(d.stop(in(patience)).empty());
    CHECK(disk.files().empty());
}

TEST_CASE("one file that cannot be opened does not hold up the others, and is not given up") {
    const directory disk;
    silent_port at;
    delivery::destination to = spooled(disk, at.url());
    to.initial_backoff = to.max_backoff = 20ms;
    exporter d({to});
    REQUIRE(d.start().empty());
    for (int i = 0; i < 3; ++i) REQUIRE(d.put(0, "body " + std::to_string(i), 3));
    // At no moment is there none by its name.
    const fs::path first = disk.files().front(), kept = disk.at + "/kept", loop = disk.at + "/loop";
    fs::create_hard_link(first, kept);
    fs::create_symlink(first, loop);
    fs::rename(loop, first);  // ELOOP: root cannot open it either
    const std::uint64_t tried = d.count(0).requests;  // nor has an attempt still what it read of it
    REQUIRE(soon([&] { return d.count(0).requests >= tried + 3; }));
    receiver there(answers(200), at);
    CHECK(soon([&] { return d.count(0).delivered == 6; }));
    CHECK(d.count(0).lost.all() == 0);
    CHECK(d.count(0).waiting + d.count(0).in_flight == 3);
    fs::rename(kept, first);
    CHECK(soon([&] { return d.count(0).delivered == 9; }));
    CHECK(d.stop(in(patience)).empty());
    CHECK(disk.files().empty());
}

TEST_CASE("files that are damaged are lost and counted; half-written ones are removed; what is not ours stays") {
    const directory dir;
    leave(spooled(dir, nowhere), 5);
    const auto files = dir.files();
    REQUIRE(files.size() == 5);
    const fs::path at = files[0].parent_path();
    std::ofstream(files[0]) << "LEFT 0";                  // other bytes
    fs::resize_file(files[1], 3);                          // torn
    std::ofstream(at / "000000000099.1.00000000.protobuf.otlp.unfinished") << "half";
    std::ofstream(at / "notes.txt") << "another's";
    std::ofstream(at / "1.99999999999999999999999.0.protobuf.otlp") << "x";
    std::ofstream(at / "000000000097.4000000000.00000000.protobuf.otlp") << "4 bi";  // no more items than bytes
    std::ofstream(at / "000000000096.4000000000.00000000.protobuf.gzip.otlp") << "4";
    fs::create_symlink("/etc/passwd", at / "000000000098.1.00000000.protobuf.otlp");
    fs::create_directory(fs::path(dir.at) / "traces.x");
    receiver there(answers(200));
    heard all;
    exporter d({spooled(dir, there.url())}, all.observer());
    REQUIRE(d.start().empty());
    CHECK(d.count(0).adopted == 15 + 4 + 1032);
    REQUIRE(soon([&] { return d.count(0).waiting + d.count(0).in_flight == 0; }));
    CHECK(d.count(0).delivered == 9);
    CHECK(d.count(0).lost[loss::spool_failed] == 6 + 4 + 1032);
    CHECK(d.count(0).requests == 3);
    CHECK(balanced(d.count(0)));
    CHECK(d.stop(in(patience)).empty());
    CHECK(all.said("cannot read the spool in " + dir.at + ": a file is not what was written"));
    CHECK(fs::exists(at / "notes.txt"));
    CHECK_FALSE(fs::exists(at / "000000000099.1.00000000.protobuf.otlp.unfinished"));
    CHECK(dir.files().size() == 3);  // with the link, and the one whose name makes no sense
}

TEST_CASE("what the receiver does not take in time stays on disk, and one that it chokes on does not hold up the rest") {
    const directory dir;
    receiver there([](const peer& p, const request& r, std::size_t) {
        return p.say(answer_text(r.body == "poison" ? 503 : 200, {}, {}));
    });
    delivery::destination to = spooled(dir, there.url());
    to.max_elapsed_time = 30ms;
    exporter d({to});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "poison", 1));
    for (int i = 0; i < 5; ++i) REQUIRE(d.put(0, "good", 1));
    CHECK(soon([&] { return d.count(0).delivered == 5; }));
    CHECK(d.count(0).waiting + d.count(0).in_flight == 1);
    CHECK(d.count(0).lost.all() == 0);
    CHECK(time_of([&] { CHECK(d.stop(in(patience)).empty()); }) < patience / 2);  // after one more attempt: the next process has it
    CHECK(dir.files().size() == 1);
}

TEST_CASE("an outage that lasts costs no time of a processor") {
    const directory dir;
    delivery::destination to = spooled(dir, nowhere);
    to.max_elapsed_time = 1ms;
    to.initial_backoff = to.max_backoff = 1h;
    exporter d({to});
    REQUIRE(d.start().empty());
    for (int i = 0; i < 3; ++i) REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return d.count(0).requests == 1 && d.count(0).waiting == 3; }));
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    std::this_thread::sleep_for(200ms);
    getrusage(RUSAGE_SELF, &after);
    const auto used = [](const rusage& r) { return r.ru_utime.tv_sec * 1000 + r.ru_utime.tv_usec / 1000 + r.ru_stime.tv_usec / 1000; };
    CHECK(used(after) - used(before) < 60);
    CHECK(after.ru_nvcsw - before.ru_nvcsw < 50);
    CHECK(d.count(0).requests == 1);
}

TEST_CASE("a forked child has a directory of its own, and does not keep the parent's") {
    const directory dir;
    receiver there(hangs());
    exporter d({spooled(dir, there.url())});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "parent", 1));
    CHECK(in_child([&] {
              if (!d.put(0, "child", 1)) return 1;
              if (dir.processes() != 2 || dir.files().size() != 2) return 2;
              return d.stop(in(50ms)).empty() ? 0 : 3;
          }) == 0);
    CHECK(dir.files().size() == 2);
    CHECK(d.stop(in(10ms)).empty());
    there.now(answers(200));
    std::uint64_t adopted = 0;  // the child's at once, the parent's when its thread has let go of it
    CHECK(soon([&] {
        exporter next({spooled(dir, there.url())});
        REQUIRE(next.start().empty());
        adopted += next.count(0).adopted;
        CHECK(next.flush(in(patience)));
        return adopted == 2;
    }));
    CHECK(dir.files().empty());
}
