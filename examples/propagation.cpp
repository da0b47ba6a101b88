// Propagation: a request comes into a process and leaves it, and the trace goes on. No more than two lines are about that.
#include <cstdio>
#include <map>
#include <string>

#include <apm/apm.hpp>
#include <apm/baggage.hpp>
#include <apm/propagation.hpp>
#include <apm/testing.hpp>

using headers = std::map<std::string, std::string>;  // or a vector of pairs, or whatever a library of yours has

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "propagation"};

    span<apm::no_attributes, apm::server> serve{this, "serve", "A request that came"};
    span<apm::no_attributes, apm::client> call {this, "call", "A request to the bank"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void handle(const headers& request, headers& to_the_bank) {
    const auto caller = apm::attach(apm::extract(request));  // what is traced below is a child of the caller's span
    TRACE_SCOPE(telemetry.serve);
    {
        TRACE_SCOPE(telemetry.call);
        apm::add_trace_context(to_the_bank);  // what else is in there stays
    }
}

void show(const headers& all) {
    for (const auto& [name, value] : all) std::printf("  %s: %s\n", name.c_str(), value.c_str());
}

int main() {
    apm::testing::span_probe spans;
    apm::allow_baggage({"tenant"});  // what else comes along stays in this process

    headers to_the_bank{{"Content-Type", "application/json"}};
    handle({{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            {"Tracestate", "vendor=t61rcWkgMzE"},
            {"Baggage", "tenant=acme%20inc,session=4711"}},
           to_the_bank);
    const bool same = apm::extract(to_the_bank).span == spans.find("call")->id;
    to_the_bank["traceparent"].replace(36, 16, same ? "<the call's id.>" : "????????????????");
    std::puts("to the bank:");
    show(to_the_bank);
    std::puts(spans.tree().c_str());

    // The same, where the next process speaks another language. OTEL_PROPAGATORS says so without a change to the program.
    apm::propagate_with("b3,baggage");
    headers zipkin;
    handle({{"b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0"}}, zipkin);
    zipkin["b3"].replace(33, 16, "<the call's id.>");
    std::puts("to Zipkin's world, not sampled, as the caller said:");
    show(zipkin);

    // Baggage of one's own, for all that this scope calls.
    const auto tenant = apm::with_baggage("tenant", "books, records & co");
    headers next;
    apm::add_trace_context(next);
    std::puts("baggage alone:");
    show(next);
}
