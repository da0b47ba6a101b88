// ctest: LABELS serial
#include <apm/detail/url.hpp>

#include "catch.hpp"

TEST_CASE("of a URL, user, password, query and fragment are not shown") {
    using apm::detail::url_without_secrets;
    CHECK(url_without_secrets("http://a:1/b") == "http://a:1/b");
    CHECK(url_without_secrets("http://user:pass@a:1/b?key=secret#x") == "http://a:1/b");
    CHECK(url_without_secrets("http://user:p@ss@a/") == "http://a/");
    CHECK(url_without_secrets("https://a?token=x") == "https://a");
    CHECK(url_without_secrets("user:pass@a") == "a");
    CHECK(url_without_secrets("http://user:pass@a") == "http://a");
    CHECK(url_without_secrets("unix:///run/x.sock") == "unix:///run/x.sock");
    CHECK(url_without_secrets("").empty());
}

TEST_CASE("a password that was not encoded is not shown either") {
    using apm::detail::url_without_secrets;
    for (const char* url : {"http://user:s3c/ret@127.0.0.1:1", "http://user:s3c?ret@127.0.0.1:1", "http://user:s3c#ret@127.0.0.1:1",
                            "http://user:s3c@ret@127.0.0.1:1", "http://us:s3c@/ret@127.0.0.1:1/"}) {
        CAPTURE(url);
        const std::string shown = url_without_secrets(url);
        CHECK(shown.starts_with("http://127.0.0.1:1"));
    }
    CHECK(url_without_secrets("http:/user:s3cret@127.0.0.1:1") == "127.0.0.1:1");
    CHECK(url_without_secrets("user:s3cret@127.0.0.1:1?u=a://b") == "127.0.0.1:1");
}

TEST_CASE("a URL that is well-formed keeps an @ behind its host") {
    using apm::detail::parsed_url_without_secrets;
    CHECK(parsed_url_without_secrets("http://user:pass@a:1/b@c?mail=d@e#f") == "http://a:1/b@c");
    CHECK(parsed_url_without_secrets("http://a?mail=d@e") == "http://a");
    CHECK(parsed_url_without_secrets("http://a") == "http://a");
    CHECK(parsed_url_without_secrets("a/b@c") == "a/b@c");
    CHECK(parsed_url_without_secrets("").empty());
}

TEST_CASE("percent-encoding") {
    using namespace apm::detail;
    CHECK(url_encoded("shop-1.2_3~x") == "shop-1.2_3~x");
    CHECK(url_encoded("a b&c=d/\xc3\xa9%") == "a%20b%26c%3Dd%2F%C3%A9%25");
    CHECK(url_encoded(std::string_view("\0+", 2)) == "%00%2B");
    const auto byte = [](std::string_view text, std::size_t at = 0) {
        char c = '!';
        return is_percent_encoded(text, at, c) ? std::string(1, c) : "no";
    };
    CHECK(byte("%41") == "A");
    CHECK(byte("%c3%a9") == "\xc3");
    CHECK(byte("x%2Fy", 1) == "/");
    CHECK(byte("%fF") == "\xff");
    for (const char* text : {"%", "%4", "%4g", "%g4", "%-1", "% 1", "%%41", "x41", "%0x"}) CHECK(byte(text) == "no");
}

TEST_CASE("a URL is cut where its parts begin") {
    const auto parts = [](std::string_view url) {
        const apm::detail::url_parts p = apm::detail::split_url(url);
        std::string all;
        for (const std::string_view part : {p.scheme, p.host, p.port, p.path, p.query}) all.append(part).append("|");
        return all;
    };
    CHECK(parts("http://user:pass@host:80/a/b?k=v") == "http://|user:pass@host|80|/a/b|?k=v|");
    CHECK(parts("host") == "|host||||");
    CHECK(parts("host:1") == "|host|1|||");
    CHECK(parts("host?a://b/c") == "|host|||?a://b/c|");
    CHECK(parts("[::1]:4317/") == "|[::1]|4317|/||");
    CHECK(parts("grpc://[::1]") == "grpc://|[::1]||||");
    CHECK(parts("http://user@[::1]:1") == "http://|user@[::1]|1|||");
    CHECK(parts("") == "|||||");
}
