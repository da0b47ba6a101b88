// What cannot be an attribute of a span, and wrong uses of spans.
#include <apm/apm.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shop {

struct Money { int cents; };
enum class Undescribed { a, b };

// CASE attribute_of_a_struct
// EXPECT this field cannot be an attribute; attributes are integers, doubles, bool, text, described enums
#ifdef CASE_attribute_of_a_struct
APM_FIELDS(Paid, (Money, paid));
#else
APM_FIELDS(Paid, (std::int64_t, paid));
#endif

// CASE attribute_of_an_undescribed_enum
// EXPECT this field cannot be an attribute; .*described enums
#ifdef CASE_attribute_of_an_undescribed_enum
APM_FIELDS(Plain, (Undescribed, plain));
#else
APM_FIELDS(Plain, (int, plain));
#endif

// CASE attribute_of_a_map
// EXPECT this field cannot be an attribute; .*arrays of numbers, apm::secret or std::optional of these
#ifdef CASE_attribute_of_a_map
APM_FIELDS(Headers, (std::map<std::string, std::string>, headers));
#else
APM_FIELDS(Headers, (std::vector<int>, headers));
#endif

// CASE attribute_of_a_character
// EXPECT this field cannot be an attribute
#ifdef CASE_attribute_of_a_character
APM_FIELDS(Grade, (char, grade));
#else
APM_FIELDS(Grade, (std::string, grade));
#endif

// CASE attribute_of_an_array_of_bool
// EXPECT this field cannot be an attribute
#ifdef CASE_attribute_of_an_array_of_bool
APM_FIELDS(Flags, (std::vector<bool>, flags));
#else
APM_FIELDS(Flags, (std::vector<double>, flags));
#endif

// CASE attributes_of_a_struct
// EXPECT this is no set of attributes: declare it with APM_FIELDS
#ifdef CASE_attributes_of_a_struct
struct Loose { int paid; };
#else
APM_FIELDS(Loose, (int, paid));
#endif

APM_FIELDS(Order, (std::uint64_t, order), (std::optional<std::string>, coupon));
APM_FIELDS(Other, (std::uint64_t, order), (std::optional<std::string>, coupon));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};
    span<Paid>    paid   {this, "paid", "paid"};
    span<Plain>   of_enum{this, "enum", "enum"};
    span<Headers> headers{this, "headers", "headers"};
    span<Grade>   grade  {this, "grade", "grade"};
    span<Flags>   flags  {this, "flags", "flags"};
    span<Loose>   loose  {this, "loose", "loose"};
    span<Order>   order  {this, "order", "order"};
    span<>        plain  {this, "plain", "plain"};
    // CASE unknown_option
    // EXPECT apm: a span's options are apm::server, client, producer, consumer, apm::level<N>, apm::measured
#ifdef CASE_unknown_option
    span<Order, int> wrong{this, "wrong", "wrong"};
#else
    span<Order, apm::server> wrong{this, "wrong", "wrong"};
#endif
    // CASE empty_name
    // EXPECT apm_error_span_name_is_empty
#ifdef CASE_empty_name
    span<> unnamed{this, "", "has no name"};
#else
    span<> unnamed{this, "named", "has a name"};
#endif
    // CASE empty_help
    // EXPECT apm_error_span_help_is_empty_say_what_it_covers
#ifdef CASE_empty_help
    span<> helpless{this, "helpless", ""};
#else
    span<> helpless{this, "helpless", "covers this"};
#endif
};
constexpr auto& telemetry = apm::instruments<Schema>;

inline void declared(bool now) {
    TRACE_SCOPE(telemetry.plain);
    const auto loose = telemetry.loose.scope({.paid = 1});
    if (now) loose.set({.paid = 2});
}

// Under an `if` without braces the span would end at once.
// CASE scope_under_an_if
// EXPECT apm_scope_\d+
// EXPECT-gcc was not declared in this scope
// EXPECT-clang undeclared identifier
#ifdef CASE_scope_under_an_if
inline void under_an_if(bool big) {
    if (big) TRACE_SCOPE(telemetry.order, {.order = 1});
}
#else
inline void under_an_if(bool big) {
    if (big) {
        TRACE_SCOPE(telemetry.order, {.order = 1});
    }
}
#endif

// CASE scope_under_an_else
// EXPECT apm_scope_\d+
#ifdef CASE_scope_under_an_else
inline void under_an_else(bool big) {
    if (big) {
    } else TRACE_SCOPE("small");
}
#else
inline void under_an_else(bool big) {
    if (big) {
    } else {
        TRACE_SCOPE("small");
    }
}
#endif

