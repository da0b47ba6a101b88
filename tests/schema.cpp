// ctest: LABELS serial
#include <apm/schema.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/preprocessor/repetition/repeat.hpp>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

#include "catch.hpp"

namespace schema_test {  // not unnamed: of most schemas here only the layout is asked for, and clang misses the use of the rest

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
BOOST_DEFINE_ENUM_CLASS(Reordered, paypal, card)
APM_FIELDS(Order, (Method, method));
APM_FIELDS(OtherOrder, (Reordered, method));
APM_FIELDS(OtherName, (Method, means));
APM_FIELDS(City, (apm::text<>, city));
APM_FIELDS(Status, (apm::range<200, 299>, status));
APM_FIELDS(OtherStatus, (apm::range<300, 399>, status));
struct tens { static constexpr auto bounds = apm::explicit_bounds(10, 20, 30); };
struct twenties { static constexpr auto bounds = apm::explicit_bounds(20, 40, 60); };

// Schemas of one row that differ in one thing each.
#define APM_TEST_ONE_ROW(Name, ...)                                  \
    struct Name : apm::schema<Name> {                                \
        static constexpr apm::scope scope{.name = "one row"};        \
        __VA_ARGS__;                                                 \
    }
APM_TEST_ONE_ROW(Base, counter<Order> row{this, "row", "help"});
APM_TEST_ONE_ROW(Same, counter<Order> otherwise{this, "row", "other help"});
APM_TEST_ONE_ROW(NameDiffers, counter<Order> row{this, "raw", "help"});
APM_TEST_ONE_ROW(KindDiffers, updown<Order> row{this, "row", "help"});
APM_TEST_ONE_ROW(UnitDiffers, counter<Order, apm::bytes> row{this, "row", "help"});
APM_TEST_ONE_ROW(LabelDiffers, counter<OtherName> row{this, "row", "help"});
APM_TEST_ONE_ROW(OrderDiffers, counter<OtherOrder> row{this, "row", "help"});
APM_TEST_ONE_ROW(LimitDiffers, counter<Order> row{this, "row", "help", {.limit = 1999}});
APM_TEST_ONE_ROW(Ranged, counter<Status> row{this, "row", "help"});
APM_TEST_ONE_ROW(RangeDiffers, counter<OtherStatus> row{this, "row", "help"});
APM_TEST_ONE_ROW(Bounded, histogram<Order, apm::count, tens> row{this, "row", "help"});
APM_TEST_ONE_ROW(BoundsDiffer, histogram<Order, apm::count, twenties> row{this, "row", "help"});
APM_TEST_ONE_ROW(TwoRows, counter<Order> row{this, "row", "help"}; counter<Order> two{this, "two", "help"});
APM_TEST_ONE_ROW(TwoRowsSwapped, counter<Order> two{this, "two", "help"}; counter<Order> row{this, "row", "help"});

}  // namespace schema_test

namespace {

using namespace schema_test;

struct Mixed : apm::schema<Mixed> {
    static constexpr apm::scope scope{.name = "schema test"};
    counter<>                          a{this, "a", "help of a"};
    counter<Order>                     b{this, "b", "help of b"};
    histogram<Order, apm::count, tens> c{this, "c", "help of c"};
    gauge<Order>                       d{this, "d", "help of d"};
    counter<City>                      e{this, "e", "help of e"};
    gauge<City>                        f{this, "f", "help of f", {.limit = 3}};
    counter<>                          count{this, "count", "a row may be called as the base's members are"};
};
constexpr auto& mixed = apm::instruments<Mixed>;

template <class S>
std::uint64_t layout() { return apm::detail::rows_of<S>.layout; }

// As many rows as a large program has.
struct Large : apm::schema<Large> {
    static constexpr apm::scope scope{.name = "large"};
#define APM_TEST_ROW(z, n, unused) counter<Order> row_##n{this, "large.row_" #n, "one of many"};
    BOOST_PP_REPEAT(250, APM_TEST_ROW, )
};
constexpr auto& large = apm::instruments<Large>;

// Names that come close to each other and do not collide.
struct Close : apm::schema<Close> {
    static constexpr apm::scope scope{.name = "close"};
    counter<>                                    requests{this, "requests", "requests_total"};
    histogram<apm::no_labels, apm::count, tens>  request {this, "request", "request_count, request_sum, request_bucket"};
    gauge<>                                      counts  {this, "request.counts", "request_counts"};
    gauge<apm::no_labels, apm::seconds>          age     {this, "age", "age_seconds"};
    gauge<>                                      plain   {this, "age.plain", "age_plain"};
    counter<>                                    legacy  {this, "x.count", "old_x_total", {.prometheus_name = "old_x"}};
    histogram<apm::no_labels, apm::count, tens>  x       {this, "x", "x_count"};
};
constexpr auto& close_names = apm::instruments<Close>;

}  // namespace

