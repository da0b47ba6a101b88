// Rows beside each other: names that clash, as declared or as Prometheus sees them.
#include <apm/apm.hpp>

namespace shop {

struct sizes { static constexpr auto bounds = apm::explicit_bounds(1, 2); };

struct Schema : apm::schema<Schema> {
// CASE scope_name_is_empty
// EXPECT apm_error_scope_name_is_empty_name_the_library_or_program
#ifdef CASE_scope_name_is_empty
    static constexpr apm::scope scope{.name = ""};
#else
    static constexpr apm::scope scope{.name = "shop"};
#endif

    counter<> first{this, "shop.orders", "Orders placed"};

// CASE duplicate_name
// EXPECT apm_error_duplicate_metric_name_in_schema_rename_one
// EXPECT shop\.orders
#ifdef CASE_duplicate_name
    counter<> second{this, "shop.orders", "Orders placed, again"};
#else
    counter<> second{this, "shop.orders.again", "Orders placed, again"};
#endif

// CASE dot_and_underscore
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT shop\.orders.*shop_orders|shop_orders.*shop\.orders
#ifdef CASE_dot_and_underscore
    counter<> underscore{this, "shop_orders", "Orders placed"};
#else
    counter<> underscore{this, "shop_orders", "Orders placed", {.prometheus_name = "shop_orders_too"}};
#endif

    histogram<apm::no_labels, apm::count, sizes> depth{this, "depth", "Depth"};

// CASE counter_and_histogram_count
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT "depth".*"depth\.count"|"depth\.count".*"depth"
#ifdef CASE_counter_and_histogram_count
    counter<> depths{this, "depth.count", "Not the histogram's"};
#else
    counter<> depths{this, "depth.counts", "Not the histogram's"};
#endif

// CASE gauge_and_histogram_sum
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT depth_sum
#ifdef CASE_gauge_and_histogram_sum
    gauge<> sum{this, "depth_sum", "Not the histogram's"};
#else
    gauge<> sum{this, "depth_summed", "Not the histogram's"};
#endif

// CASE gauge_and_histogram_bucket
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT depth\.bucket
#ifdef CASE_gauge_and_histogram_bucket
    gauge<> bucket{this, "depth.bucket", "Not the histogram's"};
#else
    gauge<> bucket{this, "depth.buckets", "Not the histogram's"};
#endif

// CASE gauge_and_counter_total
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT shop\.orders\.total
#ifdef CASE_gauge_and_counter_total
    gauge<> total{this, "shop.orders.total", "Not the counter's"};
#else
    gauge<> total{this, "shop.orders.totals", "Not the counter's"};
#endif

// CASE unit_makes_them_collide
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT wait\.seconds
    gauge<apm::no_labels, apm::seconds> wait{this, "wait", "wait_seconds"};
#ifdef CASE_unit_makes_them_collide
    gauge<> wait_seconds{this, "wait.seconds", "wait_seconds, too"};
#else
    gauge<> wait_seconds{this, "wait.minutes", "wait_minutes"};
#endif

// CASE given_names_collide
// EXPECT apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name
// EXPECT "given\.one".*"given\.two"|"given\.two".*"given\.one"
    gauge<> one{this, "given.one", "Given", {.prometheus_name = "given"}};
#ifdef CASE_given_names_collide
    gauge<> two{this, "given.two", "Given", {.prometheus_name = "given"}};
#else
    gauge<> two{this, "given.two", "Given", {.prometheus_name = "given_too"}};
#endif
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace shop

void use() { shop::telemetry.first.add(1); }
