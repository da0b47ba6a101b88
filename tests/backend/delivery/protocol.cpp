// A protocol that is not OTLP: lines of text, to a path of its own, with replies of its own. All that the delivery says, sends and reads
// is the protocol's.
#include <apm/backend/delivery/exporter.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#include "../../catch.hpp"
#include "backend/delivery/sending.hpp"

#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/judgement.hpp>

using namespace sending;
using delivery::exporter, delivery::failure, delivery::loss;

namespace {

constexpr delivery::encoding forms[] = {{"lines", "text/x-lines"}, {"rows", "text/x-rows"}};

// "rejected 2: why", as an answer to lines; of rows nothing is known.
delivery::response read(const delivery::reply& r, std::uint8_t encoding) {
    if (encoding == 1 || !r.body.starts_with("rejected ")) return {.readable = false};
    if (r.body.size() < 12) throw 1;
    return {.rejected = r.body[9] - '0', .message = r.body.substr(12)};
}
std::string advice(failure kind, const delivery::destination& to) {
    if (kind == failure::refused) return "start linesd, or set LINES_" + to.name;
    if (kind == failure::credentials) return "set LINES_TOKEN";
    return {};
}
constexpr delivery::protocol lines{
    .name = "Lines 2",
    .user_agent = "lines-sender/7",
    .thread_name = "lines",
    .file_ending = "txt",
    .encodings = forms,
    .retryable = [](long status) { return status == 500 || status == 418; },
    .read = read,
    .advice = advice,
};

delivery::destination to_lines(std::string url) {
    delivery::destination d = hasty(std::move(url), "lines");
    d.protocol = &lines;
    d.items = "lines";
    return d;
}

}  // namespace

TEST_CASE("a protocol has its own path, user agent and content type, and its replies are read by it") {
    receiver there(answers(200, "", "rejected 2: too long"));
    heard all;
    delivery::destination rows = to_lines(there.url("/rows"));
    rows.encoding = 1;
    exporter e({to_lines(there.url("/push?lines=1")), rows}, all.observer());
    REQUIRE(e.start().empty());
    REQUIRE(e.put(0, "a\nb\nc\n", 3));
    CHECK_FALSE(e.flush(in(patience)));  // a part of it is lost
    REQUIRE(e.put(1, "a,b", 1));
    CHECK(e.flush(in(patience)));
    CHECK(e.stop(in(patience)).empty());

    const auto requests = there.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].line == "POST /push?lines=1 HTTP/1.1");
    CHECK(requests[0].header("User-Agent") == "lines-sender/7");
    CHECK(requests[0].header("Content-Type") == "text/x-lines");
    CHECK(requests[1].header("Content-Type") == "text/x-rows");
    CHECK(e.count(0).delivered == 1);
    CHECK(e.count(0).lost[loss::partial] == 2);
    CHECK(all.said("lines: " + there.url("/push") + " did not take all of a batch: \"too long\""));
    CHECK(all.said(" answered with HTTP status 200 and something that is no Lines 2; is it a receiver of Lines 2?"));
    CHECK_FALSE(all.said("OTLP"));
    CHECK_FALSE(all.said("OTEL"));
}

TEST_CASE("a protocol says which statuses are worth another attempt") {
    receiver there([](const peer& p, const request&, std::size_t n) {
        return p.say(answer_text(n == 0 ? 500 : n == 1 ? 418 : n == 2 ? 200 : 503, "", ""));
    });
    heard all;
    exporter e({to_lines(there.url())}, all.observer());
    REQUIRE(e.start().empty());
    REQUIRE(e.put(0, "a", 1));
    CHECK(e.flush(in(patience)));
    REQUIRE(e.put(0, "b", 1));
    CHECK_FALSE(e.flush(in(patience)));
    CHECK(e.stop(in(patience)).empty());
    CHECK(e.count(0).retries == 2);
    CHECK(e.count(0).lost[loss::rejected] == 1);
    CHECK(there.count() == 4);
}

