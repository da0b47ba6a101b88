// ctest: LABELS serial
// TRACE_SCOPE and TRACE_FUNCTION wherever a statement may stand. This file is compiled with APM_TRACE_LEVEL 1.
#undef APM_TRACE_LEVEL
#define APM_TRACE_LEVEL 1
#include <apm/macros.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/coroutine.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"

namespace traced {

APM_FIELDS(Number, (std::int64_t, number), (std::optional<std::string>, why));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "macros test"};
    span<>                                  plain {this, "plain", "without attributes"};
    span<Number>                            number{this, "number", "with some"};
    span<apm::no_attributes, apm::level<2>> detail{this, "detail", "above the level"};
    span<Number, apm::level<2>>             detail_of{this, "detail.of", "above the level"};
    span<apm::no_attributes, apm::level<0>> always{this, "always", "below it"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// The names of what f traced, in the order of their ends.
template <class F>
std::vector<std::string> names_of(F&& f) {
    apm::drain_spans();
    f();
    CHECK_FALSE(apm::context::current().valid());
    const apm::span_batch all = apm::drain_spans();
    std::vector<std::string> names;
    for (const auto& s : all.spans) names.emplace_back(s.name());
    return names;
}
template <class F>
std::string name_of(F&& f) {
    const auto names = names_of(f);
    REQUIRE(names.size() == 1);
    return names.front();
}
std::vector<std::int64_t> numbers() {
    std::vector<std::int64_t> found;
    const apm::span_batch all = apm::drain_spans();
    for (const auto& s : all.spans)
        s.attributes([&](const apm::attribute_view& a) {
            a.visit([&](const auto& v) {
                if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::int64_t>) found.push_back(v);
            });
        });
    return found;
}

using names = std::vector<std::string>;

// --- functions whose names are asked for ------------------------------------------------------------------------------

void free_function() { TRACE_FUNCTION(); }
const char* gives_pointer() {
    TRACE_FUNCTION();
    return "";
}
const std::vector<std::vector<int>>& gives_template() {
    TRACE_FUNCTION();
    static const std::vector<std::vector<int>> none;
    return none;
}
void (*gives_function(int))(int) {
    TRACE_FUNCTION();
    return nullptr;
}
int (&gives_array())[3] {
    TRACE_FUNCTION();
    static int array[3];
    return array;
}
decltype(auto) deduced() {
    TRACE_FUNCTION();
    return 1;
}
auto trailing(int x) -> std::function<void(int)> {
    TRACE_FUNCTION();
    static_cast<void>(x);
    return {};
}
unsigned long long two_words() {
    TRACE_FUNCTION();
    return 0;
}
template <class T>
T* of_template(T* t) {
    TRACE_FUNCTION();
    return t;
}
template <class T>
    requires(sizeof(T) > 1)
void constrained(T) noexcept {
    TRACE_FUNCTION();
}
void quiet() noexcept { TRACE_FUNCTION(); }
void within_lambda() {
    [](int) { TRACE_FUNCTION(); }(1);
    [](auto) { TRACE_FUNCTION(); }(1);
}
void within_local_class() {
    struct Local {
        static void f() { TRACE_FUNCTION(); }
    };
    Local::f();
}

struct Cart {
    Cart() { TRACE_FUNCTION(); }
    Cart(const Cart&) = default;
    ~Cart() { TRACE_FUNCTION(); }
    void add(int) const { TRACE_FUNCTION(); }
    static const char* name() {
        TRACE_FUNCTION();
        return "";
    }
    bool operator<(const Cart&) const {
        TRACE_FUNCTION();
        return false;
    }
    bool operator>(const Cart&) const {
        TRACE_FUNCTION();
        return false;
    }
    Cart& operator<<(int) {
        TRACE_FUNCTION();
        return *this;
    }
    Cart& operator->*(int) {
        TRACE_FUNCTION();
        return *this;
    }
    Cart& operator*() {
        TRACE_FUNCTION();
        return *this;
    }
    int operator()(int) {
        TRACE_FUNCTION();
        return 0;
    }
    int operator[](int) {
        TRACE_FUNCTION();
        return 0;
    }
    operator bool() const {
        TRACE_FUNCTION();
        return true;
    }
    void operator_like() { TRACE_FUNCTION(); }
    void (Cart::*member())(int) const {
        TRACE_FUNCTION();
        return nullptr;
    }
};
template <class T>
struct Box {
    void put(T) { TRACE_FUNCTION(); }
    template <class U>
    void both(U) {
        TRACE_FUNCTION();
    }
};
int operator""_traced(unsigned long long) {
    TRACE_FUNCTION();
    return 0;
}
namespace {
void hidden(int) { TRACE_FUNCTION(); }
struct Hidden {
    void f() { TRACE_FUNCTION(); }
};
}  // namespace
apm::traced_task<int> coroutine(int n) {
    TRACE_FUNCTION();
    co_await std::suspend_never{};
    co_return n;
}

}  // namespace traced

using namespace traced;

