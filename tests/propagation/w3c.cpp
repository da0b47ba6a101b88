// ctest: LABELS serial
#include <apm/propagation/w3c.hpp>

#include <string>
#include <string_view>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

std::string read(std::string_view text) {
    apm::context c;
    return apm::detail::read_traceparent(text, c) ? shown(c) : "invalid";
}
std::string state(std::initializer_list<std::string> headers) {
    apm::detail::tracestate_text text;
    for (const auto& header : headers) text.add(header);
    return std::string(text.view());
}
std::string members(int count, const std::string& value = "1") {
    std::string result;
    for (int i = 0; i < count; ++i) result += (i ? ",k" : "k") + std::to_string(i) + "=" + value;
    return result;
}

const std::string trace = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";
const std::string ids = trace + " " + span;
const std::string traceparent = "00-" + trace + "-" + span + "-01";

}  // namespace

TEST_CASE("traceparent: what is read, and what is malformed") {
    const std::string start = "-" + trace + "-" + span + "-";
    const struct { std::string text, means; } cases[] = {
        {"00" + start + "01", ids + " sampled remote"},
        {"00" + start + "00", ids + " remote"},
        {"00" + start + "02", ids + " remote random"},
        {"00" + start + "03", ids + " sampled remote random"},
        {"00" + start + "ff", ids + " sampled remote random"},  // other flags mean nothing to us
        {"00" + start + "fc", ids + " remote"},
        {" \t00" + start + "01\t ", ids + " sampled remote"},
        // Versions to come.
        {"01" + start + "01", ids + " sampled remote"},
        {"cc" + start + "01", ids + " sampled remote"},
        {"cc" + start + "01-what-the-future-will-be-like", ids + " sampled remote"},
        {"cc" + start + "01-", ids + " sampled remote"},
        {"cc" + start + "01.what-the-future-will-be-like", "invalid"},
        {"fe" + start + "01", ids + " sampled remote"},
        {"ff" + start + "01", "invalid"},
        {"ff" + start + "01-what", "invalid"},
        // This version has nothing behind its flags.
        {"00" + start + "01-what", "invalid"},
        {"00" + start + "01-", "invalid"},
        {"00" + start + "01.", "invalid"},
        {"00" + start + "011", "invalid"},
        // Lengths.
        {"", "invalid"},
        {"00" + start + "0", "invalid"},
        {"00" + start, "invalid"},
        {"0" + start + "01", "invalid"},
        {"000" + start + "01", "invalid"},
        {"00-" + trace.substr(1) + "-" + span + "-01", "invalid"},
        {"00-" + trace + "0-" + span + "-01", "invalid"},
        {"00-" + trace + "-" + span.substr(1) + "-01", "invalid"},
        {"00-" + trace + "-" + span + "0-01", "invalid"},
        {"00-" + trace + "-" + span, "invalid"},
        // Digits.
        {".0" + start + "01", "invalid"},
        {"0." + start + "01", "invalid"},
        {"00" + start + ".0", "invalid"},
        {"00" + start + "0.", "invalid"},
        {"00" + start + "0A", "invalid"},
        {"CC" + start + "01", "invalid"},
        {"00-0AF7651916CD43DD8448EB211C80319C-" + span + "-01", "invalid"},
        {"00-" + trace + "-B7AD6B7169203331-01", "invalid"},
        {"00-.af7651916cd43dd8448eb211c80319c-" + span + "-01", "invalid"},
        {"00-" + trace + "-b7ad6b71692033.1-01", "invalid"},
        {"00-" + trace.substr(1) + " -" + span + "-01", "invalid"},
        // Zero is no id.
        {"00-00000000000000000000000000000000-" + span + "-01", "invalid"},
        {"00-" + trace + "-0000000000000000-01", "invalid"},
        {"00-00000000000000000000000000000001-0000000000000001-01", "00000000000000000000000000000001 0000000000000001 sampled remote"},
        {"00-80000000000000000000000000000000-8000000000000000-01", "80000000000000000000000000000000 8000000000000000 sampled remote"},
        // Separators.
        {"00_" + trace + "-" + span + "-01", "invalid"},
        {"00-" + trace + "_" + span + "-01", "invalid"},
        {"00-" + trace + "-" + span + "_01", "invalid"},
        {traceparent + "," + traceparent, "invalid"},  // two headers, joined on their way
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        CHECK(read(text) == means);
    }
}

TEST_CASE("traceparent: what was malformed leaves the context as it was") {
    apm::context c{.trace = {1, 2}, .span = 3};
    CHECK_FALSE(apm::detail::read_traceparent("00-what", c));
    CHECK(shown(c) == "00000000000000010000000000000002 0000000000000003");
}

