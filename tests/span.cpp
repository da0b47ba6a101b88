#include <apm/span.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/collect.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "reading.hpp"
#include "threads.hpp"

namespace {

BOOST_DEFINE_ENUM_CLASS(Color, red, green, light_blue)
APM_WIRE_NAMES(Color, (light_blue, "light-blue"));

APM_FIELDS(Everything, (std::int64_t, i64), (std::uint64_t, u64), (std::int8_t, i8), (std::uint16_t, u16), (double, f64),
           (float, f32), (bool, flag), (std::string_view, view), (std::string, owned), (const char*, pointer),
           (apm::text<8>, short_text), (Color, color), (apm::range<1, 5>, stars), (std::vector<int>, ints),
           (std::array<double, 2>, reals), (std::span<const std::uint64_t>, big));
APM_FIELDS(Optional, (std::optional<std::int64_t>, i64), (std::optional<double>, f64), (std::optional<bool>, flag),
           (std::optional<std::string_view>, view), (std::optional<std::string>, owned), (std::optional<Color>, color),
           (std::optional<std::vector<int>>, ints), (std::optional<apm::range<1, 5>>, stars));
APM_FIELDS(Card, (apm::secret, number), (std::optional<apm::secret>, code), (std::int64_t, cents));
APM_FIELDS(One, (std::optional<std::int64_t>, one));
APM_FIELDS(Two, (std::optional<std::int64_t>, one), (std::optional<std::int64_t>, two));
APM_FIELDS(Named, (apm::named<std::int64_t, "http.response.status_code">, status));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "span test", .version = "1.2.3"};
    span<>            plain     {this, "plain", "without attributes"};
    span<Everything>  everything{this, "everything", "all types"};
    span<Optional>    optional  {this, "optional", "all may be absent"};
    span<Card>        card      {this, "card", "has a secret"};
    span<One>         one       {this, "one", "one attribute"};
    span<Two>         two       {this, "two", "two attributes"};
    span<Named>       named     {this, "named", "a field of another name"};
    span<apm::no_attributes, apm::server> serves{this, "serves", "kind"};
    span<apm::no_attributes, apm::client> calls {this, "calls", "kind"};
    span<apm::no_attributes, apm::producer> sends{this, "sends", "kind"};
    span<apm::no_attributes, apm::consumer> gets{this, "gets", "kind"};
    span<apm::no_attributes, apm::level<2>> deep{this, "deep", "level 2"};
    span<apm::no_attributes, apm::measured> measured{this, "measured", "counts by itself"};
    span<apm::no_attributes, apm::measured> timed{this, "timed", "counts by itself"};
    span<Two, apm::client, apm::level<3>, apm::measured> all_at_once{this, "all.at.once", "options in any number"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

std::string to_text(std::int64_t v) { return std::to_string(v); }
std::string to_text(bool v) { return v ? "true" : "false"; }
std::string to_text(double v) {
    if (std::isnan(v)) return "nan";
    char text[40];
    std::snprintf(text, sizeof text, "%g", v);
    return text;
}
std::string to_text(std::string_view v) { return '"' + std::string(v) + '"'; }
template <class T>
std::string to_text(const apm::packed_numbers<T>& v) {
    std::string text = "[";
    for (std::uint32_t i = 0; i < v.size(); ++i) text += (i ? "," : "") + to_text(v[i]);
    return text + "]";
}
template <class V>
std::map<std::string, std::string> attributes_of(const V& s) {
    std::map<std::string, std::string> all;
    s.attributes([&](const apm::attribute_view& a) {
        const bool fresh = all.emplace(std::string(a.name()), a.visit([](const auto& v) { return to_text(v); })).second;
        CHECK(fresh);  // each name once
    });
    return all;
}
using named_values = std::map<std::string, std::string>;

apm::span_batch drain() { return apm::drain_spans(64 << 20); }
// What `f` traced.
template <class F>
apm::span_batch of(F&& f) {
    drain();
    f();
    return drain();
}
template <class F>
apm::span_batch one_of(F&& f) {
    apm::span_batch all = of(f);
    REQUIRE(all.spans.size() == 1);
    return all;
}
const apm::span_view& only(const apm::span_batch& all) { return all.spans.front(); }

// Sets the sampler for a scope.
struct sampling {
    apm::sampling_rules rules;
    explicit sampling(const apm::sampling_rules& s) : rules(s) { apm::sample_with(rules); }
    ~sampling() { apm::detail::set_sampling_rules(nullptr); }
};

std::uint64_t bytes_held() { return apm::detail::process_root().bytes.load(); }

}  // namespace