// CASE function_under_a_for
// EXPECT apm_(scope|function)_\d+
#ifdef CASE_function_under_a_for
inline void under_a_for() {
    for (int i = 0; i < 3; ++i) TRACE_FUNCTION();
}
#else
inline void under_a_for() {
    for (int i = 0; i < 3; ++i) {
        TRACE_FUNCTION();
    }
}
#endif

// CASE required_attribute_left_out
// EXPECT this field is required and was left out of the braces; give it, or declare it std::optional
#ifdef CASE_required_attribute_left_out
inline void left_out() { TRACE_SCOPE(telemetry.order, {.coupon = "X"}); }
#else
inline void left_out() { TRACE_SCOPE(telemetry.order, {.order = 1, .coupon = "X"}); }
#endif

// CASE all_attributes_left_out
// EXPECT-gcc no matching function for call to .*begin_with\(\)|constraints not satisfied
// EXPECT-clang no matching member function for call to 'begin_with'
#ifdef CASE_all_attributes_left_out
inline void all_left_out() { TRACE_SCOPE(telemetry.order); }
#else
inline void all_left_out() { TRACE_SCOPE(telemetry.plain); }
#endif

// CASE unknown_attribute
// EXPECT-gcc no known conversion for argument 1 from '<brace-enclosed initializer list>' to .*Order_fields
// EXPECT-clang cannot convert initializer list argument to .*Order_fields
#ifdef CASE_unknown_attribute
inline void unknown() { TRACE_SCOPE(telemetry.order, {.orders = 1}); }
#else
inline void unknown() { TRACE_SCOPE(telemetry.order, {.order = 1}); }
#endif

// CASE member_of_another
// EXPECT this member is not one of the attributes of this span: see the struct of APM_FIELDS that its row names
#ifdef CASE_member_of_another
inline void of_another() { telemetry.order.scope({.order = 1}).set<&Other::coupon>("X"); }
#else
inline void of_another() { telemetry.order.scope({.order = 1}).set<&Order::coupon>("X"); }
#endif

// CASE value_of_another_type
// EXPECT-gcc no matching function for call to .*set
// EXPECT-clang no matching member function for call to 'set'
#ifdef CASE_value_of_another_type
inline void of_another_type() { telemetry.order.scope({.order = 1}).set<&Order::coupon>(Money{}); }
#else
inline void of_another_type() { telemetry.order.scope({.order = 1}).set<&Order::coupon>("X"); }
#endif

// CASE unsupported_value_by_name
// EXPECT-gcc no matching function for call to .*attribute|no matching function for call to .*set
// EXPECT-clang no matching (constructor|member function)
#ifdef CASE_unsupported_value_by_name
inline void by_name() { apm::current_span().set("paid", Money{}); }
#else
inline void by_name() { apm::current_span().set("paid", Money{}.cents); }
#endif

// CASE scope_is_dropped
// EXPECT (ignoring return value|nodiscard)
#ifdef CASE_scope_is_dropped
#pragma GCC diagnostic error "-Wunused-result"
inline void dropped() { telemetry.plain.scope(); }
#else
inline void dropped() { const auto scope = telemetry.plain.scope(); }
#endif

// CASE scope_is_copied
// EXPECT (use of deleted function|call to (implicitly-)?deleted|deleted constructor)
#ifdef CASE_scope_is_copied
inline void copied() {
    const auto a = telemetry.plain.scope();
    const auto b = a;
    static_cast<void>(b.recording());
}
#else
inline void copied() {
    auto a = telemetry.plain.scope();
    const auto b = static_cast<decltype(a)&&>(a);
    static_cast<void>(b.recording());
}
#endif

}  // namespace shop

// CASE two_scopes_on_one_line
// EXPECT redeclaration|redefinition|multiple definition|conflicting declaration
void two_scopes_on_one_line() {
    TRACE_SCOPE("one");
#ifdef CASE_two_scopes_on_one_line
    TRACE_SCOPE("two"); TRACE_SCOPE("three");
#else
    TRACE_SCOPE("two");
    TRACE_SCOPE("three");
#endif
}

// CASE rules_that_do_not_live
// EXPECT tail_sample|deleted
#ifdef CASE_rules_that_do_not_live
void closer() { apm::tail_sample({.errors = true}); }
#else
void closer() {
    static constexpr apm::tail_rules errors{.errors = true};
    apm::tail_sample(errors);
}
#endif

// CASE samplers_that_do_not_live
// EXPECT sample_with|deleted
#ifdef CASE_samplers_that_do_not_live
void all() { apm::sample_with(apm::always_on); }
#else
void all() {
    static constexpr apm::sampling_rules rules = apm::always_on;
    apm::sample_with(rules);
}
#endif
