// The thread that hands snapshots to push back ends, and what it does about those that do not behave.
#include <apm/runtime/any_backend.hpp>
#include <apm/runtime/push_thread.hpp>

#include <future>
#include <stdexcept>

#include <sys/resource.h>

#include "catch.hpp"
#include "runtime/support.hpp"

using namespace std::chrono_literals;
using apm::detail::any_backend, apm::detail::push_thread;
using clock_type = std::chrono::steady_clock;

namespace {

struct backend_base {
    std::chrono::milliseconds every = 1h;
    std::atomic<int> exports = 0, stops = 0;
    apm::error answer;

    std::string_view name() const { return "mine"; }
    std::chrono::milliseconds interval() const { return every; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return ++stops, apm::error{}; }
};
struct counting : backend_base {
    apm::error export_metrics(apm::snapshot&, apm::deadline) { return ++exports, answer; }
};
// Hangs in its export until it is let go.
struct hanging : backend_base {
    std::promise<void> go;
    std::shared_future<void> gone = go.get_future().share();
    apm::error export_metrics(apm::snapshot&, apm::deadline) { return ++exports, gone.wait(), "let go"; }
};
struct throwing : backend_base {
    apm::error export_metrics(apm::snapshot&, apm::deadline) {
        if (++exports == 1) throw std::runtime_error("no room");
        throw 1;
    }
};

}  // namespace

TEST_CASE("a back end is called at its interval and once more at the end") {
    counting often, never;
    often.every = 2ms;
    never.every = std::chrono::milliseconds::max();
    push_thread t({any_backend::of(often), any_backend::of(never)});
    CHECK(soon([&] { return often.exports >= 5; }));
    CHECK(never.exports == 0);
    CHECK(t.stop(clock_type::now() + patience));
    CHECK(never.exports == 1);
    const int after = often.exports;
    std::this_thread::sleep_for(20ms);
    CHECK(often.exports == after);
}

TEST_CASE("an interval of nothing is not an endless loop") {
    counting b;
    b.every = -5s;
    const auto took = time_of([&] {
        push_thread t({any_backend::of(b)});
        std::this_thread::sleep_for(30ms);
        CHECK(t.stop(clock_type::now() + patience));
    });
    CHECK(b.exports <= took / 1ms + 2);
}

TEST_CASE("a flush exports at once and says whether that went well") {
    const reported said;
    counting b;
    push_thread t({any_backend::of(b)});
    CHECK(t.flush(clock_type::now() + patience));
    CHECK(b.exports == 1);
    b.answer = "connection refused";
    CHECK_FALSE(t.flush(clock_type::now() + patience));
    CHECK(b.exports == 2);
    CHECK(said.take() == lines{"mine: connection refused"});
    b.answer.clear();
    CHECK(t.stop(clock_type::now() + patience));
}

TEST_CASE("without a push back end there is no thread, and nothing to wait for") {
    push_thread t({});
    CHECK(t.flush(clock_type::now()));
    CHECK(t.stop(clock_type::now()));
}

TEST_CASE("a back end that throws is one line a cause and minute") {
    const reported said;
    throwing b;
    push_thread t({any_backend::of(b)});
    CHECK_FALSE(t.flush(clock_type::now() + patience));
    CHECK_FALSE(t.flush(clock_type::now() + patience));
    CHECK_FALSE(t.flush(clock_type::now() + patience));
    CHECK(said.take() == lines{"mine: threw: no room", "mine: threw"});
    CHECK(t.stop(clock_type::now() + patience));
    CHECK(said.take().empty());
}

TEST_CASE("a throttle admits one line a cause and minute, and so many causes") {
    constexpr std::uint64_t minute = apm::detail::throttle::pause_ns;
    apm::detail::throttle one;
    CHECK(one.admits("a", "no memory", 5));
    CHECK_FALSE(one.admits("a", "no memory", minute + 4));
    CHECK(one.admits("b", "no memory", minute + 4));
    CHECK(one.admits("a", "threw", minute + 4));
    CHECK(one.admits("a", "no memory", minute + 5));
    apm::detail::throttle many;
    std::size_t said = 0;
    for (int i = 0; i < 1000; ++i) said += many.admits("a", std::to_string(i), 1);
    CHECK(said == apm::detail::throttle::most_causes);
    CHECK(many.admits("a", "new", minute + 1));
}

