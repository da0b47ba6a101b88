// Bucket sets and units that make no sense.
#include <apm/apm.hpp>

#include <cmath>

namespace shop {

// CASE unsorted
// EXPECT bucket bounds must be finite and strictly ascending; sort them, drop duplicates and leave \+Inf away
#ifdef CASE_unsorted
struct unsorted { static constexpr auto bounds = apm::explicit_bounds(1, 3, 2); };
#else
struct unsorted { static constexpr auto bounds = apm::explicit_bounds(1, 2, 3); };
#endif

// CASE duplicate_bounds
// EXPECT bucket bounds must be finite and strictly ascending
#ifdef CASE_duplicate_bounds
struct duplicates { static constexpr auto bounds = apm::explicit_bounds(1, 2, 2); };
#else
struct duplicates { static constexpr auto bounds = apm::explicit_bounds(1, 2); };
#endif

// CASE infinite_bound
// EXPECT bucket bounds must be finite and strictly ascending; .*leave \+Inf away: it is always there
#ifdef CASE_infinite_bound
struct infinite { static constexpr auto bounds = apm::explicit_bounds(1, 2, INFINITY); };
#else
struct infinite { static constexpr auto bounds = apm::explicit_bounds(1, 2); };
#endif

// CASE bound_that_is_no_number
// EXPECT bucket bounds must be finite and strictly ascending
#ifdef CASE_bound_that_is_no_number
struct no_number { static constexpr auto bounds = apm::explicit_bounds(1, NAN); };
#else
struct no_number { static constexpr auto bounds = apm::explicit_bounds(1); };
#endif

// CASE no_bounds
// EXPECT a bucket set has 1 to 512 bounds
#ifdef CASE_no_bounds
struct none { static constexpr auto bounds = apm::explicit_bounds(); };
#else
struct none { static constexpr auto bounds = apm::explicit_bounds(1); };
#endif

// CASE too_many_bounds
// EXPECT a bucket set has 1 to 512 bounds
#ifdef CASE_too_many_bounds
struct crowd { static constexpr auto bounds = apm::linear_bounds<513>(0, 1); };
#else
struct crowd { static constexpr auto bounds = apm::linear_bounds<512>(0, 1); };
#endif

// CASE equal_in_this_unit
// EXPECT two bucket bounds are the same value in this row's unit; move them apart
#ifdef CASE_equal_in_this_unit
struct fractions { static constexpr auto bounds = apm::explicit_bounds(0.2, 0.8); };
#else
struct fractions { static constexpr auto bounds = apm::explicit_bounds(0.2, 1.8); };
#endif

// CASE beyond_the_unit
// EXPECT a bucket bound is beyond 64 bits in this row's unit
#ifdef CASE_beyond_the_unit
struct eons { static constexpr auto bounds = apm::explicit_bounds(1, 1e10); };
#else
struct eons { static constexpr auto bounds = apm::explicit_bounds(1, 9e9); };
#endif

// CASE latency_of_no_time
// EXPECT latency_buckets are for rows in a unit of time
#ifdef CASE_latency_of_no_time
using latency_unit = apm::bytes;
#else
using latency_unit = apm::milliseconds;
#endif

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};
    template <class Unit, class Buckets>
    using row = histogram<apm::no_labels, Unit, Buckets>;
    row<apm::count, unsorted>                unsorted_row  {this, "shop.unsorted", "help"};
    row<apm::score, duplicates>              duplicates_row{this, "shop.duplicates", "help"};
    row<apm::score, infinite>                infinite_row  {this, "shop.infinite", "help"};
    row<apm::count, no_number>               no_number_row {this, "shop.no_number", "help"};
    row<apm::count, none>                    none_row      {this, "shop.none", "help"};
    row<apm::count, crowd>                   crowd_row     {this, "shop.crowd", "help"};
    row<apm::count, fractions>               fractions_row {this, "shop.fractions", "help"};
    row<apm::seconds, eons>                  eons_row      {this, "shop.eons", "help"};
    row<latency_unit, apm::latency_buckets>  latency_row   {this, "shop.latency", "help"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace shop

void use() { shop::telemetry.crowd_row.record(1); }
