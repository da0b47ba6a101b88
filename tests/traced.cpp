// ctest: LABELS serial
#include <apm/traced.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace shop {

struct out_of_stock : std::runtime_error {
    using std::runtime_error::runtime_error;
};
template <class T>
struct thrown_template {};

}  // namespace shop

namespace {

APM_FIELDS(Order, (std::int64_t, order));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "traced test"};
    span<>                                     plain   {this, "plain", "without attributes"};
    span<Order>                                order   {this, "order", "with attributes"};
    span<>                                     below   {this, "below", "within another"};
    span<apm::no_attributes, apm::level<2>>    detail  {this, "detail", "of level 2"};
    span<apm::no_attributes, apm::measured>    measured{this, "measured", "counts by itself"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// What a span's event "exception" says: "type: message", or "type" where there is no message.
std::string exception_of(const apm::span_view& s) {
    std::string type, message;
    bool has_message = false;
    int events = 0;
    s.events([&](const apm::event_view& e) {
        ++events;
        CHECK(e.name() == "exception");
        e.attributes([&](const apm::attribute_view& a) {
            a.visit([&](const auto& v) {
                if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string_view>) {
                    if (a.name() == "exception.type") type = v;
                    if (a.name() == "exception.message") message = v, has_message = true;
                }
            });
        });
    });
    CHECK(events == 1);
    return has_message ? type + ": " + message : type;
}

}  // namespace

TEST_CASE("traced() returns what the call returns: a value, a reference, nothing, what only moves") {
    apm::drain_spans();
    int x = 1;
    CHECK(apm::traced(telemetry.plain, [] { return 7; }) == 7);
    CHECK(&apm::traced(telemetry.plain, [&]() -> int& { return x; }) == &x);
    CHECK(*apm::traced(telemetry.order, {.order = 1}, [] { return std::make_unique<int>(3); }) == 3);
    apm::traced(telemetry.plain, [&] { x = 2; });
    CHECK(x == 2);
    auto only_moves = [p = std::make_unique<int>(5)]() mutable { return std::move(p); };
    CHECK(*apm::traced(telemetry.plain, std::move(only_moves)) == 5);
    struct pinned {
        int n;
        explicit pinned(int i) : n(i) {}
        pinned(const pinned&) = delete;
    };
    CHECK(apm::traced(telemetry.plain, [] { return pinned(4); }).n == 4);
    static_assert(std::is_same_v<decltype(apm::traced(telemetry.plain, [&]() -> int&& { return std::move(x); })), int&&>);
    static_assert(std::is_same_v<decltype(apm::traced(telemetry.plain, [] {})), void>);
    const apm::span_batch all = apm::drain_spans();
    CHECK(all.spans.size() == 6);
    for (const auto& s : all.spans) CHECK(s.status() == apm::span_status::unset);
}

TEST_CASE("traced() is noexcept where the call is, and calls an rvalue as an rvalue") {
    const auto quiet = []() noexcept { return 1; };
    const auto loud = [] { return 1; };
    static_assert(noexcept(apm::traced(telemetry.plain, quiet)));
    static_assert(!noexcept(apm::traced(telemetry.plain, loud)));
    static_assert(noexcept(apm::traced<apm::mode::off>(telemetry.plain, quiet)));
    static_assert(!noexcept(apm::traced<apm::mode::off>(telemetry.plain, loud)));
    CHECK(apm::traced(telemetry.plain, quiet) == 1);
    struct both {
        int operator()() & { return 1; }
        int operator()() && { return 2; }
    } f;
    CHECK(apm::traced(telemetry.plain, f) == 1);
    CHECK(apm::traced(telemetry.plain, both()) == 2);
    apm::drain_spans();
}

TEST_CASE("what is called runs within the span") {
    apm::drain_spans();
    apm::traced(telemetry.order, {.order = 9}, [] { TRACE_SCOPE(telemetry.below); });
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 2);
    CHECK(all.spans[0].parent() == all.spans[1].id());
    std::int64_t order = 0;
    all.spans[1].attributes([&](const apm::attribute_view& a) {
        a.visit([&](const auto& v) {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::int64_t>) order = v;
        });
    });
    CHECK(order == 9);
}

