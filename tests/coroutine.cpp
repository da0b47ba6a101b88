#include <apm/coroutine.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "threads.hpp"

namespace {

APM_FIELDS(Number, (std::int64_t, number));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "coroutine test"};
    span<Number> outer{this, "outer", "of a coroutine"};
    span<Number> inner{this, "inner", "below outer"};
    span<Number> third{this, "third", "below inner"};
    span<>       own  {this, "own", "of a thread"};
    span<>       plain{this, "plain", "whatever"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

apm::span_batch drain() { return apm::drain_spans(64 << 20); }
std::int64_t number_of(const apm::span_view& s) {
    std::int64_t n = -1;
    s.attributes([&](const apm::attribute_view& a) {
        a.visit([&](auto v) {
            if constexpr (std::same_as<decltype(v), std::int64_t>) n = v;
        });
    });
    return n;
}
const apm::span_view& find(const apm::span_batch& all, const apm::span_row& row, std::int64_t number = -1) {
    for (const apm::span_view& s : all.spans)
        if (&s.row() == &row && number_of(s) == number) return s;
    FAIL("no span " << row.name << " " << number);
    return all.spans.front();
}
std::size_t idle_bytes() { return apm::detail::process_root().bytes.load(); }

// Threads that resume whatever is given to them; each has a span of its own open all the time.
class pool {
public:
    explicit pool(std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
    }
    ~pool() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (std::thread& t : threads_) t.join();
    }
    void post(std::coroutine_handle<> h) {
        {
            const std::lock_guard lock(mutex_);
            ready_.push_back(h);
        }
        wake_.notify_one();
    }
    struct hop {
        pool& to;
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> h) const { to.post(h); }
        void await_resume() const {}
    };
    [[nodiscard]] hop away() { return {*this}; }

    std::atomic<int> wrong{0};  // how often a thread found another span current than its own
    std::mutex own_mutex;
    std::set<std::uint64_t> own;

private:
    void run() {
        TRACE_SCOPE(telemetry.own);
        const apm::context mine = apm::context::current();
        {
            const std::lock_guard lock(own_mutex);
            own.insert(mine.span);
        }
        for (;;) {
            std::coroutine_handle<> next;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return stop_ || !ready_.empty(); });
                if (ready_.empty()) return;
                next = ready_.front();
                ready_.pop_front();
            }
            next.resume();
            if (apm::context::current() != mine) ++wrong;
        }
    }
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::coroutine_handle<>> ready_;
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

apm::traced_task<int> leaf(pool& p, int number) {
    TRACE_SCOPE(telemetry.third, {.number = number});
    co_await p.away();
    co_return number;
}
apm::traced_task<int> middle(pool& p, int number) {
    co_await p.away();
    TRACE_SCOPE(telemetry.inner, {.number = number});
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        sum += co_await leaf(p, number * 10 + i);
        co_await p.away();
    }
    co_return sum;
}
apm::traced_task<int> whole(pool& p, int number) {
    auto scope = telemetry.outer.scope({.number = number});
    co_await p.away();
    const int sum = co_await middle(p, number * 10) + co_await middle(p, number * 10 + 1);
    co_await p.away();
    co_return sum;
}