TEST_CASE("attributes of every type come out as they went in") {
    const std::vector<std::uint64_t> big{1, UINT64_MAX};
    const auto all = one_of([&] {
        TRACE_SCOPE(telemetry.everything,
                    {.i64 = INT64_MIN, .u64 = UINT64_MAX, .i8 = std::int8_t{-1}, .u16 = std::uint16_t{65535}, .f64 = 0.5,
                     .f32 = -0.25f, .flag = true, .view = std::string_view("view"), .owned = std::string("owned"),
                     .pointer = "pointer", .short_text = "cut after eight", .color = Color::light_blue, .stars = 4,
                     .ints = std::vector<int>{1, -2, 3}, .reals = std::array<double, 2>{1.5, -2.5},
                     .big = std::span<const std::uint64_t>(big)});
    });
    const std::string most = std::to_string(INT64_MAX);
    CHECK(attributes_of(only(all)) == named_values{{"i64", std::to_string(INT64_MIN)}, {"u64", most}, {"i8", "-1"},
          {"u16", "65535"}, {"f64", "0.5"}, {"f32", "-0.25"}, {"flag", "true"}, {"view", "\"view\""}, {"owned", "\"owned\""},
          {"pointer", "\"pointer\""}, {"short_text", "\"cut afte\""}, {"color", "\"light-blue\""}, {"stars", "4"},
          {"ints", "[1,-2,3]"}, {"reals", "[1.5,-2.5]"}, {"big", "[1," + most + "]"}});
    CHECK(only(all).name() == "everything");
    CHECK(only(all).scope().version == std::string_view("1.2.3"));
    CHECK(attributes_of(only(one_of([] { TRACE_SCOPE(telemetry.named, {.status = 404}); }))) ==
          named_values{{"http.response.status_code", "404"}});
}

TEST_CASE("what is absent is not there, what is empty is") {
    CHECK(attributes_of(only(one_of([] { TRACE_SCOPE(telemetry.optional); }))).empty());
    CHECK(attributes_of(only(one_of([] { TRACE_SCOPE(telemetry.optional, {}); }))).empty());
    const auto all = one_of([] {
        TRACE_SCOPE(telemetry.optional, {.i64 = 0, .f64 = std::nan(""), .flag = false, .view = std::string_view(),
                                         .owned = "", .color = Color::red, .ints = std::vector<int>{}, .stars = 1});
    });
    CHECK(attributes_of(only(all)) == named_values{{"i64", "0"}, {"f64", "nan"}, {"flag", "false"}, {"view", "\"\""},
          {"owned", "\"\""}, {"color", "\"red\""}, {"ints", "[]"}, {"stars", "1"}});
    const auto set = one_of([] {
        const auto scope = telemetry.optional.scope();
        scope.set<&Optional::view>("x");
        scope.set<&Optional::view>(std::nullopt);  // says nothing: what was said stays
        scope.set<&Optional::color>(Color::green);
    });
    CHECK(attributes_of(only(set)) == named_values{{"view", "\"x\""}, {"color", "\"green\""}});
}

TEST_CASE("a null pointer is empty text; infinities and the smallest numbers are themselves") {
    const auto all = one_of([] {
        const auto scope = telemetry.plain.scope();
        scope.set("null", static_cast<const char*>(nullptr));
        scope.set("inf", std::numeric_limits<double>::infinity());
        scope.set("tiny", std::numeric_limits<double>::denorm_min());
        scope.set("nan", std::nanf(""));
        scope.set("", 1);
        scope.event("");
        scope.rename("");
        scope.set("color", Color::light_blue);
        scope.set("range", apm::range<0, 9>(7));
        scope.set("ints", std::vector<int>{4, 5});
        scope.set(std::string("made"), std::string("text"));
    });
    const auto found = attributes_of(only(all));
    CHECK(found.at("null") == "\"\"");
    CHECK(found.at("inf") == "inf");
    CHECK(found.at("tiny") == "4.94066e-324");
    CHECK(found.at("nan") == "nan");
    CHECK(found.at("color") == "\"light-blue\"");
    CHECK(found.at("range") == "7");
    CHECK(found.at("ints") == "[4,5]");
    CHECK(found.at("made") == "\"text\"");
}

TEST_CASE("a secret is in no byte of what is drained") {
    const std::string planted = "4111-PLANTED-SECRET";
    const auto all = one_of([&] {
        const auto scope = telemetry.card.scope({.number = planted, .code = planted, .cents = 100});
        scope.set<&Card::number>(planted);
        scope.set({.number = planted.c_str(), .cents = 200});
    });
    CHECK(attributes_of(only(all)) == named_values{{"cents", "200"}});
    std::uint32_t size = 0;
    std::memcpy(&size, all.bytes.get(), sizeof size);
    REQUIRE(size > 64);
    CHECK(std::string_view(all.bytes.get(), size).find("PLANTED") == std::string_view::npos);
    // The same text as an attribute is found so: the search works.
    const auto open = one_of([&] { telemetry.plain.scope().set("number", planted); });
    std::memcpy(&size, open.bytes.get(), sizeof size);
    CHECK(std::string_view(open.bytes.get(), size).find("PLANTED") != std::string_view::npos);
}