TEST_CASE("traceparent: what is written has only the flags of this version") {
    apm::context c{.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c}, .span = 0xb7ad6b7169203331};
    const auto text = [&c] { return written([&](auto& to) { apm::detail::write_traceparent(to, c); }); };
    CHECK(text() == "00-" + trace + "-" + span + "-00");
    c.sampled = true;
    CHECK(text() == traceparent);
    c.random = true;
    CHECK(text() == "00-" + trace + "-" + span + "-03");
    c.debug = c.deferred = c.remote = true;
    CHECK(text() == "00-" + trace + "-" + span + "-03");
    for (const apm::context& any : random_contexts(1000)) CHECK(read(written([&](auto& to) { write_traceparent(to, any); })) == shown(any));
}

TEST_CASE("traceparent: no mutation of a valid one is a context without ids") {
    for (const std::string& valid : {traceparent, "cc" + traceparent.substr(2) + "-more"})
        mutations(valid, [](const std::string& text) {
            apm::context c;
            if (!apm::detail::read_traceparent(text, c)) return;
            const bool good = c.valid() && c.remote && !c.debug && !c.deferred;
            if (!good) FAIL(text);
        });
}

TEST_CASE("tracestate: what is sent on, and what makes all of it go") {
    const std::string z256(256, 'z'), v256(256, 'v');
    const struct { std::string text, means; } cases[] = {
        {"foo=1", "foo=1"},
        {"foo=1,bar=2", "foo=1,bar=2"},
        {"foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"},
        {" foo=1\t", "foo=1"},
        {"", ""},
        {" ", ""},
        {",", ""},
        {"foo=1,", "foo=1"},
        {",,foo=1,, ,bar=2", "foo=1,bar=2"},
        {"foo=1,foo=2", "foo=1,foo=2"},  // which must not be produced, but may be passed on
        {"foo= 1", "foo= 1"},            // blanks in front are part of the value
        {"foo=a b", "foo=a b"},
        {"foo=1;2:3/4~", "foo=1;2:3/4~"},
        // Keys.
        {"foo =1", ""},
        {"FOO=1", ""},
        {"foo.bar=1", ""},
        {"_foo=1", ""},
        {"@foo=1", ""},
        {"=1", ""},
        {"foo", ""},
        {"0=1,9z=2", "0=1,9z=2"},
        {"foo@=1", "foo@=1"},
        {"foo@bar=1", "foo@bar=1"},
        {"foo@@bar=1", "foo@@bar=1"},
        {"foo@bar@baz=1", "foo@bar@baz=1"},
        {"a-_*/@0=1", "a-_*/@0=1"},
        {z256 + "=1", z256 + "=1"},
        {z256 + "z=1", ""},
        {std::string(241, 't') + "@" + std::string(14, 'v') + "=1", std::string(241, 't') + "@" + std::string(14, 'v') + "=1"},
        // Values.
        {"foo=bar=baz", ""},
        {"foo=", ""},
        {"foo=,bar=3", ""},
        {"foo= ", ""},
        {"foo=" + v256, "foo=" + v256},
        {"foo=" + v256 + "v", ""},
        {"foo=\x7f", ""},
        {"foo=\x1f", ""},
        {"foo=\xc3\xa9", ""},
        {"foo=~ !", "foo=~ !"},
        {std::string("foo=1\0,bar=2", 12), ""},
        // One that is wrong, and all others go with it.
        {"foo=1,bar", ""},
        {"foo=1,BAR=2,baz=3", ""},
        // How many.
        {members(32), members(32)},
        {members(33), ""},
        {"," + members(32) + ",,", members(32)},
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        CHECK(state({text}) == means);
    }
    CHECK(state({"foo=1", "bar=2", "baz=3", "qux=4", "last=5"}) == "foo=1,bar=2,baz=3,qux=4,last=5");
    CHECK(state({"foo=1,", "", "bar=2"}) == "foo=1,bar=2");
    CHECK(state({"foo=1", "bar"}).empty());
    CHECK(state({members(31), "last=1"}) == members(31) + ",last=1");
    CHECK(state({members(32), "last=1"}).empty());
    CHECK(state({}).empty());
}

TEST_CASE("tracestate: of one that is longer than we keep, the long members go first") {
    const std::string long_one(200, 'v'), longest(256, 'v');
    CHECK(state({members(32, longest)}).empty());  // 8,310 bytes of members that are all too long
    CHECK(state({members(30, longest)}) == members(30, longest));
    const std::string mixed = "short=1," + members(30, longest) + ",other=" + long_one.substr(0, 100) + "," + "a=b";
    CHECK(state({mixed.substr(0, mixed.size() - 4)}) == mixed.substr(0, mixed.size() - 4));  // 32 members that just fit
    const std::string too_long = "short=1," + members(30, longest) + ",other=" + std::string(256, 'o') + "," + "a=b";
    CHECK(state({too_long.substr(0, too_long.size() - 4) }) == too_long.substr(0, too_long.size() - 4));
    std::string keys;
    for (int i = 0; i < 31; ++i) keys += std::string(200, static_cast<char>('a' + i % 26)) + "=" + long_one + ",";
    CHECK(state({keys + "last=1"}) == "last=1");
    CHECK(state({"first=1," + keys.substr(0, 402 * 30) + "last=1"}) == "first=1,last=1");
}
