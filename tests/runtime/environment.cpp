// ctest: LABELS serial
#include "support.hpp"

#include "catch.hpp"

namespace env = apm::detail::environment;

namespace {

std::uint64_t number(const char* value, std::uint64_t low = 0, std::uint64_t high = 65'535) {
    const environment e{{"APM_TEST_NUMBER", value}};
    std::uint64_t n = 7;
    env::number(n, low, high, "APM_TEST_NUMBER");
    return n;
}

bool boolean(const char* value, bool otherwise = false) {
    const environment e{{"APM_TEST_BOOLEAN", value}};
    return env::boolean("APM_TEST_BOOLEAN", otherwise);
}

using pairs_type = std::vector<std::pair<std::string, std::string>>;
pairs_type pairs(const char* value) {
    const environment e{{"APM_TEST_PAIRS", value}};
    return env::pairs("APM_TEST_PAIRS");
}

}  // namespace

TEST_CASE("a number is read whole or not at all") {
    const reported said;
    CHECK(number("0") == 0);
    CHECK(number("65535") == 65535);
    CHECK(number("") == 7);  // an empty variable is an unset one
    CHECK(said.take().empty());

    for (const char* wrong : {"65536", "-1", "12x", "x12", "1.5", " 12", "0x10", "99999999999999999999999"}) {
        CHECK(number(wrong) == 7);
        CHECK(said.take() == lines{std::string("APM_TEST_NUMBER=") + wrong + " is no number from 0 to 65535; using 7"});
    }
}

TEST_CASE("the first name that is set counts, and says so when it is wrong") {
    const reported said;
    std::uint64_t n = 7;
    {
        const environment e{{"APM_TEST_OLD", "5"}};
        env::number(n, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD");
        CHECK(n == 5);
    }
    const environment e{{"APM_TEST_NEW", "wrong"}, {"APM_TEST_OLD", "6"}};
    env::number(n, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD");
    CHECK(n == 5);
    CHECK(said.take() == lines{"APM_TEST_NEW=wrong is no number from 0 to 9; using 5"});
}

TEST_CASE("a boolean is true or false in any case") {
    const reported said;
    CHECK(boolean("true") == true);
    CHECK(boolean("TRUE") == true);
    CHECK(boolean("False") == false);
    CHECK_FALSE(boolean("", false));
    CHECK(boolean("", true));
    CHECK(said.take().empty());
    CHECK_FALSE(boolean("1", false));
    CHECK(boolean("yes", true));
    CHECK(said.take() == lines{"APM_TEST_BOOLEAN=1 is neither true nor false; using false",
                               "APM_TEST_BOOLEAN=yes is neither true nor false; using true"});
}

TEST_CASE("pairs are trimmed and percent-decoded") {
    const reported said;
    CHECK(pairs("a=1") == pairs_type{{"a", "1"}});
    CHECK(pairs(" a = 1 ,b=2") == pairs_type{{"a", "1"}, {"b", "2"}});
    CHECK(pairs("a=%2C%3d%25,b=c%20d") == pairs_type{{"a", ",=%"}, {"b", "c d"}});
    CHECK(pairs("a=") == pairs_type{{"a", ""}});
    CHECK(pairs("url=http://x/?q=1") == pairs_type{{"url", "http://x/?q=1"}});
    CHECK(pairs("").empty());
    CHECK(said.take().empty());
}

TEST_CASE("one error in a list of pairs discards all of it, with one line") {
    const reported said;
    for (const char* wrong : {"a=1,b", "=1", "a=%4", "a=%", "a=%zz", "a=1,,b=2", "a=1,", "%3"}) {
        CAPTURE(wrong);
        CHECK(pairs(wrong).empty());
        const lines was = said.take();
        REQUIRE(was.size() == 1);
        CHECK(was[0].find("APM_TEST_PAIRS is not a list k1=v1,k2=v2 with percent-encoding") == 0);
    }
}

TEST_CASE("a list is trimmed and in lower case") {
    CHECK(env::list("prometheus") == lines{"prometheus"});
    CHECK(env::list(" Prometheus , none,,") == lines{"prometheus", "none"});
    CHECK(env::list("").empty());
}

TEST_CASE("a distance counts edits") {
    CHECK(env::distance("", "") == 0);
    CHECK(env::distance("abc", "abc") == 0);
    CHECK(env::distance("abc", "") == 3);
    CHECK(env::distance("", "abc") == 3);
    CHECK(env::distance("kitten", "sitting") == 3);
}

TEST_CASE("an unknown setting is one line with the nearest known one") {
    const reported said;
    const environment e{{"APM_SERVICE_NAM", "x"}, {"APM_ENABLED", "true"}, {"APMX", "not ours"}};
    env::report_unknown({"APM_ENABLED", "APM_SERVICE_NAME"});
    CHECK(said.take() == lines{"unknown setting APM_SERVICE_NAM; did you mean APM_SERVICE_NAME?"});
}
