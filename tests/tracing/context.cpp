#include <apm/tracing/context.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
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

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "context test"};
    span<> outer{this, "outer", "a span"};
    span<> inner{this, "inner", "another"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

constexpr apm::context somewhere{{0x0102030405060708, 0x1112131415161718}, 0x2122232425262728, true, false};
constexpr apm::context elsewhere{{3, 4}, 5, true, false};

// A span that is traced here and now, as it comes out.
apm::span_batch traced_here() {
    apm::drain_spans();
    { TRACE_SCOPE(telemetry.inner); }
    apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    return all;
}
std::uint64_t parent_here() { return traced_here().spans[0].parent(); }

int plain_function(int x) { return x + static_cast<int>(apm::context::current().span); }

}  // namespace

TEST_CASE("a context is valid where it names a span and a trace") {
    CHECK_FALSE(apm::context{}.valid());
    CHECK_FALSE(apm::context{.trace = {1, 0}}.valid());
    CHECK_FALSE(apm::context{.span = 1}.valid());
    CHECK(apm::context{.trace = {0, 1}, .span = 1}.valid());
    CHECK(apm::context{.trace = {1, 0}, .span = 1}.valid());
    static_assert(somewhere == somewhere && !(somewhere == elsewhere));
}

TEST_CASE("current() is the innermost span, on this thread alone") {
    CHECK_FALSE(apm::context::current().valid());
    {
        const auto outer = telemetry.outer.scope();
        CHECK(apm::context::current() == outer.context());
        {
            const auto inner = telemetry.inner.scope();
            CHECK(apm::context::current() == inner.context());
            CHECK(inner.context().trace == outer.context().trace);
            CHECK(inner.context().span != outer.context().span);
            CHECK(inner.context().sampled);
            CHECK_FALSE(inner.context().remote);
        }
        CHECK(apm::context::current() == outer.context());
        std::thread([] { CHECK_FALSE(apm::context::current().valid()); }).join();
        std::thread([] {
            CHECK(parent_here() == 0);
            CHECK_FALSE(apm::context::current().valid());
        }).join();
    }
    CHECK_FALSE(apm::context::current().valid());
    CHECK_FALSE(apm::context::current<apm::mode::off>().valid());
}

TEST_CASE("what is traced under an attached context is its child") {
    {
        const auto attached = apm::attach(somewhere);
        CHECK(apm::context::current() == somewhere);
        const apm::span_batch all = traced_here();
        CHECK(all.spans[0].parent() == somewhere.span);
        CHECK(all.spans[0].trace() == somewhere.trace);
        CHECK_FALSE(all.spans[0].parent_is_remote());
        CHECK_FALSE(apm::current_span().recording());  // the span itself is not here
        apm::current_span().status(apm::span_status::error, "lost");
    }
    CHECK_FALSE(apm::context::current().valid());
    CHECK(parent_here() == 0);
}

TEST_CASE("of a remote context the children say that it is; of their own children not") {
    apm::drain_spans();
    apm::context remote = somewhere;
    remote.remote = true;
    {
        const auto attached = apm::attach(remote);
        CHECK(apm::context::current() == remote);
        TRACE_SCOPE(telemetry.outer);
        CHECK_FALSE(apm::context::current().remote);
        TRACE_SCOPE(telemetry.inner);
    }
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 2);
    CHECK_FALSE(all.spans[0].parent_is_remote());
    CHECK(all.spans[1].parent_is_remote());
    CHECK(all.spans[1].parent() == remote.span);
}

TEST_CASE("an unsampled context keeps its children out") {
    apm::context unsampled = somewhere;
    unsampled.sampled = false;
    for (const bool remote : {false, true}) {
        unsampled.remote = remote;
        apm::drain_spans();
        const auto attached = apm::attach(unsampled);
        { TRACE_SCOPE(telemetry.inner); }
        CHECK(apm::drain_spans().spans.empty());
    }
}

TEST_CASE("an invalid context means: no span. What is traced then begins a trace") {
    const auto outer = telemetry.outer.scope();
    const auto of_outer = outer.context();
    {
        const auto none = apm::attach(apm::context{});
        CHECK_FALSE(apm::context::current().valid());
        CHECK_FALSE(apm::current_span().recording());
        const apm::span_batch all = traced_here();
        CHECK(all.spans[0].parent() == 0);
        CHECK(all.spans[0].trace() != of_outer.trace);
        CHECK(all.spans[0].trace() != apm::trace_id{});
    }
    CHECK(apm::context::current() == of_outer);
    const auto half = apm::attach(apm::context{.trace = {9, 9}});
    CHECK(traced_here().spans[0].trace() != apm::trace_id{9, 9});
}

TEST_CASE("nested attaches; detached out of order, twice, or after a move") {
    auto first = apm::attach(somewhere);
    auto second = apm::attach(elsewhere);
    CHECK(apm::context::current() == elsewhere);
    first.detach();
    CHECK(apm::context::current() == elsewhere);
    first.detach();
    second.detach();
    CHECK_FALSE(apm::context::current().valid());
    second.detach();

    auto a = apm::attach(somewhere);
    {
        auto b = apm::attach(elsewhere);
        auto c = std::move(b);
        b.detach();  // moved from
        CHECK(apm::context::current() == elsewhere);
        a = std::move(c);
    }
    CHECK(apm::context::current() == elsewhere);  // a's own went with c
    a.detach();
    CHECK_FALSE(apm::context::current().valid());
    std::vector<apm::attached_context<APM_MODE>> many;
    for (int i = 0; i < 100; ++i) many.push_back(apm::attach(i % 2 ? somewhere : elsewhere));
    CHECK(apm::context::current() == somewhere);
    many.clear();  // first in, first out
    CHECK_FALSE(apm::context::current().valid());
}

