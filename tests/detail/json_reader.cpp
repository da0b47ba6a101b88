// ctest: LABELS serial
// JSON, as far as the runtime reads it.
#include <apm/detail/json_reader.hpp>

#include "catch.hpp"

using apm::detail::json_reader, apm::detail::json_value;

namespace {

bool is_json(std::string_view text) {
    json_value v;
    return json_reader::read(text, v);
}
json_value read(std::string_view text) {
    json_value v;
    CHECK(json_reader::read(text, v));
    return v;
}

}  // namespace

TEST_CASE("values") {
    CHECK(read("null").is == json_value::null);
    CHECK(read(" true ").n == 1);
    CHECK(read("false").is == json_value::boolean);
    CHECK(read("-12.5e-1").n == -1.25);
    CHECK(read("0").n == 0);
    CHECK(read("\"\"").s.empty());
    CHECK(read("[]").values.empty());
    CHECK(read("[1, [2], {}]").values.size() == 3);
    const json_value v = read("\n{\"a\": 1, \"b\" : {\"c\":[true,\"x\"]},\t\"a\":2}\r\n");
    REQUIRE(v.find("b"));
    CHECK(v.find("a")->n == 1);
    CHECK(v.find("b")->find("c")->values[1].s == "x");
    CHECK(v.find("x") == nullptr);
    CHECK(v.find("a")->find("a") == nullptr);
}

TEST_CASE("text") {
    CHECK(read(R"("a\"\\\/\b\f\n\r\tz")").s == "a\"\\/\b\f\n\r\tz");
    CHECK(read(R"("\u0041\u00e9\u20AC\ud83d\ude00")").s == "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(read(R"("\u0000")").s == std::string(1, '\0'));
}

TEST_CASE("what is not JSON") {
    for (const char* text : {"", " ", "nul", "truex", "01", "-01", "1.", "1.e5", "-1.e5", "1.E+5", "1..2", ".5", "-.5", "+1", "-", "1e", "--1", "0x1", "NaN", "Infinity", "'a'", "\"", "\"a",
                             "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\t\"",
                             "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}",
                             "{1:1}", "{\"a\" 1}", "1 2", "{} {}", "[1]]"}) {
        INFO(text);
        CHECK_FALSE(is_json(text));
    }
    CHECK_FALSE(is_json(std::string_view("1\0", 2)));
    CHECK(is_json(std::string(32, '[') + std::string(32, ']')));
    CHECK_FALSE(is_json(std::string(33, '[') + std::string(33, ']')));
    CHECK_FALSE(is_json(std::string(1 << 20, '[')));
    std::string many = "[0";
    for (int i = 0; i < 19'998; ++i) many += ",0";
    CHECK(is_json(many + "]"));
    CHECK_FALSE(is_json(many + ",0]"));
    std::string objects = "[{}";
    for (int i = 0; i < 300'000; ++i) objects += ",{}";
    CHECK_FALSE(is_json(objects + "]"));
}

TEST_CASE("every beginning of an answer, and every byte of it changed, is read or refused, and no more") {
    const std::string whole = R"({"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5},"x":["\u00e9\n",null,-1e3]})";
    CHECK(is_json(whole));
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CHECK_FALSE(is_json(std::string_view(whole).substr(0, n)));
        std::string changed = whole;
        for (int c = 0; c < 256; ++c) {
            changed[n] = static_cast<char>(c);
            static_cast<void>(is_json(changed));
        }
    }
}
