// ctest: LABELS serial
#include <apm/propagation/baggage_text.hpp>

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "../catch.hpp"
#include "../patience.hpp"
#include "codec.hpp"

namespace {

struct result {
    std::string text;
    bool cut;
};
result read(std::initializer_list<std::string> headers) {
    apm::detail::baggage_text text;
    for (const auto& header : headers) text.add(header);
    return {std::string(text.view()), text.cut()};
}
std::string members(int count, const std::string& value = "1") {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? ",k" : "k") + std::to_string(i) + "=" + value;
    return all;
}
std::string jaeger(std::string_view key, std::string_view value) {
    apm::detail::baggage_text text;
    text.add_url_encoded(key, value);
    return std::string(text.view());
}

}  // namespace

TEST_CASE("baggage: what is sent on, and which members are left out") {
    const struct { std::string text, means; } cases[] = {
        {"key1=value1,key2 = value2;property1;property2, key3=value3; propertyKey=propertyValue",
         "key1=value1,key2=value2;property1;property2,key3=value3;propertyKey=propertyValue"},
        {"SomeKey=SomeValue", "SomeKey=SomeValue"},
        {" SomeKey \t =  SomeValue  ", "SomeKey=SomeValue"},
        {"SomeKey =SomeValue ; SomeProp = SomeVal ; p2 ", "SomeKey=SomeValue;SomeProp=SomeVal;p2"},
        {"serverNode=DF%2028,isProduction=false", "serverNode=DF%2028,isProduction=false"},
        {"userId=Am%C3%A9lie", "userId=Am%C3%A9lie"},
        {"a=b=c", "a=b=c"},
        {"a=", "a="},
        {"a=;p", "a=;p"},
        {"a=1,a=2", "a=1,a=2"},
        {"a=100%", "a=100%"},
        {"a=!#$%&'()*+-./:<=>?@[]^_`{|}~", "a=!#$%&'()*+-./:<=>?@[]^_`{|}~"},
        {"!#$%&'*+-.^_`|~09AZaz=1", "!#$%&'*+-.^_`|~09AZaz=1"},
        {"a=1;;;b;", "a=1;b"},
        {"a=1;b=", "a=1;b="},
        {"", ""},
        {",, ,", ""},
        {",a=1,", "a=1"},
        // Malformed members, each by itself.
        {"a", ""},
        {"a;b=c", ""},
        {"=1", ""},
        {"a b=1", ""},
        {"a\"=1", ""},
        {"(a)=1", ""},
        {"\xc3\xa9=1", ""},
        {"a=b c", ""},
        {"a=\"b\"", ""},
        {"a=b\\c", ""},
        {"a=\xc3\xa9", ""},
        {"a=\x7f", ""},
        {"a=1;p q", ""},
        {"a=1;=2", ""},
        {"a=1;p=\"q\"", ""},
        {"first=1,a b=2,last=3", "first=1,last=3"},
        {"first=1,a=2;p q,last=3", "first=1,last=3"},
        {std::string("a=1\0,b=2", 8), "b=2"},
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        const result r = read({text});
        CHECK(r.text == means);
        CHECK_FALSE(r.cut);
    }
    CHECK(read({"a=1", "b=2;p", "", "c=3"}).text == "a=1,b=2;p,c=3");
}

TEST_CASE("baggage: up to 64 members and 8,192 bytes are sent on, and never a part of a member") {
    CHECK(read({members(64)}).text == members(64));
    CHECK_FALSE(read({members(64)}).cut);
    CHECK(read({members(65)}).text == members(64));
    CHECK(read({members(65)}).cut);
    CHECK(read({members(180)}).text == members(64));

    const std::string whole = "a=" + std::string(8190, 'v');
    CHECK(read({whole}).text == whole);
    CHECK_FALSE(read({whole}).cut);
    CHECK(read({whole + "v"}).text.empty());
    CHECK(read({whole + "v"}).cut);
    CHECK(read({whole, "b=1"}).text == whole);
    CHECK(read({whole, "b=1"}).cut);
    CHECK(read({"b=1", whole}).text == "b=1");
    CHECK(read({"b=1," + whole + ",c=1"}).text == "b=1");  // from the right: what is behind it goes first
    // 64 members of 127 bytes, and 63 commas: 8,191.
    std::string most;
    for (int i = 0; i < 64; ++i) most += (i ? "," : "") + std::string(i < 10 ? "k0" : "k") + std::to_string(i) + "=" + std::string(123, 'v');
    CHECK(most.size() == 8191);
    CHECK(read({most}).text == most);
    CHECK(read({most + "v"}).text == most + "v");
    CHECK(read({most + "vv"}).text == most.substr(0, most.rfind(',')));
    // Blanks do not count, however many there are.
    CHECK(read({"a = " + std::string(10000, ' ') + "1" + std::string(10000, '\t') + ";" + std::string(9000, ' ') + "p"}).text == "a=1;p");
    CHECK(read({std::string(100000, ',') + "a=1"}).text == "a=1");
    // The properties count.
    CHECK(read({"b=1,a=1;" + std::string(8192, 'p')}).text == "b=1");
    CHECK(read({std::string(1 << 20, 'x')}).text.empty());
    CHECK(read({"a=" + std::string(1 << 20, 'x')}).cut);
}