// A coroutine that runs at once and that is not waited for, with a context of its own.
struct detached {
    struct promise_type {
        detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

}  // namespace

TEST_CASE("spans of coroutines that hop between threads at every co_await have the parents that the program says") {
    // Before any thread here has one: chance may let one thread end nearly all of the spans.
    apm::detail::process_root().ring_bytes.store(1 << 20);
    drain();
    const int coroutines = 200;
    apm::context above;
    std::set<std::uint64_t> own;
    {
        pool p(4);
        TRACE_SCOPE(telemetry.plain);
        above = apm::context::current();
        std::vector<std::thread> waiting;
        std::atomic<int> bad{0};
        const auto here = apm::context::current();
        for (int t = 0; t < 4; ++t)
            waiting.emplace_back([&, t] {
                const auto attached = apm::attach(here);
                std::vector<apm::traced_task<int>> tasks;
                for (int i = t; i < coroutines; i += 4) tasks.push_back(whole(p, i));
                int i = t;
                for (auto& task : tasks) {
                    const int n = i;
                    i += 4;
                    // 3 leaves below each of two: 100 n + 0, 1, 2 and 100 n + 10, 11, 12
                    if (apm::sync_wait(std::move(task)) != 600 * n + 36) ++bad;
                    if (apm::context::current() != here) ++bad;
                }
            });
        for (std::thread& t : waiting) t.join();
        CHECK(bad == 0);
        CHECK(p.wrong == 0);
        own = p.own;
    }
    const apm::span_batch all = drain();
    REQUIRE_FALSE(all.more);
    REQUIRE(apm::count_spans().dropped() == 0);
    std::map<std::pair<const apm::span_row*, std::int64_t>, const apm::span_view*> by_number;
    std::set<std::uint64_t> ids;
    for (const apm::span_view& s : all.spans) {
        CHECK(ids.insert(s.id()).second);
        CHECK(own.count(s.parent()) == 0);
        if (&s.row() != &telemetry.own) CHECK(by_number.emplace(std::pair(&s.row(), number_of(s)), &s).second);
    }
    CHECK(by_number.size() == std::size_t{1 + 200 * (1 + 2 + 6)});
    const auto get = [&](const apm::span_row& row, std::int64_t n) -> const apm::span_view& {
        const auto found = by_number.find({&row, n});
        if (found == by_number.end()) FAIL("no " << row.name << " " << n);
        return *found->second;
    };
    for (std::int64_t n = 0; n < coroutines; ++n) {
        const auto& top = get(telemetry.outer, n);
        CHECK(top.parent() == above.span);
        CHECK(top.trace() == above.trace);
        for (std::int64_t m : {0, 1}) {
            const auto& mid = get(telemetry.inner, n * 10 + m);
            CHECK(mid.parent() == top.id());
            for (std::int64_t l : {0, 1, 2}) {
                const auto& low = get(telemetry.third, (n * 10 + m) * 10 + l);
                CHECK(low.parent() == mid.id());
                CHECK(low.trace() == above.trace);
                CHECK(low.status() == apm::span_status::unset);
            }
        }
    }
}

namespace {

apm::traced_task<> empty() { co_return; }
apm::traced_task<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(7); }
apm::traced_task<int&> reference(int& to) { co_return to; }
apm::traced_task<std::string> text() { co_return "braces and conversions"; }
apm::traced_task<int> throwing(bool really) {
    TRACE_SCOPE(telemetry.plain);
    co_await std::suspend_never{};
    if (really) throw std::runtime_error("no");
    co_return 1;
}
apm::traced_task<int> passes_on() {
    TRACE_SCOPE(telemetry.own);
    co_return co_await throwing(true);
}

}  // namespace

TEST_CASE("a task's result is a value, a reference, nothing, something that only moves, or an exception") {
    apm::sync_wait(empty());
    CHECK(*apm::sync_wait(move_only()) == 7);
    int x = 1;
    CHECK(&apm::sync_wait(reference(x)) == &x);
    CHECK(apm::sync_wait(text()) == "braces and conversions");
    CHECK(apm::sync_wait(throwing(false)) == 1);
    drain();
    CHECK_THROWS_WITH(apm::sync_wait(passes_on()), "no");
    const apm::span_batch all = drain();
    REQUIRE(all.spans.size() == 2);
    CHECK(all.spans[0].status() == apm::span_status::error);
    CHECK(all.spans[1].status() == apm::span_status::error);
    CHECK(all.spans[0].parent() == all.spans[1].id());
    static_assert(std::is_same_v<decltype(apm::sync_wait(reference(x))), int&>);
    static_assert(std::is_same_v<decltype(apm::sync_wait(empty())), void>);
    static_assert(!std::is_copy_constructible_v<apm::traced_task<int>>);
}

TEST_CASE("spans of a task are children of where it was created, not of where it is awaited") {
    drain();
    const auto make = []() -> apm::traced_task<int> { return throwing(false); };
    std::uint64_t creator = 0;
    auto task = [&] {
        auto scope = telemetry.outer.scope({.number = 1});
        creator = scope.context().span;
        return make();
    }();
    {
        TRACE_SCOPE(telemetry.own);
        const auto before = apm::context::current();
        apm::sync_wait(std::move(task));
        CHECK(apm::context::current() == before);
    }
    CHECK(find(drain(), telemetry.plain).parent() == creator);
    // Where nothing was current there, a trace begins.
    auto orphan = make();
    {
        TRACE_SCOPE(telemetry.own);
        apm::sync_wait(std::move(orphan));
    }
    CHECK(find(drain(), telemetry.plain).parent() == 0);
}

