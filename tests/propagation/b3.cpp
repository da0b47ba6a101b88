// ctest: LABELS serial
#include <apm/propagation/b3.hpp>

#include <string>
#include <string_view>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

using apm::detail::b3_headers;

std::string read(std::string_view text) {
    apm::context c;
    return apm::detail::read_b3(text, c) ? shown(c) : "invalid";
}
std::string read(const b3_headers& headers) {
    apm::context c;
    return apm::detail::read_b3(headers, c) ? shown(c) : "invalid";
}
std::string write(const apm::context& c) {
    return written([&](auto& to) { apm::detail::write_b3(to, c); });
}

const std::string trace = "80f198ee56343ba864fe8b2a57d3eff7", span = "e457b5a2e4d86bd1", parent = "05e3ac9a4f6e3b90";
const std::string short_trace = "a3ce929d0e0e4736";
const std::string ids = trace + " " + span, short_ids = "0000000000000000" + short_trace + " " + span;

}  // namespace

TEST_CASE("b3 in one header: what is read, and what is malformed") {
    const std::string both = trace + "-" + span;
    const struct { std::string text, means; } cases[] = {
        {both, ids + " remote deferred"},
        {both + "-0", ids + " remote"},
        {both + "-1", ids + " sampled remote"},
        {both + "-d", ids + " sampled remote debug"},
        {both + "-1-" + parent, ids + " sampled remote"},
        {both + "-0-" + parent, ids + " remote"},
        {both + "-d-" + parent, ids + " sampled remote debug"},
        {short_trace + "-" + span + "-1", short_ids + " sampled remote"},
        {short_trace + "-" + span, short_ids + " remote deferred"},
        {" " + both + "-1\t", ids + " sampled remote"},
        // Only a decision.
        {"0", "- remote"},
        {"1", "- sampled remote"},
        {"d", "- sampled remote debug"},
        // Malformed.
        {"", "invalid"},
        {"2", "invalid"},
        {"-", "invalid"},
        {"true", "invalid"},
        {trace, "invalid"},
        {trace + "-", "invalid"},
        {both + "-", "invalid"},
        {both + "-2", "invalid"},
        {both + "-D", "invalid"},
        {both + "-01", "invalid"},
        {both + "-1-", "invalid"},
        {both + "-" + parent, "invalid"},  // a parent comes behind a decision
        {both + "-1-" + parent.substr(1), "invalid"},
        {both + "-1-" + parent + "0", "invalid"},
        {both + "-1-" + parent + "-", "invalid"},
        {both + "-1-05E3AC9A4F6E3B90", "invalid"},
        {"80F198EE56343BA864FE8B2A57D3EFF7-" + span + "-1", "invalid"},
        {trace + "-E457B5A2E4D86BD1-1", "invalid"},
        {trace.substr(1) + "-" + span + "-1", "invalid"},
        {trace + "0-" + span + "-1", "invalid"},
        {trace.substr(0, 24) + "-" + span + "-1", "invalid"},
        {trace + "-" + span.substr(1) + "-1", "invalid"},
        {trace + "_" + span + "-1", "invalid"},
        {"00000000000000000000000000000000-" + span + "-1", "invalid"},
        {"0000000000000000-" + span + "-1", "invalid"},
        {trace + "-0000000000000000-1", "invalid"},
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        CHECK(read(text) == means);
    }
}

TEST_CASE("b3 in several headers: what is read, and what is malformed") {
    const std::string_view none{}, cut_trace = std::string_view(trace).substr(1), cut_span = std::string_view(span).substr(1);
    const struct { b3_headers headers; std::string means; } cases[] = {
        {{trace, span, "1", none}, ids + " sampled remote"},
        {{trace, span, "0", none}, ids + " remote"},
        {{trace, span, "true", none}, ids + " sampled remote"},
        {{trace, span, "True", none}, ids + " sampled remote"},
        {{trace, span, "false", none}, ids + " remote"},
        {{trace, span, "FALSE", none}, ids + " remote"},
        {{trace, span, none, none}, ids + " remote deferred"},
        {{trace, span, none, "1"}, ids + " sampled remote debug"},
        {{trace, span, "0", "1"}, ids + " sampled remote debug"},
        {{trace, span, none, "0"}, ids + " remote deferred"},
        {{trace, span, "1", "2"}, ids + " sampled remote"},
        {{short_trace, span, "1", none}, short_ids + " sampled remote"},
        {{none, none, "1", none}, "- sampled remote"},
        {{none, none, "0", none}, "- remote"},
        {{none, none, none, "1"}, "- sampled remote debug"},
        {{none, none, none, none}, "invalid"},
        {{none, none, none, "0"}, "invalid"},
        {{trace, none, "1", none}, "invalid"},
        {{none, span, "1", none}, "invalid"},
        {{trace, span, "2", none}, "invalid"},
        {{trace, span, "", none}, "invalid"},
        {{"", span, "1", none}, "invalid"},
        {{trace, "", "1", none}, "invalid"},
        {{cut_trace, span, "1", none}, "invalid"},
        {{trace, cut_span, "1", none}, "invalid"},
        {{"00000000000000000000000000000000", span, "1", none}, "invalid"},
        {{trace, "0000000000000000", "1", none}, "invalid"},
    };
    for (const auto& [headers, means] : cases) {
        CAPTURE(headers.trace, headers.span, headers.sampled, headers.flags);
        CHECK(read(headers) == means);
    }
}

TEST_CASE("b3: what is written") {
    apm::context c{.trace = {0x80f198ee56343ba8, 0x64fe8b2a57d3eff7}, .span = 0xe457b5a2e4d86bd1};
    CHECK(write(c) == trace + "-" + span + "-0");
    c.deferred = true;
    CHECK(write(c) == trace + "-" + span);
    c.sampled = true, c.deferred = false;
    CHECK(write(c) == trace + "-" + span + "-1");
    c.debug = true;
    CHECK(write(c) == trace + "-" + span + "-d");
    c.trace.high = 0;
    CHECK(write(c) == "000000000000000064fe8b2a57d3eff7-" + span + "-d");
    for (const char* decision : {"0", "1", "d"}) {
        apm::context only;
        REQUIRE(apm::detail::read_b3(decision, only));
        CHECK(write(only) == decision);
    }
    for (apm::context any : random_contexts(1000)) {
        any.random = false;
        any.debug = any.sampled && any.span & 1;
        any.deferred = !any.sampled && any.span & 1;
        CHECK(read(write(any)) == shown(any));
    }
}

TEST_CASE("b3: no mutation of a valid one is half a context") {
    mutations(trace + "-" + span + "-1-" + parent, [](const std::string& text) {
        apm::context c;
        if (!apm::detail::read_b3(text, c)) return;
        const bool good = c.remote && (c.valid() || (c.trace == apm::trace_id{} && c.span == 0 && !c.deferred));
        if (!good) FAIL(text);
    });
}
