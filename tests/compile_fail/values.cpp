// Values that a row does not take.
#include <apm/apm.hpp>

#include <chrono>

namespace shop {

using namespace std::chrono_literals;

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "shop"};
    counter<>                           orders{this, "shop.orders", "Orders"};
    counter<apm::no_labels, apm::seconds> busy{this, "shop.busy", "Time"};
    updown<>                            carts {this, "shop.carts", "Carts"};
    gauge<apm::no_labels, apm::ratio>   load  {this, "shop.load", "Load"};
    histogram<apm::no_labels, apm::seconds, apm::latency_buckets> wait{this, "shop.wait", "Time"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace shop

using namespace shop;

void record(int variable, unsigned positive) {
// CASE negative_constant
// EXPECT apm_error_a_counter_cannot_be_decreased_use_an_updown
#ifdef CASE_negative_constant
    telemetry.orders.add(-1);
#else
    telemetry.orders.add(1);
#endif

// CASE signed_variable
// EXPECT variable
// EXPECT not a constant expression|is not usable in a constant expression
// EXPECT-clang unsigned_or_constant
#ifdef CASE_signed_variable
    telemetry.orders.add(variable);
#else
    telemetry.orders.add(static_cast<unsigned>(variable));
#endif

// CASE real_into_an_integer_row
// EXPECT no matching (member )?function|could not convert|no known conversion|cannot convert
#ifdef CASE_real_into_an_integer_row
    telemetry.orders.add(0.5);
#else
    telemetry.orders.add(positive);
#endif

// CASE bool_into_an_integer_row
// EXPECT no matching (member )?function|could not convert|no known conversion|cannot convert
#ifdef CASE_bool_into_an_integer_row
    telemetry.carts.add(true);
#else
    telemetry.carts.add(variable);
#endif

// CASE number_into_a_time_histogram
// EXPECT this row's unit is a time: give a std::chrono duration such as 20ms, not a number
#ifdef CASE_number_into_a_time_histogram
    telemetry.wait.record(20);
#else
    telemetry.wait.record(20ms);
#endif

// CASE real_into_a_time_histogram
// EXPECT this row's unit is a time: give a std::chrono duration such as 20ms, not a number
#ifdef CASE_real_into_a_time_histogram
    telemetry.wait.record(0.02);
#else
    telemetry.wait.record(std::chrono::duration<double>(0.02));
#endif

// CASE number_into_a_time_counter
// EXPECT this row's unit is a time: give a std::chrono duration such as 20ms, not a number
#ifdef CASE_number_into_a_time_counter
    telemetry.busy.add(20);
#else
    telemetry.busy.add(20s);
#endif

// CASE time_into_a_row_of_no_time
// EXPECT no matching (member )?function|could not convert|no known conversion|cannot convert
#ifdef CASE_time_into_a_row_of_no_time
    telemetry.load.set(20ms);
#else
    telemetry.load.set(0.2);
#endif

// CASE counter_decreased
// EXPECT no member named '?sub'?|has no member named '?sub'?
#ifdef CASE_counter_decreased
    telemetry.orders.sub(1);
#else
    telemetry.carts.sub(1);
#endif
}

void observe() {
// CASE observed_signed_total
// EXPECT the row cannot take what this callback returns: a counter takes unsigned integers
#ifdef CASE_observed_signed_total
    const auto registration = telemetry.orders.observe([] { return 5; });
#else
    const auto registration = telemetry.orders.observe([] { return 5u; });
#endif
}

// CASE observed_number_of_a_time
// EXPECT the row cannot take what this callback returns: .*a row in a unit of time std::chrono durations
void observe_time() {
#ifdef CASE_observed_number_of_a_time
    const auto registration = telemetry.busy.observe([] { return 5u; });
#else
    const auto registration = telemetry.busy.observe([] { return std::chrono::seconds(5); });
#endif
}

// CASE observed_text
// EXPECT the row cannot take what this callback returns
void observe_text() {
#ifdef CASE_observed_text
    const auto registration = telemetry.load.observe([] { return "half"; });
#else
    const auto registration = telemetry.load.observe([] { return 0.5; });
#endif
}

// CASE handle_of_another_kind
// EXPECT no matching (member )?function|constraints not satisfied|invalid reference to function
void hold() {
#ifdef CASE_handle_of_another_kind
    telemetry.orders.with({}).set(1u);
#else
    telemetry.orders.with({}).add(1u);
#endif
}
