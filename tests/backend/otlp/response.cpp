// ctest: LABELS serial
#include <apm/backend/otlp/protocol.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include "../../catch.hpp"

#include <apm/backend/delivery/judgement.hpp>

using namespace apm::detail::delivery;
using action = judgement::action;

namespace {

reply answered(long status, std::string type = {}, std::string body = {}) {
    reply r;
    r.status = status, r.content_type = std::move(type), r.body = std::move(body);
    return r;
}
judgement judge(const reply& r, std::uint64_t items, bool json_sent = false) {
    return apm::detail::delivery::judge(apm::detail::otlp::over_http, r, items, json_sent);
}
constexpr const char* json = "application/json; charset=utf-8";
constexpr const char* protobuf = "application/x-protobuf";

}  // namespace

TEST_CASE("a partial success, in protobuf") {
    const auto of = [](std::string body) { return judge(answered(200, protobuf, std::move(body)), 10); };
    CHECK(of("").kind == failure::none);
    CHECK(of(std::string("\x0a\x00", 2)).kind == failure::none);
    CHECK(of("\x0a\x02\x08\x03").rejected == 3);
    CHECK(of("\x0a\x02\x08\x03").kind == failure::partial);
    CHECK(of("\x0a\x02\x08\x7f").rejected == 10);                                            // no more than there were
    CHECK(of("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").rejected == 0);         // -1
    CHECK(of("\x0a\x04\x12\x02hi").kind == failure::warning);
    CHECK(of("\x0a\x04\x12\x02hi").message == "hi");
    CHECK(of("\x0a\x08\x08\x02\x12\x02no\x18\x01").message == "no");                        // and an unknown field
    CHECK(of("\x1a\x02hi\x0a\x02\x08\x01").rejected == 1);
    for (const char* bad : {"\x0a", "\x0a\x7f", "\x0a\x03\x08\xff\xff", "\xff\xff\xff\xff", "hello", "{\"a\":1}", "\x0b"}) {
        const judgement j = of(bad);
        CHECK(j.outcome == action::delivered);
        CHECK(j.kind == failure::unreadable);
        CHECK(j.rejected == 0);
    }
    CHECK(of(std::string("\x08\x05\x0d\0\0\0\0", 7)).kind == failure::none);  // other types in the same fields
    CHECK(judge(answered(202, protobuf, "\x0a\x02\x08\x03"), 10).rejected == 0);             // of a 200 alone
}

TEST_CASE("a partial success, in JSON") {
    const auto of = [](std::string body) { return judge(answered(200, json, std::move(body)), 10, true); };
    CHECK(of("{}").kind == failure::none);
    CHECK(of(R"({"partialSuccess":{}})").kind == failure::none);
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"full"}})").rejected == 3);
    CHECK(of(R"( { "partialSuccess" : { "rejectedDataPoints" : 4 } } )").rejected == 4);
    CHECK(of(R"({"partialSuccess":{"errorMessage":"a\n\"b\"\u0041\\"}})").message == "a \"b\"?\\");
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":"3.0"}})").rejected == 3);
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":3.7}})").rejected == 3);
    CHECK(of(R"({"partialSuccess":{"errorMessage":"\"rejectedSpans\":9"}})").rejected == 0);
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":-4}})").rejected == 0);
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":null,"errorMessage":null}})").kind == failure::none);
    CHECK(of(R"({"partialSuccess":{"rejectedSpans":"99999999999999999999"}})").rejected == 0);
    for (const char* bad : {"[]", "null", "hello", "\"x\"", "   "}) CHECK(of(bad).kind == failure::unreadable);
    for (const char* torn : {"{\"", "{\"a", "{\"a\\", "{\"a\":\"", "{\"errorMessage\":", "{\"errorMessage\":\"\\u00", "{\"rejectedSpans\":"})
        CHECK(of(torn).outcome == action::delivered);
    CHECK(judge(answered(200, "", R"({"partialSuccess":{"rejectedSpans":2}})"), 10, true).rejected == 2);   // as was sent
    CHECK(judge(answered(200, protobuf, "\x0a\x02\x08\x03"), 10, true).rejected == 3);                     // as it says
}

TEST_CASE("what an error says: google.rpc.Status, in protobuf or JSON, or plain text") {
    CHECK(judge(answered(400, protobuf, "\x08\x03\x12\x05wrong"), 1).message == "wrong");
    CHECK(judge(answered(503, json, R"({"code":14,"message":"busy"})"), 1).message == "busy");
    CHECK(judge(answered(404, "text/plain; charset=utf-8", "404 page not found"), 1).message == "404 page not found");
    CHECK(judge(answered(500, "text/html", "<html>"), 1).message.empty());
    CHECK(judge(answered(500, protobuf, "no protobuf"), 1).message.empty());
    CHECK(judge(answered(500, "", std::string(1000, '\xff')), 1).outcome == action::lost);
}