namespace {

// Awaitables of all shapes; each says what was current on the thread while the coroutine was suspended.
struct kept_handle {
    std::coroutine_handle<> handle;
    apm::context current_then;
    int resumed = 0;
};
struct is_ready {
    kept_handle& k;
    bool await_ready() { return true; }
    void await_suspend(std::coroutine_handle<>) { FAIL(); }
    int await_resume() { return ++k.resumed; }
};
struct gives_void {
    kept_handle& k;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { k.handle = h, k.current_then = apm::context::current(); }
    int await_resume() { return ++k.resumed; }
};
struct gives_bool {
    kept_handle& k;
    bool suspends;
    bool await_ready() { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        k.handle = h, k.current_then = apm::context::current();
        return suspends;
    }
    int await_resume() { return ++k.resumed; }
};
struct gives_handle {
    kept_handle& k;
    std::coroutine_handle<> next;
    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
        k.handle = h, k.current_then = apm::context::current();
        return next;
    }
    int await_resume() { return ++k.resumed; }
};
struct throws_on_the_way {
    kept_handle& k;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) {
        k.current_then = apm::context::current();
        throw std::logic_error("cannot wait");
    }
    int await_resume() { return ++k.resumed; }
};
struct cannot_be_moved : gives_void {
    explicit cannot_be_moved(kept_handle& h) : gives_void{h} {}
    cannot_be_moved(const cannot_be_moved&) = delete;
    cannot_be_moved& operator=(const cannot_be_moved&) = delete;
};
struct by_member {
    kept_handle& k;
    cannot_be_moved operator co_await() && { return cannot_be_moved(k); }
};
struct by_function {
    kept_handle& k;
};
gives_void operator co_await(const by_function& f) { return {f.k}; }
struct asks_the_promise {
    kept_handle& k;
    bool await_ready() { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> h) {
        static_assert(!std::is_void_v<P>);
        k.handle = h, k.current_then = apm::context::current();
        return true;
    }
    int await_resume() { return ++k.resumed; }
};

detached other(apm::context& seen) {
    co_await std::suspend_always{};
    seen = apm::context::current();
}

// Awaits each of them once, with scopes open; `seen` says whether they were current again afterwards.
detached through_all(kept_handle& k, apm::context& start, std::vector<bool>& seen, std::coroutine_handle<> next) {
    apm::coroutine_context here;
    start = apm::context::current();
    auto outer = telemetry.outer.scope({.number = 1});
    auto inner = telemetry.inner.scope({.number = 1});
    const auto mine = apm::context::current();
    const auto see = [&] { seen.push_back(apm::context::current() == mine); };
    co_await here(is_ready{k});
    see();
    co_await here(gives_bool{k, false});
    see();
    try {
        co_await here(throws_on_the_way{k});
    } catch (const std::logic_error&) {
        seen.push_back(true);
    }
    see();
    co_await here(gives_void{k});
    see();
    co_await here(gives_bool{k, true});
    see();
    co_await here(gives_handle{k, next});
    see();
    co_await here(by_member{k});
    see();
    co_await here(by_function{k});
    see();
    by_function named{k};
    co_await here(named);
    see();
    cannot_be_moved still(k);
    co_await here(still);
    see();
    const int last = co_await here(asks_the_promise{k});
    see();
    seen.push_back(last == k.resumed);
}

}  // namespace

TEST_CASE("a coroutine_context goes along with every shape of awaitable") {
    drain();
    TRACE_SCOPE(telemetry.own);
    const auto here = apm::context::current();
    kept_handle k;
    apm::context start, in_other;
    std::vector<bool> seen;
    const detached second = other(in_other);
    const detached first = through_all(k, start, seen, second.handle);
    CHECK(start == here);
    CHECK(seen.size() == 4);
    int steps = 0;
    apm::context thread = here;
    while (!first.handle.done()) {
        ++steps;
        CHECK(k.current_then == thread);            // within await_suspend nothing of the coroutine's is current
        CHECK(apm::context::current() == here);     // nor while it is suspended
        std::thread([&] {                           // and it takes it along
            TRACE_SCOPE(telemetry.plain);
            thread = apm::context::current();
            k.handle.resume();
            CHECK(apm::context::current() == thread);
        }).join();
    }
    CHECK(steps == 8);
    CHECK(second.handle.done());
    CHECK(in_other != here);                        // it ran on a thread whose current span is another
    CHECK(in_other.valid());
    CHECK(seen.size() == 13);
    for (const bool s : seen) CHECK(s);
    const apm::span_batch all = drain();
    CHECK(find(all, telemetry.outer, 1).parent() == here.span);
    CHECK(find(all, telemetry.inner, 1).parent() == find(all, telemetry.outer, 1).id());
    CHECK(in_other.span != find(all, telemetry.inner, 1).id());
    first.handle.destroy();
    second.handle.destroy();
    CHECK(apm::context::current() == here);
}

