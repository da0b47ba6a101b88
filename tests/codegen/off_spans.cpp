// Arguments of library types stand outside of PLAIN(): what clang 14 leaves of the constructors of std::optional and
// std::string_view (the name of the personality routine of exceptions, in the symbol table) is not ours.
#include <optional>

#include "off.hpp"

// OFF: `TRACE_SCOPE(row, {attributes})`: they are not evaluated
int macro_scope(int n, const char* route) {
    TRACE_SCOPE(telemetry.visit, {.visitor = step(n), .route = route, .token = route});
    static_cast<void>(route);
    return step(n) + 1;
}

int scope_of_variables(int n, double share, const char* route) {
    TRACE_SCOPE(telemetry.call, {.visitor = n, .share = share, .route = route});
    return n * 7 + (share > 0.5 ? 1 : 0) + (route ? 1 : 0);
}

// OFF: `TRACE_SCOPE(row)`, also of a level
int macro_plain_scope(int n) {
    TRACE_SCOPE(telemetry.step);
    APM_TRACE_SCOPE(telemetry.detail);
    return step(n) + 2;
}

// OFF: `TRACE_SCOPE("quick look")`
int macro_literal(int n) {
    TRACE_SCOPE("a quick look");
    return step(n) + 3;
}

// OFF: `TRACE_FUNCTION()`
int macro_function(int n) {
    TRACE_FUNCTION();
    return step(n) + 4;
}

// OFF: `auto s = row.scope({attributes})`, `s.set<&Visit::distance>(value)`, `s.end()`
int scope(int n, const char* route) {
    [[maybe_unused]] const std::optional<double> distance = 0.5 * n;
    PLAIN(auto visit = telemetry.visit.scope({.visitor = n, .route = route, .token = "secret"});)
    PLAIN(visit.set<&codegen::Visit::distance>(distance);)
    static_cast<void>(route);
    const int result = step(n);
    PLAIN(visit.end();)
    return result + 5;
}

// OFF: `s.set("key", value)`, `.event("name", {...})`, `.rename("name")`, `.recording()`
int handle(int n, const char* route) {
    PLAIN(auto visit = telemetry.step.scope();)
    PLAIN(visit.set("again", true);)
    int result = step(n);
    PLAIN(visit.rename("entered");)
    PLAIN(visit.event("left", codegen::Visit{.visitor = n, .route = route, .token = route});)
    PLAIN(visit.event("stepped", {{"n", n}, {"route", route}});)
    PLAIN(if (visit.recording()) result = step(n);)
    static_cast<void>(route);
    return result + 6;
}

// OFF: `apm::current_span().set(...)`, `.event(...)`, `.status(...)`
int current(int n) {
    const int result = step(n);
    PLAIN(apm::current_span().set("result", result);)
    PLAIN(apm::current_span().event("stepped", {{"n", n}});)
    PLAIN(apm::current_span().status(apm::span_status::error, "no");)
    return result + 7;
}

// OFF: `auto later = row.start()`, `.link(context)`
int started(int n) {
    PLAIN(const auto here = apm::context::current();)
    PLAIN(auto later = telemetry.step.start();)
    PLAIN(later.link(here, {{"n", n}});)
    const int result = step(n);
    PLAIN(later.status(apm::span_status::ok);)
    return result + 8;
}

// OFF: `apm::context::current()`, `apm::attach(context)`
int attached(int n) {
    PLAIN(const auto here = apm::context::current();)
    PLAIN(const auto attached = apm::attach(here);)
    return step(n) + 9;
}
