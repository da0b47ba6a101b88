#include <apm/propagation.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/baggage.hpp>
#include <apm/spans.hpp>

#include "catch.hpp"
#include "threads.hpp"

// Every allocation of the program is counted. A sanitizer has an allocator of its own, so there it is not.
#ifndef APM_TEST_SANITIZED
static thread_local std::size_t allocations = 0;
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}
#endif

namespace {

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "propagation test"};
    span<> served{this, "served", "a request that came"};
    span<> called{this, "called", "a request that went"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

using header_map = std::map<std::string, std::string>;

const std::string trace = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";
const header_map request{{"Host", "shop"}, {"Traceparent", "00-" + trace + "-" + span + "-03"}, {"Tracestate", "a=b"}, {"Baggage", "tenant=acme,secret=1"}};
constexpr apm::trace_id trace_number{0x0af7651916cd43dd, 0x8448eb211c80319c};
constexpr std::uint64_t span_number = 0xb7ad6b7169203331;

struct everything_allowed {
    ~everything_allowed() { apm::allow_all_baggage(); }
};
struct usual_formats {
    ~usual_formats() { apm::detail::process_root().propagators.store(0); }
};
struct muted {
    muted() { apm::detail::set_gate(apm::detail::process_root(), apm::detail::gate::muted, apm::detail::gate::muted); }
    ~muted() { apm::detail::set_gate(apm::detail::process_root(), apm::detail::gate::muted, 0); }
};

const char* from_a_function(const char* name) {
    const auto found = request.find(std::string(1, static_cast<char>(name[0] - 32)) + (name + 1));
    return found == request.end() ? nullptr : found->second.c_str();
}
std::string said;
void to_a_function(std::string_view name, std::string_view value) { said.append(name).append(": ").append(value).append("\n"); }

}  // namespace

TEST_CASE("a request comes in and goes out: one trace") {
    apm::drain_spans();
    header_map next{{"Host", "bank"}, {"traceparent", "stale"}};
    {
        const auto caller = apm::attach(apm::extract(request));
        TRACE_SCOPE(telemetry.served);
        TRACE_SCOPE(telemetry.called);
        apm::add_trace_context(next);
    }
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 2);
    const auto &called = all.spans[0], &served = all.spans[1];
    CHECK(served.trace() == trace_number);
    CHECK(served.parent() == span_number);
    CHECK(served.parent_is_remote());
    CHECK(called.parent() == served.id());
    const apm::context sent = apm::extract(next);
    CHECK(sent.trace == trace_number);
    CHECK(sent.span == called.id());
    CHECK(sent.sampled);
    CHECK(sent.random);
    CHECK(sent.remote);
    CHECK(next.size() == 4);
    CHECK(next["Host"] == "bank");
    CHECK(next["tracestate"] == "a=b");
    CHECK(next["baggage"] == "tenant=acme,secret=1");
}

TEST_CASE("a request without headers begins a trace, and its calls tell of it") {
    apm::drain_spans();
    header_map next;
    {
        const auto caller = apm::attach(apm::extract(header_map{{"Host", "shop"}}));
        TRACE_SCOPE(telemetry.served);
        apm::add_trace_context(next);
    }
    const apm::span_batch all = apm::drain_spans();
    REQUIRE(all.spans.size() == 1);
    CHECK(all.spans[0].parent() == 0);
    REQUIRE(next.size() == 1);
    CHECK(next["traceparent"].substr(53) == "03");  // sampled, and its id is random
    CHECK(apm::extract(next).span == all.spans[0].id());
}