namespace {

apm::traced_task<> waits_for_ever(kept_handle& k, int depth) {
    TRACE_SCOPE(telemetry.outer, {.number = depth});
    if (depth > 0) co_await waits_for_ever(k, depth - 1);
    else co_await gives_void{k};
}
detached starts(apm::traced_task<> task) { co_await std::move(task); }

}  // namespace

TEST_CASE("a coroutine that is destroyed while it is suspended ends its spans, and gives everything back") {
    drain();
    TRACE_SCOPE(telemetry.own);
    const auto here = apm::context::current();
    kept_handle k;
    const auto once = [&] {
        const detached d = starts(waits_for_ever(k, 3));
        CHECK_FALSE(d.handle.done());
        CHECK(apm::context::current() == here);
        d.handle.destroy();
    };
    once();
    const apm::span_batch all = drain();
    REQUIRE(all.spans.size() == 4);
    for (std::int64_t i = 0; i < 4; ++i) {
        CHECK(find(all, telemetry.outer, i).parent() == (i == 3 ? here.span : find(all, telemetry.outer, i + 1).id()));
        CHECK(find(all, telemetry.outer, i).status() == apm::span_status::unset);
    }
    CHECK(apm::context::current() == here);
    // Begun or not, destroyed here or elsewhere.
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < repeat(100'000); ++i) {
        if (i == 100) before = idle_bytes();
        switch (i % 3) {
            case 0: once(); break;
            case 1: static_cast<void>(waits_for_ever(k, 0)); break;
            default: {
                detached d = starts(waits_for_ever(k, 0));
                if (i % 999 == 2) std::thread([&] { d.handle.destroy(); }).join();
                else d.handle.destroy();
            }
        }
    }
    drain();
    CHECK(idle_bytes() - before < 64 * 1024);  // some for each thread, none for each coroutine
    CHECK(apm::context::current() == here);
}

TEST_CASE("100,000 tasks that run to their end take no more memory than one") {
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < repeat(100'000); ++i) {
        if (i == 100) before = idle_bytes();
        apm::sync_wait(throwing(false));
    }
    CHECK(idle_bytes() == before);
    drain();
}

TEST_CASE("a span that is moved out of a coroutine which is then destroyed still ends, once, and gives its place back") {
    drain();
    using plain = apm::scoped_span<decltype(Schema::plain)>;
    const auto moves_out = [](kept_handle& h, std::unique_ptr<plain>& to) -> detached {
        apm::coroutine_context here;
        auto scope = telemetry.plain.scope();
        TRACE_SCOPE(telemetry.own);
        co_await here(gives_void{h});
        to = std::make_unique<plain>(std::move(scope));
        co_await here(gives_void{h});
    };
    const auto once = [&] {
        kept_handle k;
        std::unique_ptr<plain> kept;
        const detached d = moves_out(k, kept);
        k.handle.resume();
        d.handle.destroy();
        CHECK_FALSE(apm::context::current().valid());
        CHECK(kept->recording());
        kept.reset();
    };
    once();
    CHECK(drain().spans.size() == 2);
    const auto before = idle_bytes();
    for (int i = 0; i < 1000; ++i) once();
    CHECK(idle_bytes() == before);
    drain();
    for (int i = 0; i < 200; ++i) auto scope = telemetry.plain.scope();  // nothing was given back twice
    CHECK(drain().spans.size() == 200);
}

