// The thread that hands snapshots to push back ends, and what it does about those that do not behave.
#include <apm/runtime/push_thread.hpp>

#include <future>
#include <stdexcept>

#include "catch.hpp"
#include "support.hpp"

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

template <class Condition>
bool soon(Condition&& is_true) {
    for (const auto end = clock_type::now() + 10s; clock_type::now() < end; std::this_thread::sleep_for(1ms))
        if (is_true()) return true;
    return false;
}

}  // namespace

TEST_CASE("a back end is called at its interval and once more at the end") {
    counting often, never;
    often.every = 2ms;
    never.every = std::chrono::milliseconds::max();
    push_thread t({any_backend::of(often), any_backend::of(never)});
    CHECK(soon([&] { return often.exports >= 5; }));
    CHECK(never.exports == 0);
    CHECK(t.stop(clock_type::now() + 10s));
    CHECK(never.exports == 1);
    const int after = often.exports;
    std::this_thread::sleep_for(20ms);
    CHECK(often.exports == after);
}

TEST_CASE("an interval of nothing is not an endless loop") {
    counting b;
    b.every = -5s;
    push_thread t({any_backend::of(b)});
    std::this_thread::sleep_for(30ms);
    CHECK(t.stop(clock_type::now() + 10s));
    CHECK(b.exports <= 32);
}

TEST_CASE("a flush exports at once and says whether that went well") {
    const reported said;
    counting b;
    push_thread t({any_backend::of(b)});
    CHECK(t.flush(clock_type::now() + 10s));
    CHECK(b.exports == 1);
    b.answer = "connection refused";
    CHECK_FALSE(t.flush(clock_type::now() + 10s));
    CHECK(b.exports == 2);
    CHECK(said.take() == lines{"mine: connection refused"});
    b.answer.clear();
    CHECK(t.stop(clock_type::now() + 10s));
}

TEST_CASE("without a push back end there is no thread, and nothing to wait for") {
    push_thread t({});
    CHECK(t.flush(clock_type::now()));
    CHECK(t.stop(clock_type::now()));
}

TEST_CASE("a back end that throws is one line each time") {
    const reported said;
    throwing b;
    push_thread t({any_backend::of(b)});
    CHECK_FALSE(t.flush(clock_type::now() + 10s));
    CHECK_FALSE(t.flush(clock_type::now() + 10s));
    CHECK(said.take() == lines{"mine: threw: no room", "mine: threw"});
    CHECK(t.stop(clock_type::now() + 10s));
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
        CHECK(t.busy(any_backend::of(*stuck)));
        CHECK_FALSE(t.busy(any_backend::of(other)));

        start = clock_type::now();
        CHECK_FALSE(t.stop(start + 50ms));
        CHECK(clock_type::now() - start >= 50ms);
        CHECK(clock_type::now() - start < 5s);
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
    CHECK(t.stop(clock_type::now() + 10s));
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE}) CHECK(sigismember(&b.blocked, signal));
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    CHECK_FALSE(sigismember(&mine, SIGTERM));
}