TEST_CASE("what the caller decided holds; what it left open is asked here") {
    const usual_formats after;
    const auto spans_of = [](const header_map& headers) {
        apm::drain_spans();
        const auto caller = apm::attach(apm::extract(headers));
        { TRACE_SCOPE(telemetry.served); }
        return apm::drain_spans().spans.size();
    };
    CHECK(spans_of({{"traceparent", "00-" + trace + "-" + span + "-00"}}) == 0);
    CHECK(spans_of({{"traceparent", "00-" + trace + "-" + span + "-01"}}) == 1);
    apm::propagate_with({apm::propagator::b3});
    CHECK(spans_of({{"b3", "0"}}) == 0);
    CHECK(spans_of({{"b3", "1"}}) == 1);
    CHECK(spans_of({{"b3", trace + "-" + span + "-0"}}) == 0);
    CHECK(spans_of({{"b3", trace + "-" + span}}) == 1);
    static constexpr apm::sampling_rules nothing = apm::parent_based(apm::always_off), usual = apm::parent_based(apm::always_on);
    apm::sample_with(nothing);
    CHECK(spans_of({{"b3", trace + "-" + span}}) == 0);
    CHECK(spans_of({{"b3", trace + "-" + span + "-1"}}) == 1);
    CHECK(spans_of({{"b3", trace + "-" + span + "-d"}}) == 1);
    CHECK(spans_of({{"b3", "1"}}) == 1);
    CHECK(spans_of({}) == 0);
    // A process that did not sample it says so; debug goes on.
    {
        const auto caller = apm::attach(apm::extract(header_map{{"b3", trace + "-" + span + "-d"}}));
        TRACE_SCOPE(telemetry.served);
        header_map next;
        apm::add_trace_context(next);
        CHECK(next["b3"].substr(49) == "-d");
    }
    apm::sample_with(usual);
}

TEST_CASE("an unsampled trace goes on, too") {
    const auto caller = apm::attach(apm::extract(header_map{{"traceparent", "00-" + trace + "-" + span + "-00"}, {"tracestate", "a=b"}}));
    TRACE_SCOPE(telemetry.served);
    header_map next;
    apm::add_trace_context(next);
    CHECK(next["traceparent"].substr(0, 36) == "00-" + trace + "-");
    CHECK(next["traceparent"].substr(53) == "00");
    CHECK(next["tracestate"] == "a=b");
}

TEST_CASE("each call of an unsampled trace has an identifier of its own") {
    static constexpr apm::sampling_rules nothing = apm::parent_based(apm::always_off), usual = apm::parent_based(apm::always_on);
    const auto injected = [] {
        header_map next;
        TRACE_SCOPE(telemetry.called);
        apm::add_trace_context(next);
        return next["traceparent"];
    };
    apm::sample_with(nothing);
    {
        TRACE_SCOPE(telemetry.served);
        const std::string first = injected(), second = injected();
        CHECK(first.substr(0, 36) == second.substr(0, 36));
        CHECK(first.substr(36, 16) != second.substr(36, 16));
        CHECK(first.substr(53) == "02");
        CHECK(second.substr(53) == "02");
        // A context that is given is written as it is.
        const apm::context given = apm::context::current();
        header_map next;
        apm::add_trace_context(next, given);
        CHECK(apm::extract(next).span == given.span);
    }
    apm::sample_with(usual);
    TRACE_SCOPE(telemetry.served);
    header_map next;
    apm::add_trace_context(next);
    CHECK(apm::extract(next).span == apm::context::current().span);
}

TEST_CASE("a process that records nothing hands on what it got") {
    const muted now;
    const usual_formats after;
    header_map next;
    const auto caller = apm::attach(apm::extract(request));
    {
        TRACE_SCOPE(telemetry.served);
        apm::add_trace_context(next);
    }
    CHECK(next == header_map{{"traceparent", request.at("Traceparent")}, {"tracestate", "a=b"}, {"baggage", "tenant=acme,secret=1"}});
    apm::propagate_with({apm::propagator::b3});
    const auto undecided = apm::attach(apm::extract(header_map{{"b3", trace + "-" + span}}));
    header_map b3;
    apm::add_trace_context(b3);
    CHECK(b3 == header_map{{"b3", trace + "-" + span}});
}

TEST_CASE("contexts other than the current one, and carriers that are functions") {
    const apm::context c = apm::extract(from_a_function);
    CHECK(c.trace == trace_number);
    CHECK(c == apm::extract(request));
    CHECK(c == apm::extract([](const char* name) { return from_a_function(name); }));
    header_map next;
    apm::add_trace_context(next, c);
    CHECK(next.size() == 3);
    said.clear();
    apm::inject(to_a_function, c);
    CHECK(said == "traceparent: 00-" + trace + "-" + span + "-03\ntracestate: a=b\nbaggage: tenant=acme,secret=1\n");
    std::vector<std::pair<std::string, std::string>> list;
    apm::inject(list, c);
    CHECK(list.size() == 3);
    int calls = 0;
    apm::inject([&calls](std::string_view, std::string_view) mutable { ++calls; }, c);
    CHECK(calls == 3);
    apm::inject([&calls](std::string_view, std::string_view) { ++calls; });  // there is no current one
    CHECK(calls == 3);
}