TEST_CASE("a flush gives up at its deadline; so does the end, which leaves the thread to the one that hangs") {
    const reported said;
    counting other;
    auto stuck = std::make_unique<hanging>();
    {
        push_thread t({any_backend::of(*stuck), any_backend::of(other)});
        auto start = clock_type::now();
        CHECK_FALSE(t.flush(start + 50ms));
        CHECK(clock_type::now() - start >= 50ms);
        CHECK(soon([&] { return t.busy(any_backend::of(*stuck)); }));
        CHECK_FALSE(t.busy(any_backend::of(other)));

        start = clock_type::now();
        CHECK_FALSE(t.stop(start + 50ms));
        CHECK(clock_type::now() - start >= 50ms);
        CHECK(clock_type::now() - start < patience);
    }
    CHECK(other.exports == 0);
    stuck->go.set_value();
    CHECK(soon([&] { return said.take() == lines{"mine: let go"}; }));  // its thread is done with it ...
    std::this_thread::sleep_for(20ms);
    CHECK(stuck->exports == 1);
    CHECK(other.exports == 0);  // ... and touches no other, which may be gone
}

TEST_CASE("signals are never delivered to it") {
    struct looking : backend_base {
        sigset_t blocked{};
        apm::error export_metrics(apm::snapshot&, apm::deadline) {
            pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
            return {};
        }
    } b;
    push_thread t({any_backend::of(b)});
    CHECK(t.stop(clock_type::now() + patience));
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE}) CHECK(sigismember(&b.blocked, signal));
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    CHECK_FALSE(sigismember(&mine, SIGTERM));
}

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.push_thread"};

    span<> work{this, "work", "Something to be seen"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void work(int times) {
    for (int i = 0; i < times; ++i) static_cast<void>(telemetry.work.scope<apm::mode::on>());
}

// Takes spans, and nothing else.
struct taking {
    std::atomic<std::size_t> spans = 0, batches = 0;
    apm::error answer = {};

    std::string_view name() const { return "taking"; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return {}; }
    apm::error export_spans(const apm::span_batch& b, apm::deadline) {
        spans += b.spans.size(), ++batches;
        return answer;
    }
};

void drain() {
    while (apm::drain_spans().more) {}
}

}  // namespace

TEST_CASE("spans go to every back end that takes them: at their interval, at a flush, at the end") {
    drain();
    taking one, other;
    push_thread t({any_backend::of(one), any_backend::of(other)}, {.span_interval = 5ms});
    work(3);
    CHECK(soon([&] { return one.spans == 3 && other.spans == 3; }));
    CHECK(t.stop(clock_type::now() + patience));

    push_thread seldom({any_backend::of(one)}, {.span_interval = 1h});
    work(2);
    CHECK(seldom.flush(clock_type::now() + patience));
    CHECK(one.spans == 5);
    work(1);
    CHECK(seldom.stop(clock_type::now() + patience));
    CHECK(one.spans == 6);
    CHECK(other.spans == 3);
}

TEST_CASE("a thread whose ring is half full wakes the one that empties it") {
    drain();
    taking b;
    push_thread t({any_backend::of(b)}, {.span_interval = 1h});
    work(400);  // 25 KiB of 64
    std::this_thread::sleep_for(20ms);
    CHECK(b.spans == 0);
    work(200);
    CHECK(soon([&] { return b.spans >= 500; }));
    work(600);
    CHECK(soon([&] { return b.spans >= 1000; }));  // the second time, too
    CHECK(t.stop(clock_type::now() + patience));
    CHECK(b.spans == 1200);
}

TEST_CASE("a ring that was half full before there was a thread to empty it is read at once") {
    drain();
    work(600);
    taking b;
    push_thread t({any_backend::of(b)}, {.span_interval = 1h});
    CHECK(soon([&] { return b.spans == 600; }));
    CHECK(t.stop(clock_type::now() + patience));
}

