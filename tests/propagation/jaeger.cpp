// ctest: LABELS serial
#include <apm/propagation/jaeger.hpp>

#include <string>
#include <string_view>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

std::string read(std::string_view text) {
    apm::context c;
    return apm::detail::read_jaeger(text, c) ? shown(c) : "invalid";
}
std::string write(const apm::context& c) {
    return written([&](auto& to) { apm::detail::write_jaeger(to, c); });
}

const std::string trace = "5b2b4e4b2b3c4d5e6f708192a3b4c5d6", span = "a3b4c5d6e7f80910", ids = trace + " " + span;

}  // namespace

TEST_CASE("uber-trace-id: what is read, and what is malformed") {
    const std::string both = trace + ":" + span;
    const struct { std::string text, means; } cases[] = {
        {both + ":0:1", ids + " sampled remote"},
        {both + ":0:01", ids + " sampled remote"},
        {both + ":0:0", ids + " remote"},
        {both + ":0:00", ids + " remote"},
        {both + ":0:3", ids + " sampled remote debug"},
        {both + ":0:2", ids + " remote"},  // debug without sampled is nothing
        {both + ":0:8", ids + " remote"},
        {both + ":0:ff", ids + " sampled remote debug"},
        {both + ":0:Fd", ids + " sampled remote"},
        {both + "::1", ids + " sampled remote"},
        {both + ":" + span + ":1", ids + " sampled remote"},
        {" " + both + ":0:1\t", ids + " sampled remote"},
        // Short ids.
        {"1:2:0:1", "00000000000000000000000000000001 0000000000000002 sampled remote"},
        {"f708192a3b4c5d6:a3b4:0:1", "00000000000000000f708192a3b4c5d6 000000000000a3b4 sampled remote"},
        {trace.substr(1) + ":" + span.substr(2) + ":0:1", "0" + trace.substr(1) + " 00" + span.substr(2) + " sampled remote"},
        {"ABC:DEF:0:1", "00000000000000000000000000000abc 0000000000000def sampled remote"},
        // As a URL would have it.
        {trace + "%3A" + span + "%3A0%3A1", ids + " sampled remote"},
        {trace + "%3a" + span + "%3a0:1", ids + " sampled remote"},
        {trace + "%3B" + span + "%3A0%3A1", "invalid"},
        {trace + "%3", "invalid"},
        {trace + "%", "invalid"},
        {std::string(100, '1') + "%3A1", "invalid"},
        // Malformed.
        {"", "invalid"},
        {":::", "invalid"},
        {both, "invalid"},
        {both + ":0", "invalid"},
        {both + ":0:", "invalid"},
        {both + ":0:1:", "invalid"},
        {both + ":0:001", "invalid"},
        {both + ":0:g", "invalid"},
        {both + ":g:1", "invalid"},
        {both + ":00000000000000001:1", "invalid"},
        {"0" + trace + ":" + span + ":0:1", "invalid"},
        {trace + ":0" + span + ":0:1", "invalid"},
        {":" + span + ":0:1", "invalid"},
        {trace + "::0:1", "invalid"},
        {"0:" + span + ":0:1", "invalid"},
        {trace + ":0:0:1", "invalid"},
        {trace + "-" + span + "-0-1", "invalid"},
        {"-1:2:0:1", "invalid"},
        {"0x1:2:0:1", "invalid"},
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        CHECK(read(text) == means);
    }
}

TEST_CASE("uber-trace-id: what is written") {
    apm::context c{.trace = {0x5b2b4e4b2b3c4d5e, 0x6f708192a3b4c5d6}, .span = 0xa3b4c5d6e7f80910};
    CHECK(write(c) == trace + ":" + span + ":0:00");
    c.sampled = true;
    CHECK(write(c) == trace + ":" + span + ":0:01");
    c.debug = true;
    CHECK(write(c) == trace + ":" + span + ":0:03");
    for (apm::context any : random_contexts(1000)) {
        any.random = false;
        any.debug = any.sampled && any.span & 1;
        CHECK(read(write(any)) == shown(any));
    }
}

TEST_CASE("uber-trace-id: no mutation of a valid one is a context without ids") {
    for (const std::string& valid : {trace + ":" + span + ":0:1", trace + "%3A" + span + "%3A0%3A1", std::string("1:2:0:1")})
        mutations(valid, [](const std::string& text) {
            apm::context c;
            if (apm::detail::read_jaeger(text, c) && !c.valid()) FAIL(text);
        });
}
