// What cannot be a label, and wrong labels in a call.
#include <apm/apm.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace shop {

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
BOOST_DEFINE_ENUM_CLASS(Outcome, ok, declined)
struct Money { int cents; };
enum class Undescribed { a, b };

// CASE label_of_an_integer
// EXPECT this field cannot be a label; labels are described enums, bool, apm::range, apm::text or std::optional of
// EXPECT order_id
#ifdef CASE_label_of_an_integer
APM_FIELDS(Id, (std::uint64_t, order_id));
#else
APM_FIELDS(Id, (apm::text<>, order_id));
#endif

// CASE label_of_a_double
// EXPECT this field cannot be a label; .*use apm::range
#ifdef CASE_label_of_a_double
APM_FIELDS(Price, (double, price));
#else
APM_FIELDS(Price, (apm::range<0, 10>, price));
#endif

// CASE label_of_a_struct
// EXPECT this field cannot be a label
#ifdef CASE_label_of_a_struct
APM_FIELDS(Paid, (Money, paid));
#else
APM_FIELDS(Paid, (bool, paid));
#endif

// CASE labels_of_a_struct
// EXPECT this is no set of labels: declare it with APM_FIELDS
#ifdef CASE_labels_of_a_struct
struct Loose { bool paid; };
#else
APM_FIELDS(Loose, (bool, paid));
#endif

// CASE label_of_an_optional_double
// EXPECT this field cannot be a label
#ifdef CASE_label_of_an_optional_double
APM_FIELDS(Rebate, (std::optional<double>, rebate));
#else
APM_FIELDS(Rebate, (std::optional<bool>, rebate));
#endif

// CASE label_of_an_undescribed_enum
// EXPECT this field cannot be a label; labels are described enums
#ifdef CASE_label_of_an_undescribed_enum
APM_FIELDS(Plain, (Undescribed, plain));
#else
BOOST_DESCRIBE_ENUM(Undescribed, a, b)
APM_FIELDS(Plain, (Undescribed, plain));
#endif

// CASE label_range_too_wide
// EXPECT a label's apm::range is wider than 2\^20 values
#ifdef CASE_label_range_too_wide
APM_FIELDS(Ranged, (apm::range<INT64_MIN, INT64_MAX - 1>, n));
#else
APM_FIELDS(Ranged, (apm::range<1, (1 << 20) - 1>, n));
#endif

// CASE two_enumerators_of_one_name
// EXPECT the enumerators of a label need names of their own, none of them empty: see APM_WIRE_NAMES
enum class Model { gpt_4o, gpt_4o_mini };
BOOST_DESCRIBE_ENUM(Model, gpt_4o, gpt_4o_mini)
#ifdef CASE_two_enumerators_of_one_name
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"), (gpt_4o_mini, "gpt-4o"));
#else
APM_WIRE_NAMES(Model, (gpt_4o, "gpt-4o"), (gpt_4o_mini, "gpt-4o-mini"));
#endif
APM_FIELDS(OfModel, (Model, model));

// CASE enumerator_of_no_name
// EXPECT the enumerators of a label need names of their own, none of them empty: see APM_WIRE_NAMES
enum class Size { small, large };
BOOST_DESCRIBE_ENUM(Size, small, large)
#ifdef CASE_enumerator_of_no_name
APM_WIRE_NAMES(Size, (small, ""));
#else
APM_WIRE_NAMES(Size, (small, "S"));
#endif
APM_FIELDS(OfSize, (Size, size));

// What <resolv.h>, which other libraries' headers include, has among some 100 others.
#define DELETE ns_uop_delete
#define QUERY ns_o_query

// CASE enumerator_renamed_by_resolver
// EXPECT a macro of <resolv.h> renames an enumerator of this label: #undef it before the enum, or say the name with APM_WIRE_NAMES
BOOST_DEFINE_ENUM_CLASS(Op, GET, DELETE)
#ifndef CASE_enumerator_renamed_by_resolver
APM_WIRE_NAMES(Op, (DELETE, "DELETE"));
#endif
APM_FIELDS(OfOp, (Op, op));

// CASE field_renamed_by_resolver
// EXPECT a macro of <resolv.h> renames this field: #undef it before APM_FIELDS, or say the name with apm::named
#ifdef CASE_field_renamed_by_resolver
APM_FIELDS(OfQuery, (bool, QUERY));
#else
APM_FIELDS(OfQuery, (apm::named<bool, "query">, QUERY));
#endif