TEST_CASE("a ring that becomes half full again while another batch is exported is read right after it") {
    struct slow : taking {
        apm::error export_spans(const apm::span_batch& b, apm::deadline by) {
            if (batches == 0) in_threads(1, [](std::size_t) { work(600); });  // after the rings were read for this batch
            return taking::export_spans(b, by);
        }
    } b;
    drain();
    push_thread t({any_backend::of(b)}, {.span_interval = 1h});
    work(600);
    CHECK(soon([&] { return b.spans >= 1100; }));
    CHECK(t.stop(clock_type::now() + patience));
    CHECK(b.spans == 1200);
}

TEST_CASE("without anything recorded no back end is called, and the thread wakes no oftener than at its interval") {
    drain();
    taking b;
    push_thread t({any_backend::of(b)}, {.span_interval = 20ms});
    rusage before{}, after{};
    const auto took = time_of([&] {
        getrusage(RUSAGE_SELF, &before);
        std::this_thread::sleep_for(400ms);
        getrusage(RUSAGE_SELF, &after);
    });
    CHECK(t.stop(clock_type::now() + patience));
    CHECK(b.batches == 0);
    CHECK(after.ru_nvcsw - before.ru_nvcsw <= 2 * (took / 20ms));  // this thread's sleep among them, and a sanitizer's own
}

TEST_CASE("spans that a back end fails to take are counted, and not offered again") {
    const reported said;
    drain();
    const auto before = apm::detail::process_root().undelivered.load();
    taking good, bad;
    bad.answer = "no room";
    push_thread t({any_backend::of(bad), any_backend::of(good)}, {.span_interval = 1h});
    work(7);
    CHECK_FALSE(t.flush(clock_type::now() + patience));
    CHECK(said.take() == lines{"taking: no room"});
    CHECK(good.spans == 7);
    CHECK(bad.spans == 7);
    CHECK(apm::detail::process_root().undelivered.load() == before + 7);
    CHECK(t.flush(clock_type::now() + patience));  // nothing is left
    CHECK(t.stop(clock_type::now() + patience));
}

TEST_CASE("a thread that is left behind in a back end takes no more spans: they are the next one's") {
    struct stuck : taking {
        std::promise<void> go;
        std::shared_future<void> gone = go.get_future().share();
        apm::error export_spans(const apm::span_batch& b, apm::deadline) { return spans += b.spans.size(), gone.wait(), apm::error{}; }
    };
    drain();
    static stuck& bad = *new stuck;  // its thread may be on the way out of it when the program ends
    taking good;
    {
        push_thread t({any_backend::of(bad)}, {.span_interval = 1h});
        in_threads(24, [](std::size_t) { work(1000); });  // more than one batch
        CHECK_FALSE(t.flush(clock_type::now() + 50ms));
        REQUIRE(soon([&] { return bad.spans > 0; }));
        CHECK_FALSE(t.stop(clock_type::now() + 50ms));
    }
    const std::size_t one_batch = bad.spans;
    drain();
    push_thread next({any_backend::of(good)}, {.span_interval = 1h});
    work(500);
    bad.go.set_value();
    std::this_thread::sleep_for(50ms);
    CHECK(next.flush(clock_type::now() + patience));
    CHECK(good.spans == 500);
    CHECK(bad.spans == one_batch);
    CHECK(next.stop(clock_type::now() + patience));
}

TEST_CASE("a program that ends spans faster than they can be sent starves neither snapshots, nor a flush, nor the end") {
    struct slow : taking {
        apm::error export_spans(const apm::span_batch& b, apm::deadline) {
            std::this_thread::sleep_for(5ms);
            return spans += b.spans.size(), apm::error{};
        }
    } spans;
    counting snapshots;
    snapshots.every = 20ms;
    drain();
    push_thread t({any_backend::of(spans), any_backend::of(snapshots)}, {.span_interval = 1ms});
    std::atomic<bool> stop{false};
    std::vector<std::thread> busy;
    for (int i = 0; i < 3; ++i) busy.emplace_back([&] { while (!stop) work(100); });
    CHECK(soon([&] { return snapshots.exports >= 5; }));
    CHECK(t.flush(clock_type::now() + patience));
    CHECK(t.stop(clock_type::now() + patience));
    stop = true;
    for (std::thread& b : busy) b.join();
}