TEST_CASE("text need only live for the call") {
    const auto all = one_of([] {
        TRACE_SCOPE(telemetry.optional, {.view = std::string(100, 'v'), .owned = std::string(100, 'o')});
        const auto here = apm::current_span();
        here.set("a", std::string(100, 'a'));
        here.event(std::string(50, 'e'), {{"in", std::string(100, 'i')}});
        here.status(apm::span_status::error, std::string(100, 's'));
        here.rename(std::string(100, 'n'));
        const std::string over(200, 'x');  // what took that memory since
    });
    const auto& s = only(all);
    CHECK(s.name() == std::string(100, 'n'));
    CHECK(s.message() == std::string(100, 's'));
    CHECK(attributes_of(s) == named_values{{"view", to_text(std::string(100, 'v'))}, {"owned", to_text(std::string(100, 'o'))},
                                           {"a", to_text(std::string(100, 'a'))}});
    s.events([](const apm::event_view& e) {
        CHECK(e.name() == std::string(50, 'e'));
        CHECK(attributes_of(e) == named_values{{"in", to_text(std::string(100, 'i'))}});
    });
}

TEST_CASE("text of a megabyte is cut at 4096 bytes, where a character ends, and that is counted") {
    std::string euros;
    while (euros.size() < 1 << 20) euros += "\xe2\x82\xac";  // three bytes each: 4096 is within one
    const auto before = apm::count_spans().dropped_items;
    const auto all = one_of([&] {
        const auto scope = telemetry.optional.scope({.view = euros});
        scope.set("by name", euros);
        scope.status(apm::span_status::error, euros);
        scope.rename(std::string(1000, 'n'));
        scope.set(std::string(1000, 'k'), 1);
    });
    const std::string kept = euros.substr(0, 4095);
    auto found = attributes_of(only(all));
    CHECK(found["view"] == to_text(kept));
    CHECK(found["by name"] == to_text(kept));
    CHECK(only(all).message() == kept);
    CHECK(only(all).name() == std::string(255, 'n'));
    CHECK(found.count(std::string(255, 'k')) == 1);
    CHECK(apm::count_spans().dropped_items > before);
    const auto numbers = one_of([] { telemetry.plain.scope().set("many", std::vector<int>(100'000, 7)); });
    CHECK(attributes_of(only(numbers))["many"].size() == 512 * 2 + 1);
    const auto exact = one_of([&] { telemetry.plain.scope().set("x", std::string(4096, 'x')); });
    CHECK(attributes_of(only(exact))["x"].size() == 4098);
}

TEST_CASE("beyond the limits: counted, in the span and in all") {
    const auto before = apm::count_spans().dropped_items;
    const apm::context other{{1, 2}, 3, true, true};
    const auto all = of([&] {
        {
            const auto scope = telemetry.plain.scope();
            for (int i = 0; i < 300; ++i) scope.set("a" + std::to_string(i), i);
        }
        {
            const auto scope = telemetry.plain.scope();
            for (int i = 0; i < 200; ++i) scope.event("e" + std::to_string(i));
        }
        {
            const auto scope = telemetry.plain.scope();
            for (int i = 0; i < 200; ++i) scope.link(other);
            scope.link(apm::context{});
        }
    });
    REQUIRE(all.spans.size() == 3);
    CHECK(attributes_of(all.spans[0]).size() == 128);
    CHECK(attributes_of(all.spans[0])["a127"] == "127");
    CHECK(all.spans[0].dropped().attributes == 172);
    int events = 0, links = 0;
    std::uint64_t last = all.spans[1].start();
    all.spans[1].events([&](const apm::event_view& e) {
        CHECK(e.name() == "e" + std::to_string(events++));
        CHECK(e.time() >= last);
        last = e.time();
    });
    CHECK(last <= all.spans[1].end());
    CHECK(events == 128);
    CHECK(all.spans[1].dropped().events == 72);
    all.spans[2].links([&](const apm::link_view& l) {
        ++links;
        CHECK(l.context() == other);
    });
    CHECK(links == 128);
    CHECK(all.spans[2].dropped().links == 72);
    CHECK(apm::count_spans().dropped_items - before == 172 + 72 + 72);
}

namespace shop {
struct declined : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct like_an_exception {
    const char* what() const { return "of another library"; }
};
}  // namespace shop

TEST_CASE("an exception that was caught is an event, with the type that was thrown") {
    const auto all = one_of([] {
        const auto scope = telemetry.plain.scope();
        try {
            throw shop::declined("card expired");
        } catch (const std::exception& e) {
            scope.exception(e);
        }
        scope.exception(shop::like_an_exception{});
    });
    std::vector<named_values> said;
    only(all).events([&](const apm::event_view& e) {
        CHECK(e.name() == "exception");
        said.push_back(attributes_of(e));
    });
    CHECK(said == std::vector<named_values>{
                      {{"exception.type", "\"shop::declined\""}, {"exception.message", "\"card expired\""}},
                      {{"exception.type", "\"shop::like_an_exception\""}, {"exception.message", "\"of another library\""}}});
    CHECK(only(all).status() == apm::span_status::unset);
}

TEST_CASE("of an event's and a link's attributes the first 128 are kept") {
    std::vector<std::string> names;
    for (int i = 0; i < 130; ++i) names.push_back("n" + std::to_string(i));
    const auto all = one_of([&] {
        const auto scope = telemetry.plain.scope();
        // An initializer_list of a number that is known when the test runs does not exist.
        const auto say = [&]<std::size_t... I>(std::index_sequence<I...>) {
            scope.event("many", {{names[I], static_cast<int>(I)}...});
            scope.link({{1, 2}, 3, true, false}, {{names[I], static_cast<int>(I)}...});
        };
        say(std::make_index_sequence<130>{});
        scope.event("typed", Two{.one = 1, .two = 2});
    });
    int events = 0;
    only(all).events([&](const apm::event_view& e) {
        if (events++ == 0) {
            CHECK(attributes_of(e).size() == 128);
            CHECK(e.dropped_attributes() == 2);
        } else {
            CHECK(attributes_of(e) == named_values{{"one", "1"}, {"two", "2"}});
        }
    });
    CHECK(events == 2);
    only(all).links([&](const apm::link_view& l) {
        CHECK(attributes_of(l).size() == 128);
        CHECK(l.dropped_attributes() == 2);
    });
}

TEST_CASE("what is beyond the bytes of a record is counted, and the rest is whole") {
    const auto all = one_of([] {
        const auto scope = telemetry.plain.scope();
        for (int i = 0; i < 10; ++i) scope.set("a" + std::to_string(i), std::string(4000, static_cast<char>('0' + i)));
        scope.event("too long", {{"a", std::string(4000, 'x')}, {"b", std::string(4000, 'x')}});
        scope.status(apm::span_status::error, std::string(4000, 'm'));
        for (int i = 0; i < 10; ++i) scope.set("small" + std::to_string(i), i);
    });
    const auto found = attributes_of(only(all));
    CHECK(only(all).status() == apm::span_status::error);
    CHECK(found.at("a0") == to_text(std::string(4000, '0')));
    CHECK(found.at("small9") == "9");
    CHECK(only(all).dropped().attributes + found.size() == 20);
    CHECK(only(all).dropped().events == 1);
}

TEST_CASE("an attribute that is given anew has its last value, by member, by name, and at the limit") {
    CHECK(attributes_of(only(one_of([] {
        const auto scope = telemetry.two.scope({.one = 1, .two = 2});
        scope.set<&Two::one>(3);
        scope.set("two", "text now");
        scope.set<&Two::one>(4);
        scope.set("other", 1);
        scope.set("other", 2.5);
    }))) == named_values{{"one", "4"}, {"two", "\"text now\""}, {"other", "2.5"}});
    CHECK(attributes_of(only(one_of([] {
        const auto scope = telemetry.two.scope({.one = 1, .two = 2});
        scope.set({.two = 5});
    }))) == named_values{{"one", "1"}, {"two", "5"}});
    const auto full = one_of([] {
        const auto scope = telemetry.two.scope({.one = 1});
        for (int i = 0; i < 127; ++i) scope.set("a" + std::to_string(i), i);
        scope.set("one more", 1);
        scope.set("a5", "anew");
        scope.set<&Two::one>(2);
        scope.set({.one = 3, .two = 4});  // of these one is there already
    });
    auto found = attributes_of(only(full));
    CHECK(found.size() == 128);
    CHECK(found["a5"] == "\"anew\"");
    CHECK(found["one"] == "3");
    CHECK(found.count("two") == 0);
    CHECK(only(full).dropped().attributes == 2);
}

TEST_CASE("an attribute, a name and a message that are given 100,000 times take the room of one") {
    const auto all = one_of([] {
        const auto scope = telemetry.one.scope({.one = -1});
        scope.event("first");
        for (int i = 0; i < 100'000; ++i) {
            scope.set<&One::one>(i);
            scope.set("name", i);
            if (i % 100 == 0) scope.rename("n" + std::to_string(i)), scope.status(apm::span_status::error, std::to_string(i));
        }
        scope.event("last");
    });
    CHECK(attributes_of(only(all)) == named_values{{"one", "99999"}, {"name", "99999"}});
    CHECK(only(all).name() == "n99900");
    CHECK(only(all).message() == "99900");
    CHECK(only(all).dropped().attributes == 0);
    std::vector<std::string> events;
    only(all).events([&](const apm::event_view& e) { events.emplace_back(e.name()); });
    CHECK(events == std::vector<std::string>{"first", "last"});
}

TEST_CASE("rename: the last name counts; a literal's span can be renamed too") {
    CHECK(only(one_of([] { TRACE_SCOPE("quick look"); })).name() == "quick look");
    CHECK(only(one_of([] {
              TRACE_SCOPE("quick look");
              apm::current_span().rename("looked");
          })).name() == "looked");
    CHECK(only(one_of([] {
              const auto scope = telemetry.plain.scope();
              scope.rename("first");
              scope.rename("second");
          })).name() == "second");
    CHECK(only(one_of([] { telemetry.plain.scope().rename("x"); })).row().name == std::string_view("plain"));
}

TEST_CASE("status: unset is no answer, ok is final, of errors the last message counts") {
    using enum apm::span_status;
    const auto status_after = [](auto... steps) {
        const auto all = one_of([&] {
            const auto scope = telemetry.plain.scope();
            (scope.status(steps.first, steps.second), ...);
        });
        return std::pair(only(all).status(), std::string(only(all).message()));
    };
    const auto step = [](apm::span_status s, const char* m = "") { return std::pair(s, m); };
    CHECK(status_after() == std::pair(unset, std::string()));
    CHECK(status_after(step(unset, "x")) == std::pair(unset, std::string()));
    CHECK(status_after(step(ok, "x")) == std::pair(ok, std::string()));
    CHECK(status_after(step(error, "x")) == std::pair(error, std::string("x")));
    CHECK(status_after(step(error, "x"), step(unset)) == std::pair(error, std::string("x")));
    CHECK(status_after(step(error, "x"), step(error, "y")) == std::pair(error, std::string("y")));
    CHECK(status_after(step(error, "x"), step(ok)) == std::pair(ok, std::string()));
    CHECK(status_after(step(ok), step(error, "x")) == std::pair(ok, std::string()));
}

TEST_CASE("kinds, and what a row says of itself") {
    const auto all = of([] {
        TRACE_SCOPE(telemetry.serves);
        TRACE_SCOPE(telemetry.calls);
        TRACE_SCOPE(telemetry.sends);
        TRACE_SCOPE(telemetry.gets);
        TRACE_SCOPE(telemetry.plain);
        TRACE_SCOPE(telemetry.all_at_once, {.one = 1});
    });
    std::map<std::string_view, apm::span_kind> kinds;
    for (const auto& s : all.spans) kinds[s.name()] = s.kind();
    CHECK(kinds["serves"] == apm::span_kind::server);
    CHECK(kinds["calls"] == apm::span_kind::client);
    CHECK(kinds["sends"] == apm::span_kind::producer);
    CHECK(kinds["gets"] == apm::span_kind::consumer);
    CHECK(kinds["plain"] == apm::span_kind::internal);
    CHECK(kinds["all.at.once"] == apm::span_kind::client);
    CHECK(telemetry.all_at_once.level == 3);
    CHECK(telemetry.plain.level == 1);
}

TEST_CASE("whatever is said after the end does nothing; ended twice is ended once") {
    const auto all = one_of([] {
        auto scope = telemetry.two.scope({.one = 1});
        CHECK(scope.recording());
        CHECK(scope.context().valid());
        scope.end();
        CHECK_FALSE(scope.recording());
        CHECK_FALSE(scope.context().valid());
        scope.set<&Two::one>(2);
        scope.set({.one = 3});
        scope.set("one", 4);
        scope.event("late");
        scope.link({{1, 2}, 3, true, false});
        scope.status(apm::span_status::error, "late");
        scope.rename("late");
        scope.end();
    });
    CHECK(only(all).name() == "two");
    CHECK(only(all).status() == apm::span_status::unset);
    CHECK(attributes_of(only(all)) == named_values{{"one", "1"}});
}

TEST_CASE("a handle that is kept beyond its span says nothing to the next one in its place") {
    apm::span_handle<APM_MODE> kept, copy;
    const auto all = of([&] {
        {
            const auto scope = telemetry.plain.scope();
            kept = apm::current_span();
            copy = kept;
            CHECK(kept.context() == scope.context());
            kept.set("by", "handle");
        }
        const auto next = telemetry.plain.scope();
        for (const auto& h : {kept, copy}) {
            CHECK_FALSE(h.recording());
            h.set("a", 1);
            h.event("a");
            h.status(apm::span_status::error);
            h.rename("a");
        }
    });
    REQUIRE(all.spans.size() == 2);
    CHECK(attributes_of(all.spans[0]) == named_values{{"by", "\"handle\""}});
    CHECK(attributes_of(all.spans[1]).empty());
    CHECK(all.spans[1].status() == apm::span_status::unset);
    const apm::span_handle<APM_MODE> none;
    none.set("a", 1);
    CHECK_FALSE(none.recording());
    CHECK_FALSE(apm::current_span().recording());
}

TEST_CASE("moved scopes: the span ends with the last one that has it") {
    using scope_type = apm::scoped_span<decltype(Schema::two)>;
    static_assert(!std::is_copy_constructible_v<scope_type> && std::is_nothrow_move_constructible_v<scope_type>);
    const auto all = of([] {
        auto first = telemetry.two.scope({.one = 1});
        auto second = std::move(first);
        CHECK_FALSE(first.recording());
        first.end();
        second.set<&Two::two>(2);
        auto third = telemetry.two.scope({.one = 3});
        third = std::move(second);  // ends what third was
        auto& same = third;
        third = std::move(same);
        CHECK(third.recording());
        CHECK(apm::context::current() == third.context());
        const auto in_function = [](scope_type s) { s.set("by", "value"); };
        in_function(std::move(third));
        CHECK_FALSE(apm::context::current().valid());
        std::vector<scope_type> many;
        for (int i = 0; i < 20; ++i) many.push_back(telemetry.two.scope({.one = i}));
        CHECK(apm::context::current() == many.back().context());
        while (!many.empty()) many.erase(many.begin());  // moves the others down each time
        CHECK_FALSE(apm::context::current().valid());
    });
    REQUIRE(all.spans.size() == 22);
    CHECK(attributes_of(all.spans[0]) == named_values{{"one", "3"}});
    CHECK(attributes_of(all.spans[1]) == named_values{{"one", "1"}, {"two", "2"}, {"by", "\"value\""}});
    CHECK(all.spans[0].parent() == all.spans[1].id());
    std::set<std::uint64_t> ids;
    for (const auto& s : all.spans) CHECK(ids.insert(s.id()).second);
}

TEST_CASE("scopes that end in another order than they began: each restores what is still there") {
    const auto all = of([] {
        auto a = telemetry.plain.scope();
        auto b = telemetry.plain.scope();
        auto c = telemetry.plain.scope();
        b.end();
        CHECK(apm::context::current() == c.context());
        a.end();
        CHECK(apm::context::current() == c.context());
        TRACE_SCOPE(telemetry.serves);
        c.end();
        CHECK(apm::context::current().valid());
    });
    CHECK_FALSE(apm::context::current().valid());
    REQUIRE(all.spans.size() == 4);
    CHECK(all.spans[3].parent() == all.spans[2].id());
    CHECK(all.spans[2].parent() == all.spans[0].id());
    CHECK(all.spans[0].parent() == all.spans[1].id());
}

TEST_CASE("a scope that is ended on another thread: this thread's current span recovers") {
    drain();
    {
        const auto outer = telemetry.plain.scope();
        auto middle = std::make_optional(telemetry.serves.scope());
        auto inner = std::make_optional(telemetry.calls.scope());
        std::thread([&] {
            TRACE_SCOPE(telemetry.gets);
            const auto mine = apm::context::current();
            middle.reset();
            CHECK(apm::context::current() == mine);
        }).join();
        CHECK(apm::context::current() == inner->context());
        std::thread([&] { inner.reset(); }).join();
        CHECK(apm::context::current() == outer.context());
        { TRACE_SCOPE(telemetry.sends); }
    }
    CHECK_FALSE(apm::context::current().valid());
    const auto all = drain();
    REQUIRE(all.spans.size() == 5);
    std::map<std::string_view, const apm::span_view*> by_name;
    for (const auto& s : all.spans) by_name[s.name()] = &s;
    CHECK(by_name["sends"]->parent() == by_name["plain"]->id());
    CHECK(by_name["calls"]->parent() == by_name["serves"]->id());
    CHECK(by_name["gets"]->parent() == 0);
    CHECK(by_name["serves"]->thread() != by_name["plain"]->thread());
    // Nothing is lost by it, and nothing given back twice.
    const auto round = [] {
        auto s = std::make_optional(telemetry.plain.scope());
        std::thread([&] { s.reset(); }).join();
        CHECK_FALSE(apm::context::current().valid());
    };
    for (int i = 0; i < 10; ++i) round();
    const auto before = bytes_held();
    for (int i = 0; i < 200; ++i) round();
    CHECK(bytes_held() == before);
    drain();
}

TEST_CASE("unsampled: nothing is kept, evaluated or counted as dropped; below it neither") {
    const sampling off(apm::always_off);
    const auto before = apm::count_spans();
    int evaluated = 0;
    const auto all = of([&] {
        const auto scope = telemetry.one.scope({.one = 1});
        CHECK_FALSE(scope.recording());
        CHECK(scope.context().valid());
        CHECK_FALSE(scope.context().sampled);
        scope.set<&One::one>(2);
        scope.event("x");
        scope.rename("x");
        scope.status(apm::span_status::error, "x");
        TRACE_SCOPE(telemetry.one, {.one = ++evaluated});
        CHECK(apm::context::current() == scope.context());
        TRACE_SCOPE("by name");
    });
    CHECK(all.spans.empty());
    CHECK(evaluated == 0);
    const auto after = apm::count_spans();
    CHECK(after.unsampled - before.unsampled == 3);
    CHECK(after.started == before.started);
    CHECK(after.dropped() == before.dropped());
}

TEST_CASE("muted: nothing is kept, but measured rows go on counting") {
    apm::detail::root& r = apm::detail::process_root();
    r.gate.store(1);
    const auto all = of([] {
        const auto scope = telemetry.plain.scope();
        CHECK_FALSE(scope.recording());
        CHECK_FALSE(apm::context::current().valid());
        TRACE_SCOPE(telemetry.measured);
        TRACE_SCOPE("by name");
    });
    r.gate.store(0);
    CHECK(all.spans.empty());
    CHECK(total_of(telemetry.measured.metrics.executions, "status=ok") == 1);
    CHECK(of([] { TRACE_SCOPE(telemetry.plain); }).spans.size() == 1);
}

TEST_CASE("a span that began before it was muted ends as it began") {
    drain();
    apm::detail::root& r = apm::detail::process_root();
    {
        TRACE_SCOPE(telemetry.plain);
        r.gate.store(1);
        TRACE_SCOPE(telemetry.serves);
        r.gate.store(0);
    }
    CHECK(drain().spans.size() == 1);
    CHECK_FALSE(apm::context::current().valid());
}

TEST_CASE("10,000 deep") {
    drain();
    struct nested {
        static void down(int n) {
            TRACE_SCOPE(telemetry.plain);
            if (n > 1) down(n - 1);
        }
    };
    const std::size_t depth = repeat(10'000);
    std::vector<apm::span_batch> batches;
    // The ring of a thread holds some hundred spans: it is emptied as they come back up.
    std::thread([&] {
        const meanwhile draining([&] {
            apm::span_batch b = apm::drain_spans();
            if (!b.spans.empty()) batches.push_back(std::move(b));
        });
        nested::down(static_cast<int>(depth));
        CHECK_FALSE(apm::context::current().valid());
    }).join();
    batches.push_back(drain());
    std::size_t drained = 0;
    std::map<std::uint64_t, std::uint64_t> parents;
    for (const auto& b : batches) {
        drained += b.spans.size();
        for (const auto& s : b.spans) parents[s.id()] = s.parent();
    }
    CHECK(parents.size() == drained);
    std::size_t roots = 0;
    for (const auto& [id, parent] : parents) roots += parent == 0;
    CHECK(roots <= 1);
    CHECK(drained > 0);
    const auto before = bytes_held();
    nested::down(static_cast<int>(depth));
    CHECK(bytes_held() - before < 1024 * 1024);  // what one thread gave back, the next has
    drain();
}

TEST_CASE("a started span is no parent, and ends on any thread") {
    drain();
    using started = apm::started_span<decltype(Schema::two)>;
    std::optional<started> first(telemetry.two.start({.one = 1}));
    CHECK_FALSE(apm::context::current().valid());
    { TRACE_SCOPE(telemetry.plain); }
    apm::context of_first = first->context();
    std::thread([&] {
        const auto attached = apm::attach(of_first);
        TRACE_SCOPE(telemetry.serves);
        first->set<&Two::two>(2);
        first.reset();
    }).join();
    {
        const auto outer = telemetry.plain.scope();
        auto below = telemetry.two.start({});
        CHECK(apm::context::current() == outer.context());
        auto moved = std::move(below);
    }
    const auto all = drain();
    REQUIRE(all.spans.size() == 5);
    std::map<std::uint64_t, const apm::span_view*> by_id;
    for (const auto& s : all.spans) by_id[s.id()] = &s;
    int below = 0;
    for (const auto& s : all.spans) {
        if (s.name() == "serves") CHECK(s.parent() == of_first.span);
        if (s.id() == of_first.span) CHECK(attributes_of(s) == named_values{{"one", "1"}, {"two", "2"}});
        if (s.name() == "two" && s.parent()) below += by_id.at(s.parent())->name() == "plain";
    }
    CHECK(below == 1);
    const auto before = bytes_held();
    for (int i = 0; i < 300; ++i) {
        started s = telemetry.two.start({});
        std::thread([&] { s.end(); }).join();
    }
    CHECK(bytes_held() - before < 256 * 1024);
    drain();
}

TEST_CASE("measured rows count and time each execution, sampled or not") {
    apm::detail::root& r = apm::detail::process_root();
    apm::detail::start_clock(r);
    r.clock.store(apm::detail::manual);  // time stands still but for this test, and a tick is a nanosecond
    r.ns_per_tick.store(std::bit_cast<std::uint64_t>(1.0));
    const auto once = [&](bool fails) {
        auto scope = telemetry.timed.scope();
        r.manual_ticks.add(std::uint64_t{2'000'000'000});
        if (fails) scope.status(apm::span_status::error);
    };
    once(false);
    once(true);
    {
        const sampling off(apm::always_off);
        once(false);
        CHECK_THROWS([] {
            TRACE_SCOPE(telemetry.timed);
            throw std::runtime_error("out");
        }());
        TRACE_SCOPE(telemetry.plain);
        once(true);  // below what is unsampled
    }
    auto started = telemetry.timed.start();
    started.end();
    started.end();
    r.clock.store(apm::detail::undecided);
    apm::detail::start_clock(r);
    CHECK(total_of(telemetry.timed.metrics.executions, "status=ok") == 3);
    CHECK(total_of(telemetry.timed.metrics.executions, "status=error") == 3);
    const apm::snapshot now = apm::collect();
    const auto& ok = *find_series(now, telemetry.timed.metrics.duration, "status=ok");
    CHECK(ok.count() == 3);
    CHECK(ok.sum() == Approx(4.0));
    CHECK(find_series(now, telemetry.timed.metrics.duration, "status=error")->sum() == Approx(4.0));
    CHECK(drain().spans.size() == 3);
    CHECK(telemetry.timed.metrics.duration.name == std::string_view("timed.duration"));
    CHECK(telemetry.timed.metrics.executions.name == std::string_view("timed.executions"));
}

TEST_CASE("a row above the level is not there") {
    using above = decltype(telemetry.deep.scope<apm::mode::on, 1>());
    static_assert(std::is_base_of_v<apm::span_handle<apm::mode::off>, above>);
    const auto all = of([] {
        const auto none = telemetry.deep.scope<apm::mode::on, 1>();
        CHECK_FALSE(apm::context::current().valid());
        const auto started = telemetry.deep.start<apm::mode::on, 1>();
        const auto there = telemetry.deep.scope<apm::mode::on, 2>();
    });
    CHECK(all.spans.size() == 1);
}

TEST_CASE("leaving by an exception is an error, unless something else was said") {
    const auto leave = [](auto&& before) {
        return of([&] {
            CHECK_THROWS([&] {
                TRACE_SCOPE(telemetry.plain);
                const auto scope = telemetry.serves.scope();
                before(scope);
                throw 1;
            }());
        });
    };
    const auto thrown = leave([](const auto&) {});
    REQUIRE(thrown.spans.size() == 2);
    for (const auto& s : thrown.spans) CHECK(s.status() == apm::span_status::error);
    CHECK(leave([](const auto& s) { s.status(apm::span_status::ok); }).spans[0].status() == apm::span_status::ok);
    CHECK(leave([](const auto& s) { s.status(apm::span_status::error, "why"); }).spans[0].message() == "why");
    CHECK(only(one_of([] {
              TRACE_SCOPE(telemetry.plain);
              try {
                  throw 1;
              } catch (int) {
              }
          })).status() == apm::span_status::unset);
}

TEST_CASE("a scope within a destructor that runs because of an exception has not failed; one that throws there has") {
    struct traces {
        ~traces() {
            { TRACE_SCOPE("fine"); }
            try {
                TRACE_SCOPE("fails");
                throw 2;
            } catch (int) {
            }
        }
    };
    const auto all = of([] {
        try {
            const traces t;
            throw 1;
        } catch (int) {
            TRACE_SCOPE("in the handler");
        }
    });
    REQUIRE(all.spans.size() == 3);
    CHECK(all.spans[0].status() == apm::span_status::unset);
    CHECK(all.spans[1].status() == apm::span_status::error);
    CHECK(all.spans[2].status() == apm::span_status::unset);
}

TEST_CASE("identifiers are unique over threads, times lie within those of the parent") {
    drain();
    in_threads(4, [](std::size_t) {
        for (int i = 0; i < 50; ++i) {
            TRACE_SCOPE(telemetry.plain);
            TRACE_SCOPE(telemetry.serves);
        }
    });
    const auto all = drain();
    REQUIRE(all.spans.size() == 400);
    std::map<std::uint64_t, const apm::span_view*> by_id;
    for (const auto& s : all.spans) CHECK(by_id.emplace(s.id(), &s).second);
    std::set<std::uint64_t> traces;
    for (const auto& s : all.spans) {
        if (!s.parent()) {
            CHECK(traces.insert(s.trace().high).second);
            continue;
        }
        const auto& p = *by_id.at(s.parent());
        CHECK(p.trace() == s.trace());
        CHECK(p.start() <= s.start());
        CHECK(s.end() <= p.end());
    }
    CHECK(traces.size() == 200);
}
