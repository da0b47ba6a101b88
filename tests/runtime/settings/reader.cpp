// ctest: LABELS serial
#include <apm/runtime/settings/reader.hpp>

#include "runtime/support.hpp"

#include "catch.hpp"

using apm::detail::read_list;
using reader = apm::detail::settings_reader;

namespace {

std::uint64_t number(const char* value, std::uint64_t low = 0, std::uint64_t high = 65'535) {
    const environment e{{"APM_TEST_NUMBER", value}};
    std::uint64_t n = 7;
    const bool given = reader().number(n, low, high, "APM_TEST_NUMBER");
    CHECK(given == (n != 7));
    return n;
}

bool boolean(const char* value, bool otherwise = false) {
    const environment e{{"APM_TEST_BOOLEAN", value}};
    return reader().boolean("APM_TEST_BOOLEAN", otherwise);
}

using pairs_type = std::vector<std::pair<std::string, std::string>>;
pairs_type pairs(const char* value) {
    const environment e{{"APM_TEST_PAIRS", value}};
    return reader().pairs("APM_TEST_PAIRS");
}

}  // namespace

TEST_CASE("a number is read whole or not at all") {
    const reported said;
    CHECK(number("0") == 0);
    CHECK(number("65535") == 65535);
    CHECK(number(" 12\t") == 12);  // blanks around a value do not count
    CHECK(number("") == 7);  // an empty variable is an unset one
    CHECK(said.take().empty());

    for (const char* wrong : {"65536", "-1", "12x", "x12", "1.5", "1 2", "0x10", "99999999999999999999999"}) {
        CHECK(number(wrong) == 7);
        CHECK(said.take() == lines{std::string("APM_TEST_NUMBER=") + wrong + " is no number from 0 to 65535; using 7"});
    }
}