TEST_CASE("rows register themselves, in order") {
    const apm::row_list& list = mixed;
    std::vector<std::string> names;
    for (const apm::row* r = list.last; r; r = r->previous) names.insert(names.begin(), r->name);
    CHECK(names == std::vector<std::string>{"a", "b", "c", "d", "e", "f", "count"});
    CHECK(list.count == 7);
    CHECK(list.tables == 2);
    CHECK(&apm::detail::rows_of<Mixed> == &list);
}

TEST_CASE("every row has cells of its own, its thread's or shared ones") {
    std::set<std::uint32_t> own, shared;
    const auto take = [](std::set<std::uint32_t>& cells, std::uint32_t first, std::uint32_t count) {
        for (std::uint32_t i = first; i < first + count; ++i) REQUIRE(cells.insert(i).second);
    };
    take(own, mixed.a.first, 2);               // its series, rejected
    take(own, mixed.b.first, 3 + 1);           // two methods, other, rejected
    take(own, mixed.c.first, 3 * (4 + 1) + 1);
    take(shared, mixed.d.first, 3 + 1);
    take(own, mixed.e.first, 2 + mixed.e.chunks());
    take(shared, mixed.f.first, 2 + mixed.f.chunks());
    take(own, mixed.count.first, 2);
    CHECK(*own.rbegin() == apm::detail::rows_of<Mixed>.cells - 1);
    CHECK(*shared.rbegin() == apm::detail::rows_of<Mixed>.shared - 1);
    CHECK(own.size() == apm::detail::rows_of<Mixed>.cells);
    CHECK(mixed.c.dense_rejected() == mixed.c.first + 15);
    CHECK(mixed.e.table == 0);
    CHECK(mixed.f.table == 1);
    CHECK_FALSE(mixed.b.tabled);
    CHECK(mixed.e.tabled);
}

TEST_CASE("a limit's chunks hold exactly as many series as it admits, or more") {
    CHECK(mixed.f.chunks() == 1);
    for (const std::uint32_t limit : {1u, 15u, 16u, 31u, 32u, 2000u, 1u << 20}) {
        const std::uint32_t last = apm::detail::chunk_of(limit);
        CHECK(apm::detail::chunk_base(last) <= limit);
        CHECK(limit < apm::detail::chunk_base(last) + apm::detail::chunk_size(last));
    }
}

TEST_CASE("the layout is what two builds of a schema must agree on, and nothing else") {
    CHECK(layout<Base>() == layout<Same>());
    const std::vector<std::uint64_t> different{
        layout<Base>(),         layout<NameDiffers>(), layout<KindDiffers>(),  layout<UnitDiffers>(), layout<LabelDiffers>(),
        layout<OrderDiffers>(), layout<LimitDiffers>(), layout<Ranged>(),      layout<RangeDiffers>(), layout<Bounded>(),
        layout<BoundsDiffer>(), layout<TwoRows>(),      layout<TwoRowsSwapped>()};
    CHECK(std::set<std::uint64_t>(different.begin(), different.end()).size() == different.size());
}

TEST_CASE("a schema of 250 rows") {
    CHECK(apm::detail::rows_of<Large>.count == 250);
    large.row_0.add(1, {.method = Method::card});
    large.row_249.add(2, {.method = Method::card});
    const apm::snapshot now = apm::collect();
    std::size_t families = 0;
    std::uint64_t sum = 0;
    for (const apm::family& f : now.families) {
        if (f.schema->name != std::string_view("large")) continue;
        ++families;
        for (const apm::series_view& s : f.series) sum += s.total();
    }
    CHECK(families == 250);
    CHECK(sum == 3);
}

TEST_CASE("instruments live in constant memory and cannot be copied") {
    CHECK(&apm::instruments<Mixed> == &apm::detail::instance<Mixed>);
    CHECK(std::is_const_v<std::remove_reference_t<decltype(apm::instruments<Mixed>)>>);
    CHECK_FALSE(std::is_copy_constructible_v<Mixed>);
    CHECK_FALSE(std::is_copy_assignable_v<decltype(Mixed::a)>);
    CHECK_FALSE(std::is_copy_constructible_v<decltype(Mixed::a)>);
    constexpr std::uint32_t place = apm::instruments<Mixed>.c.first;  // known when it is compiled
    CHECK(place == mixed.c.first);
}

TEST_CASE("names that do not collide are accepted") { CHECK(apm::detail::rows_of<Close>.count == 7); }

TEST_CASE("an absent scope version or URL is empty, not null") {
    CHECK(std::string_view(Mixed::scope.version).empty());
    CHECK(std::string_view(Mixed::scope.schema_url).empty());
    CHECK(close_names.legacy.options.prometheus_name == std::string_view("old_x"));
}