TEST_CASE("a function that returns an empty text where there is no header") {
    const usual_formats after;
    header_map headers{{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"x-datadog-trace-id", "1"}, {"x-datadog-parent-id", "2"}};
    const auto get = [&](const char* name) { return headers.contains(name) ? headers[name] : std::string(); };
    apm::propagate_with("b3multi");
    CHECK(apm::extract(get) == apm::extract(headers));
    CHECK(apm::extract(get).trace == trace_number);
    apm::propagate_with("datadog");
    CHECK(apm::extract(get) == apm::extract(headers));
    CHECK(apm::extract(get).span == 2);
}

TEST_CASE("allow_baggage(): what is in the headers already, and may not leave, is taken out") {
    const everything_allowed after;
    const usual_formats usual;
    const apm::context secret = apm::extract(header_map{{"traceparent", request.at("Traceparent")}, {"baggage", "secret=1"}});
    const apm::context plain = apm::extract(header_map{{"traceparent", request.at("Traceparent")}});
    const auto left = [](const apm::context& c) {  // of headers that were copied from the caller's
        header_map next{{"Host", "bank"}, {"Baggage", "secret=1"}, {"Uberctx-secret", "1"}, {"uberctx-tenant", "acme"}, {"uberctx", "x"}};
        apm::add_trace_context(next, c);
        std::string names;
        for (const auto& [name, value] : next)
            if (name != "traceparent" && name != "uber-trace-id") names.append(names.empty() ? "" : " ").append(name);
        return names;
    };
    apm::propagate_with("tracecontext,baggage,jaeger");
    CHECK(left(plain) == "Baggage Host Uberctx-secret uberctx uberctx-tenant");  // without a list, nothing is touched
    CHECK(left({}) == "Baggage Host Uberctx-secret uberctx uberctx-tenant");
    apm::allow_baggage({"tenant"});
    CHECK(left(secret) == "Host uberctx uberctx-tenant");
    CHECK(left(plain) == "Host uberctx uberctx-tenant");
    CHECK(left({}) == "Host uberctx uberctx-tenant");
    apm::allow_baggage({});
    CHECK(left(secret) == "Host uberctx");
    CHECK(left({}) == "Host uberctx");
    apm::propagate_with("tracecontext,baggage");  // a format that is not on is none of ours
    CHECK(left(plain) == "Host Uberctx-secret uberctx uberctx-tenant");
    apm::propagate_with("jaeger");
    CHECK(left(plain) == "Baggage Host uberctx");
    // A function cannot remove anything.
    std::string sent;
    apm::propagate_with("baggage,jaeger");
    apm::inject([&](std::string_view name, std::string_view) { sent.append(name); }, secret);
    CHECK(sent == "uber-trace-id");
}

TEST_CASE("allow_baggage(): what may leave") {
    const everything_allowed after;
    const apm::context c = apm::extract(request);
    const auto sent = [&] {
        header_map next;
        apm::add_trace_context(next, c);
        return next.count("baggage") ? next["baggage"] : "none";
    };
    CHECK(sent() == "tenant=acme,secret=1");
    apm::allow_baggage({"tenant", "region"});
    CHECK(sent() == "tenant=acme");
    CHECK(apm::baggage::of(c).get("secret") == "1");  // within, all is there
    apm::allow_baggage({"Tenant"});
    CHECK(sent() == "none");
    apm::allow_baggage({});
    CHECK(sent() == "none");
    apm::allow_baggage({"secret"});
    apm::propagate_with({apm::propagator::jaeger});
    const usual_formats usual;
    header_map next;
    apm::add_trace_context(next, c);
    CHECK(next.size() == 2);
    CHECK(next["uberctx-secret"] == "1");
    apm::allow_all_baggage();
    apm::propagate_with({apm::propagator::baggage});
    CHECK(sent() == "tenant=acme,secret=1");
}

