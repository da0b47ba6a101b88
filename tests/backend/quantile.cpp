// ctest: LABELS serial
// Estimates as Prometheus makes them (promql/quantile.go, bucketQuantile).
#include <apm/backend/quantile.hpp>

#include <cmath>

#include <apm/apm.hpp>

#include "catch.hpp"

namespace {

struct positive {
    static constexpr auto bounds = apm::explicit_bounds(1, 2, 4, 8);
};
struct mixed {
    static constexpr auto bounds = apm::explicit_bounds(-1, 0, 1);
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.quantile"};

    histogram<apm::no_labels, apm::score, positive> a{this, "a", "Of 1, 2, 4 and 8"};
    histogram<apm::no_labels, apm::score, mixed>    b{this, "b", "Of -1, 0 and 1"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// Of a series with these counts in its buckets.
apm::estimate quantile_of(const apm::row& r, std::vector<std::uint64_t> cells, double q) {
    cells.push_back(0);  // the sum
    return apm::quantile(r, apm::series_view(r, 0, nullptr, false, cells.data()), q);
}

}  // namespace

TEST_CASE("a quantile lies on a straight line between the bounds of its bucket") {
    const auto of = [](const std::vector<std::uint64_t>& buckets, double q) { return quantile_of(telemetry.a, buckets, q).value; };
    CHECK(of({10, 0, 0, 0, 0}, 0.5) == 0.5);  // the lowest bucket begins at 0
    CHECK(of({10, 0, 0, 0, 0}, 1) == 1);
    CHECK(of({0, 10, 0, 0, 0}, 0.5) == 1.5);
    CHECK(of({0, 0, 0, 10, 0}, 0.25) == 5);
    CHECK(of({5, 5, 0, 0, 0}, 0.5) == 1);  // a rank on a bound is that bound
    CHECK(of({1, 2, 3, 4, 0}, 0.5) == Approx(2 + 2.0 * 2 / 3));
    CHECK(of({1, 0, 0, 1, 0}, 0.75) == 6);  // empty buckets in between
    CHECK(of({4, 0, 0, 0, 0}, 0) == 0);
}

TEST_CASE("above the last bound no more is known than that") {
    const apm::estimate e = quantile_of(telemetry.a, {1, 0, 0, 0, 9}, 0.5);
    CHECK(e.value == 8);
    CHECK(e.above);
    CHECK_FALSE(quantile_of(telemetry.a, {9, 0, 0, 0, 1}, 0.5).above);
    CHECK_FALSE(quantile_of(telemetry.a, {0, 0, 0, 10, 0}, 1).above);
}

TEST_CASE("below a bound that is not positive it is not known either") {
    CHECK(quantile_of(telemetry.b, {10, 0, 0, 0}, 0.5).value == -1);
    CHECK(quantile_of(telemetry.b, {0, 10, 0, 0}, 0.5).value == -0.5);
    CHECK(quantile_of(telemetry.b, {0, 0, 10, 0}, 0.5).value == 0.5);
}

TEST_CASE("of nothing there is no quantile") {
    CHECK(std::isnan(quantile_of(telemetry.a, {0, 0, 0, 0, 0}, 0.5).value));
}