TEST_CASE("scopes and attaches that end in any order leave nothing current") {
    apm::drain_spans();
    std::optional<apm::attached_context<APM_MODE>> attached(apm::attach(somewhere));
    auto below = telemetry.outer.scope();
    attached.reset();
    CHECK(apm::context::current() == below.context());
    {
        std::optional<apm::attached_context<APM_MODE>> above(apm::attach(elsewhere));
        below.end();
        CHECK(apm::context::current() == elsewhere);
    }
    CHECK_FALSE(apm::context::current().valid());
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    CHECK(all.spans[0].parent() == somewhere.span);
}

TEST_CASE("a context that is detached on another thread is gone from the one where it was attached") {
    auto under = apm::attach(somewhere);
    auto over = apm::attach(elsewhere);
    std::thread([&] { under.detach(); }).join();
    CHECK(apm::context::current() == elsewhere);
    std::thread([&] { over.detach(); }).join();
    CHECK_FALSE(apm::context::current().valid());
    CHECK(parent_here() == 0);
}

TEST_CASE("a thread that ends with something attached leaves nothing to the next") {
    auto* kept = new std::optional<apm::attached_context<APM_MODE>>;
    std::thread([&] { kept->emplace(apm::attach(somewhere)); }).join();
    for (int i = 0; i < 4; ++i) std::thread([] { CHECK(parent_here() == 0); }).join();
    delete kept;
    CHECK(parent_here() == 0);
}

TEST_CASE("an attach for a span that has ended: what is said to that span goes nowhere") {
    apm::drain_spans();
    auto scope = telemetry.outer.scope();
    const apm::span_handle<APM_MODE> handle = scope;
    const auto of_scope = scope.context();
    for (int i = 0; i < 60; ++i) scope.event("so that it has memory of its own", {{"text", std::string(60, 'x')}});
    scope.end();
    const auto attached = apm::attach(of_scope);
    handle.status(apm::span_status::error, std::string(3000, 'x'));
    handle.set("a", 1);
    handle.rename("other");
    CHECK_FALSE(handle.recording());
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    CHECK(all.spans[0].status() == apm::span_status::unset);
}

TEST_CASE("wrap() takes the context along to whatever thread calls") {
    const auto outer = telemetry.outer.scope();
    const auto here = outer.context();
    auto wrapped = apm::wrap([] { return apm::context::current(); });
    std::thread([&] {
        const auto other = apm::attach(elsewhere);
        CHECK(wrapped() == here);
        CHECK(apm::context::current() == elsewhere);
        CHECK(wrapped() == here);  // each call
    }).join();
    CHECK(std::async(std::launch::async, apm::wrap([] { return apm::context::current(); })).get() == here);
    CHECK(std::async(std::launch::async, apm::wrap(parent_here)).get() == here.span);
    std::thread(apm::wrap([&] { CHECK(apm::context::current() == here); })).join();
    std::function<apm::context()> function = apm::wrap([] { return apm::context::current(); });
    CHECK(function() == here);
    std::packaged_task<apm::context()> task(apm::wrap([] { return apm::context::current(); }));
    auto future = task.get_future();
    std::thread(std::move(task)).join();
    CHECK(future.get() == here);
}

TEST_CASE("wrap() lets arguments, results, references and exceptions through") {
    int x = 1;
    auto gives_reference = apm::wrap([&](int& y) -> int& { return ++y, x; });
    static_assert(std::is_same_v<decltype(gives_reference(x)), int&>);
    int y = 0;
    CHECK(&gives_reference(y) == &x);
    CHECK(y == 1);
    auto only_moves = apm::wrap(
        [p = std::make_unique<int>(3)](std::unique_ptr<int> q) { return std::make_unique<int>(*p + *q); });
    CHECK(*only_moves(std::make_unique<int>(4)) == 7);
    auto moved = std::move(only_moves);
    CHECK(*moved(std::make_unique<int>(5)) == 8);
    CHECK(*std::async(std::launch::async, std::move(moved), std::make_unique<int>(6)).get() == 9);
    auto counts = apm::wrap([n = 0]() mutable { return ++n; });
    CHECK(counts() == 1);
    CHECK(counts() == 2);
    CHECK(apm::wrap(plain_function)(1) == 1);
    CHECK(apm::wrap(&plain_function)(1) == 1);
    auto throws = apm::wrap([] { throw std::runtime_error("out"); });
    {
        const auto attached = apm::attach(somewhere);
        CHECK_THROWS_WITH(throws(), "out");
        CHECK(apm::context::current() == somewhere);
    }
    static_assert(!std::is_invocable_v<decltype(counts)&, int>);
    auto off = apm::wrap<apm::mode::off>([](int i) { return i; });
    CHECK(off(3) == 3);
}

TEST_CASE("a compiled-out attach is empty and does nothing") {
    auto off = apm::attach<apm::mode::off>(somewhere);
    static_assert(std::is_empty_v<decltype(off)>);
    CHECK_FALSE(apm::context::current().valid());
    off.detach();
}

TEST_CASE("attaching and detaching takes no memory after the first") {
    const auto bytes = [] { return apm::detail::process_root().bytes.load(); };
    { const auto warm = apm::attach(somewhere); }
    const auto before = bytes();
    for (std::size_t i = 0; i < repeat(100'000); ++i) const auto attached = apm::attach(somewhere);
    CHECK(bytes() == before);
    in_threads(4, [](std::size_t) {
        for (std::size_t i = 0; i < repeat(100'000); ++i) {
            const auto attached = apm::attach(elsewhere);
            if (apm::context::current() != elsewhere) std::abort();
        }
    });
}