TEST_CASE("a co_await that goes past the context ends its spans all the same") {
    drain();
    kept_handle k;
    const auto goes_past = [](kept_handle& h) -> detached {
        apm::coroutine_context here;
        TRACE_SCOPE(telemetry.plain);
        co_await gives_void{h};
        co_await here(gives_void{h});
    };
    const detached d = goes_past(k);
    CHECK(apm::context::current().valid());  // left behind
    std::thread([&] { k.handle.resume(); }).join();
    std::thread([&] { k.handle.resume(); }).join();
    CHECK(d.handle.done());
    CHECK_FALSE(apm::context::current().valid());
    d.handle.destroy();
    CHECK(drain().spans.size() == 1);
}

TEST_CASE("exceptions of a thread are no failure of a coroutine that it resumes, and those of the coroutine are one") {
    drain();
    kept_handle k;
    struct at_the_end {
        kept_handle& k;
        ~at_the_end() { k.handle.resume(); }
    };
    const auto work = [](kept_handle& h, bool fails) -> detached {
        apm::coroutine_context here;
        try {
            TRACE_SCOPE(telemetry.plain);
            co_await here(gives_void{h});
            if (fails) throw 1;
        } catch (int) {
        }
    };
    for (const bool fails : {false, true}) {
        detached d{};
        try {
            const at_the_end resumes{k};
            d = work(k, fails);
            throw std::runtime_error("of the thread");
        } catch (const std::runtime_error&) {
        }
        d.handle.destroy();
        const apm::span_batch all = drain();
        REQUIRE(all.spans.size() == 1);
        CHECK(all.spans[0].status() == (fails ? apm::span_status::error : apm::span_status::unset));
    }
}

namespace {

// A user's own eager task type with the context in its promise.
struct own_task {
    struct promise_type {
        apm::coroutine_context<> context{apm::not_started};
        own_task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        auto initial_suspend() noexcept { return context(std::suspend_never{}); }
        auto final_suspend() noexcept { return context(std::suspend_always{}); }
        template <class A>
        auto await_transform(A&& a) { return context(std::forward<A>(a)); }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};
own_task own_work(kept_handle& k) {
    TRACE_SCOPE(telemetry.plain);
    co_await gives_void{k};
}

}  // namespace

TEST_CASE("a context in the promise of one's own task type") {
    drain();
    TRACE_SCOPE(telemetry.own);
    const auto here = apm::context::current();
    kept_handle k;
    const own_task t = own_work(k);
    CHECK(apm::context::current() == here);
    k.handle.resume();
    CHECK(apm::context::current() == here);
    CHECK(t.handle.done());
    t.handle.destroy();
    CHECK(find(drain(), telemetry.plain).parent() == here.span);
}

TEST_CASE("unsampled or remote above: so it is in the coroutine") {
    drain();
    const auto work = []() -> apm::traced_task<apm::context> {
        TRACE_SCOPE(telemetry.plain);
        co_return apm::context::current();
    };
    const apm::context remote{{1, 2}, 3, true, true};
    {
        const auto attached = apm::attach(remote);
        const apm::context within = apm::sync_wait(work());
        CHECK(within.trace == remote.trace);
        const apm::span_batch all = drain();
        REQUIRE(all.spans.size() == 1);
        CHECK(all.spans[0].parent() == 3);
        CHECK(all.spans[0].parent_is_remote());
    }
    const apm::context unsampled{{1, 2}, 3, false, false};
    {
        const auto attached = apm::attach(unsampled);
        CHECK(apm::sync_wait(work()) == unsampled);
        CHECK(drain().spans.empty());
    }
}

TEST_CASE("compiled out, the same tasks run without a context") {
    drain();
    using off = apm::traced_task<int, apm::mode::off>;
    static_assert(sizeof(off::promise_type) < sizeof(apm::traced_task<int, apm::mode::on>::promise_type));
    static_assert(std::is_empty_v<apm::coroutine_context<apm::mode::off>>);
    const auto twice = [](int n) -> off { co_return 2 * n; };
    const auto work = [&]() -> off {
        apm::coroutine_context<apm::mode::off> here;
        co_await here(std::suspend_never{});
        const int a = co_await twice(3), b = co_await here(twice(4));
        co_return a + b;
    };
    CHECK(apm::sync_wait(work()) == 14);
    const auto mixed = [&]() -> apm::traced_task<int> { co_return co_await work(); };
    CHECK(apm::sync_wait(mixed()) == 14);
    CHECK(drain().spans.empty());
}
