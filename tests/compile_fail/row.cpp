// One row by itself: names, help, labels' names, limits.
#include <apm/apm.hpp>

#include <optional>

namespace shop {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)

// CASE label_name
// EXPECT apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope
// EXPECT shop\.labelled
#ifdef CASE_label_name
APM_FIELDS(Named, (apm::named<Method, "http-method">, method));
#else
APM_FIELDS(Named, (apm::named<Method, "http.method">, method));
#endif

// CASE label_called_le
// EXPECT apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope
// EXPECT "shop\.le"
#ifdef CASE_label_called_le
APM_FIELDS(Le, (Method, le));
#else
APM_FIELDS(Le, (Method, less_or_equal));
#endif

// CASE label_of_prometheus
// EXPECT apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope
// EXPECT shop\.reserved
#ifdef CASE_label_of_prometheus
APM_FIELDS(Reserved, (apm::named<Method, "__name__">, method));
#else
APM_FIELDS(Reserved, (apm::named<Method, "_name_">, method));
#endif

// CASE label_of_prometheus_by_a_dot
// EXPECT apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope
// EXPECT shop\.dotted
#ifdef CASE_label_of_prometheus_by_a_dot
APM_FIELDS(Dotted, (apm::named<Method, "_.name">, method));
#else
APM_FIELDS(Dotted, (apm::named<Method, "_na.me">, method));
#endif

// CASE label_of_the_scope
// EXPECT apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope
// EXPECT shop\.scoped
#ifdef CASE_label_of_the_scope
APM_FIELDS(Scoped, (apm::named<Method, "otel.scope.name">, method));
#else
APM_FIELDS(Scoped, (apm::named<Method, "otel.scope">, method));
#endif

// CASE labels_collide
// EXPECT apm_error_two_labels_of_a_row_have_the_same_name_in_prometheus
// EXPECT shop\.twice
#ifdef CASE_labels_collide
APM_FIELDS(Twice, (apm::named<Method, "a.b">, one), (apm::named<Method, "a_b">, two));
#else
APM_FIELDS(Twice, (apm::named<Method, "a.b">, one), (apm::named<Method, "a_c">, two));
#endif

// CASE product_too_large
// EXPECT apm_error_closed_labels_multiply_to_more_than_2_to_the_20_series_use_fewer_or_smaller_labels
// EXPECT shop\.product
#ifdef CASE_product_too_large
APM_FIELDS(Product, (apm::range<1, 1023>, a), (apm::range<0, 1023>, b));
#else
APM_FIELDS(Product, (apm::range<1, 1023>, a), (apm::range<1, 1023>, b));
#endif

// A product that is 0 modulo 2^64 is not small.
// CASE product_wraps_around
// EXPECT apm_error_closed_labels_multiply_to_more_than_2_to_the_20_series_use_fewer_or_smaller_labels
// EXPECT shop\.wrapped
#ifdef CASE_product_wraps_around
using Big = apm::range<1, 65535>;
APM_FIELDS(Wrapped, (Big, a), (Big, b), (Big, c), (Big, d));
#else
APM_FIELDS(Wrapped, (apm::range<1, 65535>, a));
#endif

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};

// CASE metric_name
// EXPECT apm_error_metric_name_must_match_a_z_0_9_underscore_dot
// EXPECT Shop-Orders
#ifdef CASE_metric_name
    counter<> orders{this, "Shop-Orders", "Orders placed"};
#else
    counter<> orders{this, "shop.orders", "Orders placed"};
#endif

// CASE metric_name_ends_in_a_dot
// EXPECT apm_error_metric_name_must_match_a_z_0_9_underscore_dot
// EXPECT shop\.ends\.
#ifdef CASE_metric_name_ends_in_a_dot
    counter<> ends{this, "shop.ends.", "A name that goes on"};
#else
    counter<> ends{this, "shop.ends", "A name that ends"};
#endif

// CASE metric_name_is_empty
// EXPECT apm_error_metric_name_must_match_a_z_0_9_underscore_dot
#ifdef CASE_metric_name_is_empty
    counter<> nameless{this, "", "No name at all"};
#else
    counter<> nameless{this, "shop.nameless", "No name at all"};
#endif

// CASE help_is_empty
// EXPECT apm_error_metric_help_is_empty_say_what_is_counted
// EXPECT shop\.helpless
#ifdef CASE_help_is_empty
    counter<> helpless{this, "shop.helpless", ""};
#else
    counter<> helpless{this, "shop.helpless", "Some"};
#endif

// CASE limit_0
// EXPECT apm_error_series_limit_must_be_1_to_2_to_the_20
// EXPECT shop\.limited
#ifdef CASE_limit_0
    counter<> limited{this, "shop.limited", "None at all", {.limit = 0}};
#else
    counter<> limited{this, "shop.limited", "One", {.limit = 1}};
#endif

// CASE limit_too_large
// EXPECT apm_error_series_limit_must_be_1_to_2_to_the_20
// EXPECT shop\.unlimited
#ifdef CASE_limit_too_large
    counter<> unlimited{this, "shop.unlimited", "Too many", {.limit = (1u << 20) + 1}};
#else
    counter<> unlimited{this, "shop.unlimited", "Many", {.limit = 1u << 20}};
#endif

// CASE prometheus_name
// EXPECT apm_error_prometheus_name_must_match_a_z_A_Z_0_9_underscore
// EXPECT shop\.renamed
#ifdef CASE_prometheus_name
    counter<> renamed{this, "shop.renamed", "Renamed", {.prometheus_name = "shop.renamed"}};
#else
    counter<> renamed{this, "shop.renamed", "Renamed", {.prometheus_name = "shop_renamed"}};
#endif

    counter<Named>    named   {this, "shop.labelled", "Labelled"};
    counter<Le>       le      {this, "shop.le", "Labelled"};
    counter<Reserved> reserved{this, "shop.reserved", "Labelled"};
    counter<Dotted>   dotted  {this, "shop.dotted", "Labelled"};
    counter<Scoped>   scoped  {this, "shop.scoped", "Labelled"};
    counter<Twice>    twice   {this, "shop.twice", "Labelled"};
    counter<Product>  product {this, "shop.product", "Labelled"};
    counter<Wrapped>  wrapped {this, "shop.wrapped", "Labelled"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace shop

void use() { shop::telemetry.orders.add(1); }