TEST_CASE("the first name that is set counts, and says so when it is wrong") {
    const reported said;
    std::uint64_t n = 7;
    {
        const environment e{{"APM_TEST_OLD", "5"}};
        reader().number(n, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD");
        CHECK(n == 5);
    }
    const environment e{{"APM_TEST_NEW", "wrong"}, {"APM_TEST_OLD", "6"}};
    reader().number(n, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD");
    CHECK(n == 5);
    CHECK(said.take() == lines{"APM_TEST_NEW=wrong is no number from 0 to 9; using 5"});
}

TEST_CASE("white space around a value is no part of it, whatever its kind; nothing else is unset") {
    const reported said;
    const environment e{{"APM_TEST_NUMBER", " 500\r\n"}, {"APM_TEST_TEXT", "\n said \t"}, {"APM_TEST_EMPTY", " \r\n"},
                        {"APM_TEST_URL", "http://x\n"}};
    reader r;
    int n = 0;
    std::chrono::milliseconds ms{};
    std::string text, empty = "code", url;
    CHECK(r.number(n, 0, 1000, "APM_TEST_NUMBER"));
    CHECK(n == 500);
    CHECK(r.duration(ms, 0, 1000, "APM_TEST_NUMBER"));
    CHECK(ms == std::chrono::milliseconds(500));
    CHECK(r.text(text, "APM_TEST_TEXT"));
    CHECK(text == "said");
    CHECK(r.url(url, "APM_TEST_URL"));
    CHECK(url == "http://x");
    CHECK_FALSE(r.text(empty, "APM_TEST_EMPTY"));
    CHECK(empty == "code");
    CHECK(said.take().empty());
}

TEST_CASE("a boolean is true or false in any case") {
    const reported said;
    CHECK(boolean("true") == true);
    CHECK(boolean("TRUE") == true);
    CHECK(boolean("False") == false);
    CHECK(boolean("\ttrue \r\n", false));
    CHECK(boolean(" \n", true));
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
    CHECK(pairs("a=1,\r\n\tb = 2\r\n,\n") == pairs_type{{"a", "1"}, {"b", "2"}});  // a block of lines in YAML
    CHECK(pairs("a=1,,b=2,") == pairs_type{{"a", "1"}, {"b", "2"}});
    CHECK(pairs(" \n,").empty());
    CHECK(said.take().empty());
}

TEST_CASE("one error in a list of pairs discards all of it, with one line") {
    const reported said;
    for (const char* wrong : {"a=1,b", "=1", "a=%4", "a=%", "a=%zz", "%3", "a=1\n b=%"}) {
        CAPTURE(wrong);
        CHECK(pairs(wrong).empty());
        const lines was = said.take();
        REQUIRE(was.size() == 1);
        CHECK(was[0].find("APM_TEST_PAIRS is not a list k1=v1,k2=v2 with percent-encoding") == 0);
    }
}

TEST_CASE("a list is trimmed and in lower case") {
    CHECK(read_list("prometheus") == lines{"prometheus"});
    CHECK(read_list(" Prometheus , none,,") == lines{"prometheus", "none"});
    CHECK(read_list("none,\r\n\tConsole\n") == lines{"none", "console"});
    CHECK(read_list("").empty());
}

TEST_CASE("an unknown setting is one line with the nearest known one") {
    const reported said;
    const environment e{{"APM_SERVICE_NAM", "x"}, {"APM_ENABLED", "true"}, {"APMX", "not ours"}};
    reader r;
    r.boolean("APM_ENABLED", true);
    r.first("APM_SERVICE_NAME");
    r.report_unknown();
    CHECK(said.take() == lines{"unknown setting APM_SERVICE_NAM; did you mean APM_SERVICE_NAME?"});
}

TEST_CASE("what is all but one of OpenTelemetry's names is reported, other names of theirs are not") {
    const reported said;
    const environment e{{"OTEL_EXPORTER_OTLP_ENDPONT", "x"}, {"OTEL_PYTHON_LOG_LEVEL", "x"}, {"OTEL_BLRP_SCHEDULE_DELAY", "1"}};
    reader r;
    r.first("OTEL_EXPORTER_OTLP_ENDPOINT");
    r.first("OTEL_BSP_SCHEDULE_DELAY");
    r.report_unknown();
    CHECK(said.take() == lines{"unknown setting OTEL_EXPORTER_OTLP_ENDPONT; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?"});
}

TEST_CASE("it is remembered what each setting came to, and where from") {
    const reported said;
    const environment e{{"APM_TEST_OLD", "5"}, {"APM_TEST_TEXT", "said"}, {"APM_TEST_SECRET", "hush"}, {"APM_TEST_WRONG", "x"}};
    reader r;
    int n = 1, wrong = 2;
    std::string text = "code", secret, absent = "default";
    CHECK(r.number(n, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD"));
    CHECK(r.text(text, "APM_TEST_TEXT"));
    CHECK(r.secret(secret, "APM_TEST_SECRET"));
    CHECK_FALSE(r.text(absent, "APM_TEST_ABSENT"));
    CHECK_FALSE(r.number(wrong, 0, 9, "APM_TEST_WRONG"));
    CHECK(secret == "hush");
    std::string all;
    for (const auto& s : r.effective) all += s.name + '=' + s.value + '@' + s.from + ' ';
    CHECK(all == "APM_TEST_NEW=5@APM_TEST_OLD APM_TEST_TEXT=said@APM_TEST_TEXT APM_TEST_SECRET=(set, not shown)@APM_TEST_SECRET "
                 "APM_TEST_ABSENT=default@ APM_TEST_WRONG=2@ ");
    CHECK(said.take().size() == 1);
}

TEST_CASE("a duration is brought within its bounds, wherever it is from") {
    const reported said;
    const environment e{{"APM_TEST_DURATION", "250"}};
    reader r;
    std::chrono::milliseconds given{7}, from_code = std::chrono::hours(1000);
    CHECK(r.duration(given, 1, 1000, "APM_TEST_DURATION"));
    CHECK(given.count() == 250);
    CHECK_FALSE(r.duration(from_code, 1, 1000, "APM_TEST_ABSENT"));
    CHECK(from_code.count() == 1000);
}

namespace {

// As a file would be one.
class table final : public apm::detail::settings_source {
public:
    explicit table(std::vector<std::pair<std::string, std::string>> rows) : rows_(std::move(rows)) {}
    [[nodiscard]] const char* find(const char* name) const override {
        for (const auto& [key, value] : rows_)
            if (key == name) return value.c_str();
        return nullptr;
    }
    [[nodiscard]] std::string origin(const char* name) const override { return std::string("apm.yaml: ") + name; }
    void each_name(const std::function<void(std::string_view)>& f) const override {
        for (const auto& [key, value] : rows_) f(key);
    }

private:
    std::vector<std::pair<std::string, std::string>> rows_;
};

}  // namespace

TEST_CASE("of several sources the first that has a setting counts, then the code") {
    const reported said;
    const environment e{{"APM_TEST_NEW", "2"}, {"APM_TEST_OTHER", "3"}};
    const table file({{"APM_TEST_OLD", "1"}, {"APM_TEST_OTHER", ""}, {"APM_TESTT_NEW", "4"}});
    const auto variables = reader::environment();
    reader r({&file, variables[0]});
    std::uint64_t a = 7, b = 7, c = 7;
    CHECK(r.number(a, 0, 9, "APM_TEST_NEW", "APM_TEST_OLD"));  // the file has only the older name, and still comes first
    CHECK(r.number(b, 0, 9, "APM_TEST_OTHER"));                // an empty value is none
    CHECK_FALSE(r.number(c, 0, 9, "APM_TEST_NOWHERE"));
    CHECK(a == 1);
    CHECK(b == 3);
    CHECK(c == 7);
    REQUIRE(r.effective.size() == 3);
    CHECK(r.effective[0].from == "apm.yaml: APM_TEST_OLD");
    CHECK(r.effective[1].from == "APM_TEST_OTHER");
    CHECK(r.effective[2].from.empty());
    CHECK(said.take().empty());
    r.report_unknown();  // in every source
    CHECK(said.take() == lines{"unknown setting APM_TESTT_NEW; did you mean APM_TEST_NEW?"});

    const table cut(std::vector<std::pair<std::string, std::string>>{{"APM_TEST_OTH", "1"}});
    reader short_of({&cut});
    short_of.number(a, 0, 9, "APM_TEST_OLD", "APM_TEST_OTHER");  // the first is nearer by edits
    short_of.report_unknown();
    CHECK(said.take() == lines{"unknown setting APM_TEST_OTH; did you mean APM_TEST_OTHER?"});

    reader alone({&file});  // without the environment: its variables do not count
    std::uint64_t d = 7;
    CHECK_FALSE(alone.number(d, 0, 9, "APM_TEST_NEW"));
}