TEST_CASE("baggage: percent-encoding") {
    const auto encode = [](std::string_view raw) { return written([&](auto& to) { apm::detail::put_percent_encoded(to, raw); }); };
    const auto decode = [](std::string_view text) {
        std::string raw;
        apm::detail::percent_decoded(text, [&](char c) { raw += c; });
        return raw;
    };
    CHECK(encode("a b,c;d\\e\"f%g\xc3\xa9\n") == "a%20b%2Cc%3Bd%5Ce%22f%25g%C3%A9%0A");
    CHECK(encode(std::string_view("\0\x7f", 2)) == "%00%7F");
    CHECK(encode("a=b+c/d") == "a=b+c/d");
    CHECK(decode("a%20b%2cc%3Bd") == "a b,c;d");
    CHECK(decode("100%") == "100%");
    CHECK(decode("%4") == "%4");
    CHECK(decode("%4g%%41") == "%4g%A");
    CHECK(decode("%41") == "A");
    CHECK(decode("+") == "+");
    for (int c = 0; c < 256; ++c) {
        const std::string raw{'x', static_cast<char>(c), 'y'};
        CHECK(decode(encode(raw)) == raw);
        CHECK(apm::detail::valid_baggage_value(encode(raw)));
    }
}

TEST_CASE("Jaeger's baggage, which is encoded as in a URL") {
    CHECK(jaeger("tenant", "acme%20inc") == "tenant=acme%20inc");
    CHECK(jaeger("tenant", "acme+inc") == "tenant=acme%20inc");
    CHECK(jaeger("tenant", "a%2Bb") == "tenant=a%2Bb");
    CHECK(jaeger("tenant", "a b,c%") == "tenant=a%20b%2Cc%25");
    CHECK(jaeger("tenant", "%4") == "tenant=%254");
    CHECK(jaeger("tenant", "") == "tenant=");
    CHECK(jaeger("two words", "1").empty());
    CHECK(jaeger("", "1").empty());
    CHECK(jaeger("tenant", std::string(10000, 'x')).empty());
    apm::detail::baggage_text text;
    text.add("tenant=acme");
    text.add_url_encoded("tenant", "other");
    text.add_url_encoded("ten", "10");
    CHECK(text.view() == "tenant=acme,ten=10");
}

TEST_CASE("Jaeger's baggage: beyond the limits, headers cost next to nothing") {
    const std::string value(1 << 20, '+');
    for (const bool doubled : {false, true}) {
        apm::detail::baggage_text text;
        const auto add = [&](int i) { text.add_url_encoded(doubled ? "k" : "k" + std::to_string(i), "1"); };
        for (int i = 0; i < 64; ++i) add(i);
        CHECK_FALSE(text.cut());
        for (int i = 64; i < 66; ++i) add(i);
        CHECK(text.cut());
        CHECK(text.view() == (doubled ? "k=1" : members(64)));
        text.add("new=1");
        text.add_url_encoded("new", "1");
        CHECK(text.view() == (doubled ? "k=1" : members(64)));
        // As soon as it is full: a thousand values of a mebibyte would take seconds.
        constexpr std::chrono::milliseconds limit{500};
        const auto took = least(limit, [&] {
            return time_of([&] {
                for (int i = 0; i < 1000; ++i) text.add_url_encoded("new", value);
            });
        });
        CHECK(took < limit);
    }
}

TEST_CASE("baggage: an allow-list lets whole members through, by their keys alone") {
    const std::string_view keys[] = {"a", "c"};
    const apm::detail::baggage_keys allowed{2, const_cast<std::string_view*>(keys), nullptr};
    const auto left = [&](std::string_view text) { return written([&](auto& to) { apm::detail::put_allowed(to, text, allowed); }); };
    CHECK(left("a=1;p,b=2,c=3") == "a=1;p,c=3");
    CHECK(left("b=2,aa=1,A=1,c=3,a=4") == "c=3,a=4");
    CHECK(left("b=a").empty());
    CHECK(left({}).empty());
}

TEST_CASE("baggage: of any mutation, what is left is a list of members as they should be") {
    mutations("key1=va%20lue1, k2 = 2 ; p = q ; r,k3=", [](const std::string& text) {
        const result once = read({text});
        if (read({once.text}).text != once.text) FAIL(text);
    });
}
