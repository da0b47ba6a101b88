#include <apm/detail/url.hpp>

#include "catch.hpp"

TEST_CASE("of a URL, user, password, query and fragment are not shown") {
    using apm::detail::url_without_secrets;
    CHECK(url_without_secrets("http://a:1/b") == "http://a:1/b");
    CHECK(url_without_secrets("http://user:pass@a:1/b@c?key=secret#x") == "http://a:1/b@c");
    CHECK(url_without_secrets("http://user:p@ss@a/") == "http://a/");
    CHECK(url_without_secrets("https://a?token=x") == "https://a");
    CHECK(url_without_secrets("user:pass@a") == "a");
    CHECK(url_without_secrets("http://user:pass@a") == "http://a");
    CHECK(url_without_secrets("unix:///run/x.sock") == "unix:///run/x.sock");
    CHECK(url_without_secrets("").empty());
}