TEST_CASE("an exception is told by its type and message, and goes on as the same object") {
    apm::drain_spans();
    const std::exception* thrown = nullptr;
    try {
        apm::traced(telemetry.plain, [&]() -> int {
            try {
                throw shop::out_of_stock("no tea");
            } catch (const std::exception& e) {
                thrown = &e;
                throw;
            }
        });
        FAIL("nothing came");
    } catch (const shop::out_of_stock& e) {
        CHECK(&e == thrown);
    }
    CHECK_THROWS_AS(apm::traced(telemetry.plain, [] { throw shop::thrown_template<int>(); }), shop::thrown_template<int>);
    CHECK_THROWS_AS(apm::traced(telemetry.plain, [] { throw 7; }), int);
    CHECK_THROWS_AS(apm::traced(telemetry.plain, [] { throw std::bad_alloc(); }), std::bad_alloc);
    CHECK_THROWS(apm::traced(telemetry.plain, [] { throw std::runtime_error(std::string(10'000, 'x')); }));
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 5);
    for (const auto& s : all.spans) CHECK(s.status() == apm::span_status::error);
    CHECK(exception_of(all.spans[0]) == "shop::out_of_stock: no tea");
    CHECK(all.spans[0].message() == "no tea");
    CHECK(exception_of(all.spans[1]) == "shop::thrown_template<int>");
    CHECK(all.spans[1].message().empty());
    CHECK(exception_of(all.spans[2]) == "int");
    CHECK(exception_of(all.spans[3]) == "std::bad_alloc: std::bad_alloc");
    CHECK(all.spans[4].message().size() == 4096);
}

TEST_CASE("through nested ones each tells of it; one that is caught within is no failure") {
    apm::drain_spans();
    CHECK_THROWS(apm::traced(telemetry.plain, [] { apm::traced(telemetry.below, [] { throw 1; }); }));
    apm::traced(telemetry.plain, [] {
        try {
            throw 1;
        } catch (int) {
        }
    });
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 3);
    CHECK(exception_of(all.spans[0]) == "int");
    CHECK(exception_of(all.spans[1]) == "int");
    CHECK(all.spans[2].status() == apm::span_status::unset);
}

TEST_CASE("the status that the call gave itself: ok stays, an error gets the message") {
    apm::drain_spans();
    CHECK_THROWS(apm::traced(telemetry.plain, [] {
        apm::current_span().status(apm::span_status::ok);
        throw std::runtime_error("late");
    }));
    CHECK_THROWS(apm::traced(telemetry.plain, [] {
        apm::current_span().status(apm::span_status::error, "early");
        throw std::runtime_error("late");
    }));
    const apm::span_batch all = apm::drain_spans();
    CHECK(all.spans[0].status() == apm::span_status::ok);
    CHECK(exception_of(all.spans[0]) == "std::runtime_error: late");
    CHECK(all.spans[1].message() == "late");
}

TEST_CASE("a measured row counts what throws as an error, recorded or not") {
    apm::drain_spans();
    const auto once = [](bool fails) {
        try {
            apm::traced(telemetry.measured, [&] {
                if (fails) throw 1;
            });
        } catch (int) {
        }
    };
    const auto executions = [](const char* status) { return total_of(telemetry.measured.metrics.executions, status); };
    once(true);
    once(false);
    CHECK(executions("status=error") == 1);
    CHECK(executions("status=ok") == 1);
    static constexpr apm::sampling_rules none = apm::always_off, all = apm::always_on;
    apm::sample_with(none);
    once(true);
    apm::sample_with(all);
    CHECK(executions("status=error") == 2);
    CHECK(apm::drain_spans().spans.size() == 2);
}

TEST_CASE("compiled out, or of too high a level, it is the call") {
    apm::drain_spans();
    CHECK(apm::traced<apm::mode::off>(telemetry.plain, [] { return 7; }) == 7);
    CHECK(*apm::traced<apm::mode::off>(telemetry.order, {.order = 1}, [] { return std::make_unique<int>(8); }) == 8);
    CHECK_THROWS_AS(apm::traced<apm::mode::off>(telemetry.plain, [] { throw 1; }), int);
    CHECK(apm::traced<apm::mode::on, 1>(telemetry.detail, [] { return 9; }) == 9);
    CHECK(apm::drain_spans().spans.empty());
    CHECK(apm::traced<apm::mode::on, 2>(telemetry.detail, [] { return 9; }) == 9);
    CHECK(apm::drain_spans().spans.size() == 1);
}

// A thread that is cancelled unwinds with what is no exception of C++.
TEST_CASE("a thread may be cancelled within a traced call") {
#ifndef APM_TEST_SANITIZED  // they do not know such threads
    apm::drain_spans();
    pthread_t thread;
    static std::atomic<bool> inside{false};
    REQUIRE(pthread_create(&thread, nullptr, [](void*) -> void* {
        apm::traced(telemetry.plain, [] {
            for (inside = true;;) usleep(1000);
        });
        return nullptr;
    }, nullptr) == 0);
    while (!inside) usleep(1000);
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED);
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    CHECK(all.spans[0].status() == apm::span_status::error);
    CHECK(exception_of(all.spans[0]).empty());
#endif
}