TEST_CASE("what to do about a failure is the protocol's to say, or else what can be said of any") {
    const delivery::destination to = to_lines("http://127.0.0.1:1/");
    const auto line = [&to](failure kind, long status = 0) {
        delivery::reply r;
        r.status = status;
        return explain(to, r, kind);
    };
    CHECK(line(failure::refused) == "lines: nothing listens at http://127.0.0.1:1/; start linesd, or set LINES_lines");
    CHECK(line(failure::credentials, 401) ==
          "lines: http://127.0.0.1:1/ answered with HTTP status 401; set LINES_TOKEN; the batch is lost");
    CHECK(line(failure::name_not_found) == "lines: the host of http://127.0.0.1:1/ is not known; check the name");
    for (int i = 1; i <= static_cast<int>(failure::stopped); ++i) {
        const std::string said = line(static_cast<failure>(i), 400);
        CAPTURE(said);
        CHECK_FALSE(contains(said, "OTLP"));
        CHECK_FALSE(contains(said, "OTEL"));
        CHECK_FALSE(contains(said, "4317"));
        CHECK_FALSE(contains(said, "collector"));
    }
}

TEST_CASE("items that are lost at the end have the protocol's name for them") {
    exporter e({to_lines("http://127.0.0.1:1/")});
    REQUIRE(e.start().empty());
    REQUIRE(e.put(0, "a", 3));
    CHECK(e.stop(in(50ms)) == "lines: 3 lines were not delivered to http://127.0.0.1:1/ and are lost");
}

TEST_CASE("what a protocol's reader throws is an answer that cannot be read") {
    delivery::reply r;
    r.status = 200, r.body = "rejected 1";
    const delivery::judgement j = judge(lines, r, 5);
    CHECK(j.outcome == delivery::judgement::action::delivered);
    CHECK(j.kind == failure::unreadable);
}

TEST_CASE("a spooled file has its protocol's names, and another protocol's files are left alone") {
    const auto name_of = [](const delivery::protocol& p, std::uint8_t encoding, bool gzip) {
        delivery::batch b;
        b.items = 5, b.checksum = 0xbeef, b.encoding = encoding, b.gzip = gzip;
        return spool_name(p, 17, b);
    };
    CHECK(name_of(lines, 0, false) == "000000000017.5.0000beef.lines.txt");
    CHECK(name_of(lines, 1, true) == "000000000017.5.0000beef.rows.gzip.txt");
    CHECK(name_of(apm::detail::otlp::over_http, 0, true) == "000000000017.5.0000beef.protobuf.gzip.otlp");
    for (const std::uint8_t encoding : {std::uint8_t{0}, std::uint8_t{1}})
        for (const bool gzip : {false, true}) {
            delivery::batch b;
            REQUIRE(read_spool_name(lines, name_of(lines, encoding, gzip), b));
            CHECK(b.items == 5);
            CHECK(b.checksum == 0xbeef);
            CHECK(b.encoding == encoding);
            CHECK(b.gzip == gzip);
        }
    delivery::batch b;
    for (const char* other : {"000000000017.5.0000beef.protobuf.otlp", "000000000017.5.0000beef.lines.otlp", "1.2.3.lines", "", "....",
                              "000000000017.5.0000beef.lines.txt.unfinished", "x.5.0000beef.lines.txt", "1.5.123456789.lines.txt",
                              "1.99999999999.0.lines.txt", "1.5..lines.txt", "1.5.0.gzip.txt"}) {
        CAPTURE(other);
        CHECK_FALSE(read_spool_name(lines, other, b));
    }
}

TEST_CASE("a spool's files go out as they were put, in the protocol's encoding") {
    const std::string directory = (std::filesystem::temp_directory_path() / ("apm-lines-" + std::to_string(getpid()))).string();
    receiver there(answers(200));
    delivery::destination to = to_lines(there.url());
    to.spool_directory = directory;
    to.encoding = 1;
    {
        exporter e({to});
        REQUIRE(e.start().empty());
        REQUIRE(e.put(0, "spooled", 1));
        CHECK(e.flush(in(patience)));
        CHECK(e.stop(in(patience)).empty());
    }
    std::filesystem::remove_all(directory);
    REQUIRE(there.count() == 1);
    CHECK(there.requests()[0].body == "spooled");
    CHECK(there.requests()[0].header("Content-Type") == "text/x-rows");
}