TEST_CASE("TRACE_FUNCTION is named as the function is, on every compiler") {
    CHECK(name_of(free_function) == "traced::free_function");
    CHECK(name_of([] { gives_pointer(); }) == "traced::gives_pointer");
    CHECK(name_of([] { gives_template(); }) == "traced::gives_template");
    CHECK(name_of([] { gives_function(1); }) == "traced::gives_function");
    CHECK(name_of([] { gives_array(); }) == "traced::gives_array");
    CHECK(name_of([] { deduced(); }) == "traced::deduced");
    CHECK(name_of([] { trailing(1); }) == "traced::trailing");
    CHECK(name_of([] { two_words(); }) == "traced::two_words");
    CHECK(name_of([] { of_template(""); }) == "traced::of_template");
    CHECK(name_of([] { constrained(1); }) == "traced::constrained");
    CHECK(name_of(quiet) == "traced::quiet");
    CHECK(names_of(within_lambda) == names{"traced::within_lambda", "traced::within_lambda"});
    CHECK(name_of(within_local_class) == "traced::within_local_class");
    CHECK(name_of([] { 1_traced; }) == "traced::operator\"\"_traced");
    CHECK(name_of([] { apm::sync_wait(coroutine(1)); }) == "traced::coroutine");
}

TEST_CASE("TRACE_FUNCTION in members, constructors, destructors and operators") {
    CHECK(names_of([] { const Cart c; }) == names{"traced::Cart::Cart", "traced::Cart::~Cart"});
    alignas(Cart) static std::byte memory[sizeof(Cart)];
    Cart& c = *new (memory) Cart;
    CHECK(name_of([&] { c.add(1); }) == "traced::Cart::add");
    CHECK(name_of([] { Cart::name(); }) == "traced::Cart::name");
    CHECK(name_of([&] { static_cast<void>(c < c); }) == "traced::Cart::operator<");
    CHECK(name_of([&] { static_cast<void>(c > c); }) == "traced::Cart::operator>");
    CHECK(name_of([&] { c << 1; }) == "traced::Cart::operator<<");
    CHECK(name_of([&] { c->*1; }) == "traced::Cart::operator->*");
    CHECK(name_of([&] { *c; }) == "traced::Cart::operator*");
    CHECK(name_of([&] { c(1); }) == "traced::Cart::operator()");
    CHECK(name_of([&] { c[1]; }) == "traced::Cart::operator[]");
    CHECK(name_of([&] { static_cast<void>(static_cast<bool>(c)); }) == "traced::Cart::operator bool");
    CHECK(name_of([&] { c.operator_like(); }) == "traced::Cart::operator_like");
    CHECK(name_of([&] { c.member(); }) == "traced::Cart::member");
    // gcc says Box<T>, clang what T is.
    const std::string put = name_of([] { Box<int>().put(1); }), both = name_of([] { Box<std::vector<int>>().both(1.5); });
    CHECK((put == "traced::Box<T>::put" || put == "traced::Box<int>::put"));
    CHECK((both == "traced::Box<T>::both" || both == "traced::Box<std::vector<int>>::both"));
    const std::string unnamed = name_of([] { hidden(1); }), member = name_of([] { Hidden().f(); });
    CHECK((unnamed == "traced::{anonymous}::hidden" || unnamed == "traced::(anonymous namespace)::hidden"));
    CHECK((member == "traced::{anonymous}::Hidden::f" || member == "traced::(anonymous namespace)::Hidden::f"));
}

TEST_CASE("function_name() of what compilers print, and of what they do not") {
    const auto name = [](const char* pretty) {
        const apm::detail::literal n = apm::detail::function_name(pretty);
        return std::string(n.text, n.size);
    };
    CHECK(name("void f()") == "f");
    CHECK(name("main") == "main");
    CHECK(name("") == "");
    CHECK(name("auto a::(anonymous class)::operator()(int) const") == "a::(anonymous class)::operator()");
    CHECK(name("a::<lambda(int)>") == "a::<lambda(int)>");
    CHECK(name("auto a::f(int)::(lambda)::operator()(auto) const [auto:1 = int]") == "a::f");
    CHECK(name("void (shop::Cart::* shop::Cart::mfp(int))(int)") == "shop::Cart::mfp");
    CHECK(name("void (*(anonymous namespace)::f())(int)") == "(anonymous namespace)::f");
    CHECK(name("shop::Cart::operator std::function<void()>() const") == "shop::Cart::operator std::function<void()>");
    CHECK(name("static void* shop::Cart::operator new [](size_t)") == "shop::Cart::operator new []");
    CHECK(name("auto A<&B::operator(int)>::f(int)") == "A<&B::operator(int)>::f");
    CHECK(name("decltype(auto) a::f(int)") == "a::f");
    CHECK(name("decltype (auto) a::f(int)") == "a::f");
}

namespace {

template <class T>
std::int64_t in_template(T value) {
    TRACE_SCOPE(telemetry.number, {.number = static_cast<std::int64_t>(value)});
    if constexpr (sizeof(T) == 1) {
        TRACE_SCOPE(telemetry.number, {.number = 1});
    } else {
        TRACE_SCOPE(telemetry.number, {.number = 2});
    }
    return 0;
}
struct in_members {
    std::int64_t n = 5;
    void f() const noexcept { TRACE_SCOPE(telemetry.number, {.number = n}); }
    template <class Row>
    void of_row(const Row& row) const {
        TRACE_SCOPE(row, {.number = n});
    }
};

}  // namespace