// CASE enumerator_renamed_by_a_macro
// EXPECT a macro changes the name of an enumerator: #undef it before the enum, or use another name
#define TRANSFORM transform_2d
#ifdef CASE_enumerator_renamed_by_a_macro
APM_ENUM_CLASS(Step, SCALE, TRANSFORM);
#else
APM_ENUM_CLASS(Step, SCALE,ROTATE , transform);
#endif

APM_FIELDS(Order, (Method, method), (Outcome, outcome), (std::optional<bool>, express));
APM_FIELDS(Flag, (bool, express));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};
    counter<Id>      ids     {this, "shop.ids", "Orders"};
    counter<Price>   prices  {this, "shop.prices", "Orders"};
    counter<Paid>    paid    {this, "shop.paid", "Orders"};
    counter<Loose>   loose   {this, "shop.loose", "Orders"};
    counter<Rebate>  rebates {this, "shop.rebates", "Orders"};
    counter<Plain>   plain   {this, "shop.plain", "Orders"};
    counter<Ranged>  ranged  {this, "shop.ranged", "Orders"};
    counter<OfModel> models  {this, "shop.models", "Orders"};
    counter<OfSize>  of_sizes{this, "shop.of_sizes", "Orders"};
    counter<OfOp>    ops     {this, "shop.ops", "Orders"};
    counter<OfQuery> queries {this, "shop.queries", "Orders"};
    counter<Order>   orders  {this, "shop.orders", "Orders"};
    counter<Flag>    express {this, "shop.express", "Orders"};
    counter<>        bare    {this, "shop.bare", "Orders"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace shop

using namespace shop;

void record() {
// CASE label_left_out
// EXPECT this field is required and was left out of the braces; give it, or declare it std::optional
// EXPECT outcome
#ifdef CASE_label_left_out
    telemetry.orders.add(1, {.method = Method::card});
#else
    telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok});
#endif

// CASE all_labels_left_out
// EXPECT this field is required and was left out of the braces; give it, or declare it std::optional
#ifdef CASE_all_labels_left_out
    telemetry.orders.add(1, {});
#else
    telemetry.orders.add(1, {Method::card, Outcome::ok});
#endif

// CASE braces_left_out
// EXPECT no matching (member )?function for call to .*add
#ifdef CASE_braces_left_out
    telemetry.orders.add(1);
#else
    telemetry.bare.add(1);
#endif

// CASE unknown_label
// EXPECT cannot convert .*Order_fields
#ifdef CASE_unknown_label
    telemetry.orders.add(1, {.method = Method::card, .outcom = Outcome::ok});
#else
    telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok});
#endif

// CASE one_label_too_many
// EXPECT cannot convert .*Flag_fields
#ifdef CASE_one_label_too_many
    telemetry.express.add(1, {true, true});
#else
    telemetry.express.add(1, {true});
#endif

// CASE labels_for_a_row_that_has_none
// EXPECT cannot convert .*no_labels
#ifdef CASE_labels_for_a_row_that_has_none
    telemetry.bare.add(1, {.method = Method::card});
#else
    telemetry.bare.add(1, {});
#endif

// CASE another_enum
// EXPECT cannot convert .*Order_fields
#ifdef CASE_another_enum
    telemetry.orders.add(1, {.method = Outcome::ok, .outcome = Outcome::ok});
#else
    telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok});
#endif

// CASE integer_for_an_enum
// EXPECT cannot convert .*Order_fields
#ifdef CASE_integer_for_an_enum
    telemetry.orders.add(1, {.method = 1, .outcome = Outcome::ok});
#else
    telemetry.orders.add(1, {.method = static_cast<Method>(1), .outcome = Outcome::ok});
#endif

// CASE integer_for_bool
// EXPECT cannot convert .*Flag_fields
#ifdef CASE_integer_for_bool
    telemetry.express.add(1, {.express = 1});
#else
    telemetry.express.add(1, {.express = true});
#endif
}

// CASE unknown_row
// EXPECT no member named 'ordres'
// EXPECT-gcc did you mean 'orders'
void misspell() {
#ifdef CASE_unknown_row
    telemetry.ordres.add(1, {.method = Method::card, .outcome = Outcome::ok});
#else
    telemetry.orders.add(1, {.method = Method::card, .outcome = Outcome::ok});
#endif
}