#ifndef APM_TEST_SANITIZED
TEST_CASE("no allocation, where headers are of the usual size") {
    const usual_formats after;
    apm::propagate_with("tracecontext,baggage,b3,b3multi,jaeger,datadog,xray");
    header_map all;
    apm::add_trace_context(all, apm::extract(request));
    REQUIRE(all.size() == 15);
    const header_map before = all;
    for (int i = 0; i < 3; ++i) {
        const std::size_t first = allocations;
        {
            const apm::context c = apm::extract(all);
            const auto attached = apm::attach(c);
            std::size_t bytes = 0;
            apm::inject([&](std::string_view name, std::string_view value) { bytes += name.size() + value.size(); });
            CHECK(bytes > 500);
        }
        if (i > 0) CHECK(allocations == first);  // the first time, memory is fetched that is used again
    }
    // A container that has the headers already, with room for their values.
    const apm::context c = apm::extract(all);
    apm::add_trace_context(all, c);
    const std::size_t first = allocations;
    apm::add_trace_context(all, c);
    CHECK(allocations == first);
    CHECK(all.size() == before.size());

    // One malloc where another thread lets go of it, and none where there is no text; what that thread has then, it uses again.
    const auto here_and_there = [](const header_map& headers) {
        const std::size_t before_all = allocations;
        std::size_t mine = 0;
        apm::context handed[100];
        for (auto& one : handed) one = apm::extract(headers);
        mine = allocations - before_all;
        std::thread([&] {
            for (auto& one : handed) one = {};
            const std::size_t begun = allocations;
            for (int i = 0; i < 10; ++i) static_cast<void>(apm::extract(headers));
            if (allocations != begun) mine = 1000;
        }).join();
        return mine;
    };
    CHECK(here_and_there({{"traceparent", request.at("Traceparent")}}) == 0);
    here_and_there(all);
    CHECK(here_and_there(all) == 100);

    // More than that costs an allocation, and no more.
    header_map large = request;
    large["Baggage"] = "a=" + std::string(8000, 'x');
    const std::size_t then = allocations;
    { const apm::context one = apm::extract(large); }
    CHECK(allocations == then + 1);
}
#endif

TEST_CASE("formats and allow-lists change while others inject and extract") {
    const usual_formats after;
    const everything_allowed afterwards;
    std::atomic<int> wrong{0};
    const std::size_t rounds = repeat(20'000);
    in_threads(4, [&](std::size_t thread) {
        for (std::size_t i = 0; i < rounds; ++i) {
            if (thread == 0) {
                apm::propagate_with({apm::propagator::tracecontext, apm::propagator::baggage});
                apm::propagate_with({apm::propagator::baggage, apm::propagator::b3, apm::propagator::tracecontext});
                if (i % 100) continue;
                apm::allow_baggage({"tenant"});
                apm::allow_all_baggage();
            } else {
                const apm::context c = apm::extract(request);
                header_map next;
                apm::add_trace_context(next, c);
                const std::string baggage = next["baggage"];
                if (c.trace != trace_number || next["traceparent"] != request.at("Traceparent") ||
                    (baggage != "tenant=acme" && baggage != "tenant=acme,secret=1"))
                    ++wrong;
            }
        }
    });
    CHECK(wrong == 0);
}

TEST_CASE("one context, with its texts, in many threads") {
    const apm::context c = apm::extract(request);
    std::atomic<int> wrong{0};
    in_threads(4, [&](std::size_t) {
        for (std::size_t i = 0; i < repeat(20'000); ++i) {
            const apm::context mine = c;
            const auto attached = apm::attach(mine);
            if (!(apm::context::current() == c)) ++wrong;
        }
    });
    CHECK(wrong == 0);
}

TEST_CASE("switched off, nothing is read and nothing is written") {
    header_map next{{"traceparent", "x"}};
    const apm::context c = apm::extract(request);
    CHECK_FALSE(apm::extract<apm::mode::off>(request).valid());
    apm::add_trace_context<apm::mode::off>(next, c);
    apm::inject<apm::mode::off>(to_a_function, c);
    CHECK(next == header_map{{"traceparent", "x"}});
}