TEST_CASE("TRACE_SCOPE in templates, if constexpr, members, lambdas and noexcept functions") {
    apm::drain_spans();
    in_template('\x07');
    in_template(7);
    CHECK(numbers() == std::vector<std::int64_t>{1, 7, 2, 7});
    in_members().f();
    in_members().of_row(telemetry.number);
    CHECK(numbers() == std::vector<std::int64_t>{5, 5});
    std::int64_t by_reference = 1;
    const auto lambda = [&, by_value = std::int64_t{2}]() noexcept {
        TRACE_SCOPE(telemetry.number, {.number = by_value});
        TRACE_SCOPE(telemetry.number, {.number = by_reference});
    };
    lambda();
    [](auto n) { TRACE_SCOPE(telemetry.number, {.number = n}); }(std::int64_t{3});
    CHECK(numbers() == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("several in a scope nest; the attributes may have commas, lambdas and structured bindings") {
    apm::drain_spans();
    const auto [a, b] = std::pair<std::int64_t, std::string>(1, "because");
    const auto [c, d] = std::tuple<int, int>(3, 4);
    {
        TRACE_SCOPE(telemetry.number, {.number = a, .why = b});
        TRACE_SCOPE(telemetry.number, {.number = std::int64_t{c} + d});
        TRACE_SCOPE(telemetry.number, {.number = [](int x, int y) { return x * y; }(2, 4), .why = std::string("x, y")});
        for (std::int64_t i = 10; i < 12; ++i) {
            TRACE_SCOPE(telemetry.number, {.number = i});
        }
    }
    CHECK(numbers() == std::vector<std::int64_t>{10, 11, 8, 7, 1});
}

TEST_CASE("in a switch with braces, in a try block, and after a label") {
    for (const int which : {1, 2, 3}) {
        const auto found = names_of([&] {
            switch (which) {
                case 1: {
                    TRACE_SCOPE(telemetry.plain);
                    break;
                }
                case 2: {
                    TRACE_SCOPE("two");
                    [[fallthrough]];
                }
                default:
                    try {
                        TRACE_SCOPE("rest");
                    } catch (...) {
                    }
            }
        });
        CHECK(found == (which == 1 ? names{"plain"} : which == 2 ? names{"two", "rest"} : names{"rest"}));
    }
}

TEST_CASE("attributes are evaluated where they are recorded, and only there") {
    apm::drain_spans();
    int evaluated = 0;
    const auto number = [&] { return ++evaluated; };
    { TRACE_SCOPE(telemetry.number, {.number = number()}); }
    CHECK(evaluated == 1);
    { TRACE_SCOPE(telemetry.detail_of, {.number = number()}); }
    CHECK(evaluated == 1);
    static constexpr apm::sampling_rules none = apm::always_off, all = apm::always_on;
    apm::sample_with(none);
    { TRACE_SCOPE(telemetry.number, {.number = number()}); }
    CHECK(evaluated == 1);
    apm::sample_with(all);
    apm::detail::process_root().gate.store(1);
    { TRACE_SCOPE(telemetry.number, {.number = number()}); }
    apm::detail::process_root().gate.store(0);
    CHECK(evaluated == 1);
    CHECK(numbers() == std::vector<std::int64_t>{1});
}

TEST_CASE("a row above this file's level is not compiled in; those at or below it are") {
    CHECK(names_of([] {
              TRACE_SCOPE(telemetry.detail);
              TRACE_SCOPE(telemetry.always);
              TRACE_SCOPE(telemetry.plain);
              const auto none = telemetry.detail.scope();
              static_assert(std::is_base_of_v<apm::span_handle<apm::mode::off>, decltype(none)>);
          }) == names{"plain", "always"});
}

namespace {

apm::traced_task<std::int64_t> below(std::int64_t n) {
    TRACE_SCOPE(telemetry.number, {.number = n});
    co_await std::suspend_never{};
    co_return n;
}
apm::traced_task<> all_of_them() {
    TRACE_FUNCTION();
    const auto [a, b] = std::pair(co_await below(1), co_await below(2));
    TRACE_SCOPE(telemetry.number, {.number = a + b});
    for (std::int64_t i = 0; i < 2; ++i) {
        TRACE_SCOPE(telemetry.number, {.number = 10 + i});
        co_await below(20 + i);
    }
    if (const std::int64_t n = co_await below(30); n == 30) {
        TRACE_SCOPE(telemetry.number, {.number = n + 1});
    }
}

}  // namespace

TEST_CASE("in a coroutine") {
    apm::drain_spans();
    apm::sync_wait(all_of_them());
    CHECK(numbers() == std::vector<std::int64_t>{1, 2, 20, 10, 21, 11, 30, 31, 3});
    CHECK_FALSE(apm::context::current().valid());
}
