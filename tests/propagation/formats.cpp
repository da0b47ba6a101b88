// ctest: LABELS serial
#include <apm/propagation/formats.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "../catch.hpp"

namespace {

std::vector<std::string> lines;

struct listening {
    listening() {
        lines.clear();
        apm::detail::process_root().handler.publish(reinterpret_cast<const void*>(+[](const char* line) { lines.emplace_back(line); }));
    }
    ~listening() {
        apm::detail::process_root().handler.store(0);
        apm::detail::process_root().propagators.store(0);
    }
};

// The names of the list that a text makes; "usual" where that is left to us.
std::string list(std::string_view text) {
    const std::uint64_t word = apm::detail::read_propagators(text, "OTEL_PROPAGATORS");
    if (word == 0) return "usual";
    std::string names;
    for (std::uint64_t rest = word; rest; rest >>= 4)
        names.append(names.empty() ? "" : ",").append(apm::detail::propagator_names[(rest & 15) - 1]);
    return names;
}

}  // namespace

TEST_CASE("OTEL_PROPAGATORS: what its text means") {
    const listening here;
    CHECK(list("") == "usual");
    CHECK(list(" , ,") == "usual");
    CHECK(list("tracecontext,baggage") == "tracecontext,baggage");
    CHECK(list("baggage , B3Multi\t,TraceContext") == "baggage,b3multi,tracecontext");
    CHECK(list("b3,b3,jaeger,b3") == "b3,jaeger");
    CHECK(list("xray,datadog,jaeger,b3multi,b3,baggage,tracecontext") == "xray,datadog,jaeger,b3multi,b3,baggage,tracecontext");
    CHECK(list("none") == "none");
    CHECK(list("NONE,none") == "none");
    CHECK(lines.empty());
}

TEST_CASE("OTEL_PROPAGATORS: what is not known is said by its name, and skipped") {
    const listening here;
    CHECK(list("b3,w3c") == "b3");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "OTEL_PROPAGATORS: there is no propagator `w3c`, which is left out");
    CHECK(list("ottrace") == "usual");
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "OTEL_PROPAGATORS: there is no support for the propagator `ottrace`, which is left out");
    CHECK(list("none,b3") == "b3");
    REQUIRE(lines.size() == 3);
    CHECK(lines[2] == "OTEL_PROPAGATORS: `none` beside others means nothing");
    CHECK(list(std::string(5000, 'x')) == "usual");
    CHECK(lines.size() == 4);
}

TEST_CASE("propagate_with(): what is on") {
    const listening here;
    using enum apm::propagator;
    CHECK(apm::detail::propagators_now() == apm::detail::usual_propagators);
    apm::propagate_with({b3, tracecontext, b3});
    CHECK(apm::detail::propagators_now() == 0x13);
    apm::propagate_with({none, jaeger});
    CHECK(apm::detail::propagators_now() == 0x5);
    apm::propagate_with({none});
    CHECK(apm::detail::propagators_now() == 0x8);
    apm::propagate_with({});
    CHECK(apm::detail::propagators_now() == 0x8);
    apm::propagate_with("datadog, xray");
    CHECK(apm::detail::propagators_now() == 0x76);
    apm::propagate_with("");
    CHECK(apm::detail::propagators_now() == 0x21);
    apm::propagate_with({});
    apm::propagate_with("unknown");  // reported
    CHECK(apm::detail::propagators_now() == 0x21);
    apm::propagate_with("none");
    CHECK(apm::detail::propagators_now() == 0x8);
    static_assert(apm::detail::propagator_list({tracecontext, baggage, b3, b3multi, jaeger, datadog, xray}) == 0x7654321);
}
