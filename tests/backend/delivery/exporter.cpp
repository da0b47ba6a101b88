// The way to a receiver that behaves, or does not: what is delivered, what is lost and why, what is said, and how long it takes.
#include <apm/backend/delivery/exporter.hpp>

#include <fstream>
#include <future>
#include <memory>
#include <utility>

#include "../../catch.hpp"
#include "backend/delivery/sending.hpp"

using namespace sending;
using delivery::exporter, delivery::loss;

namespace {

// What ExportTraceServiceResponse says of so many rejected.
std::string partial(char rejected, std::string_view message) {
    std::string inner;
    if (rejected) inner += std::string("\x08") + rejected;
    if (!message.empty()) inner += std::string("\x12") + static_cast<char>(message.size()) + std::string(message);
    return std::string("\x0a") + static_cast<char>(inner.size()) + inner;
}
std::uint64_t memory_in_use() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    in >> size >> resident;
    return resident * 4096;
}
constexpr const char* binary = "Content-Type: application/x-protobuf\r\n";

}  // namespace

TEST_CASE("a batch goes out as it is, with the headers that it needs, and what follows by the same connection") {
    receiver there(answers(200));
    heard all;
    delivery::destination to = hasty(there.url());
    to.headers = {{"x-key", "sesame"}, {"x-empty", ""}};
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    for (int i = 0; i < 20; ++i) {
        REQUIRE(d.put(0, "body " + std::to_string(i), 3));
        if (i % 5 == 0) REQUIRE(d.flush(in(patience)));
    }
    REQUIRE(d.flush(in(patience)));
    CHECK(there.accepted() == 1);
    const auto requests = there.requests();
    REQUIRE(requests.size() == 20);
    for (std::size_t i = 0; i < requests.size(); ++i) CHECK(requests[i].body == "body " + std::to_string(i));
    const request& r = requests.front();
    CHECK(r.line == "POST /v1/traces HTTP/1.1");
    CHECK(r.header("content-type") == "application/x-protobuf");
    CHECK(r.header("User-Agent") == "apm/" APM_VERSION " OTel-OTLP-Exporter-Cpp/" APM_VERSION);
    CHECK(r.header("x-key") == "sesame");
    CHECK(contains(r.head, "\r\nx-empty:\r\n"));
    for (const char* absent : {"Expect", "Content-Encoding", "Accept-Encoding", "Transfer-Encoding"}) CHECK(r.header(absent).empty());
    const delivery::totals t = d.count(0);
    CHECK(t.put == 60);
    CHECK(t.delivered == 60);
    CHECK(t.requests == 20);
    CHECK(t.retries == 0);
    CHECK(t.bytes_sent == 10 * 6 + 10 * 7);
    CHECK(balanced(t));
    CHECK(d.stop(in(patience)).empty());
    CHECK(all.lines().empty());
    CHECK(all.delivered == 60);
    CHECK(all.outcomes().size() == 20);
    CHECK(all.outcomes().front().status == 200);
    CHECK(all.outcomes().front().duration.count() > 0);
}

TEST_CASE("every status: what becomes of the batch, and what is said") {
    struct row {
        int status;
        loss cause;  // `partial` for none
        const char* says;
    };
    const row r = GENERATE(row{200, loss::partial, ""}, row{202, loss::partial, ""}, row{204, loss::partial, ""},
                           row{400, loss::rejected, "cannot read what we send"},
                           row{401, loss::rejected, "set OTEL_EXPORTER_OTLP_HEADERS"},
                           row{403, loss::rejected, "set OTEL_EXPORTER_OTLP_HEADERS"},
                           row{404, loss::rejected, "the URL should end in /v1/traces"},
                           row{405, loss::rejected, "the URL should end in /v1/traces"}, row{408, loss::rejected, "status 408"},
                           row{413, loss::rejected, "too large"}, row{415, loss::rejected, "status 415"},
                           row{500, loss::rejected, "status 500"}, row{501, loss::rejected, "status 501"},
                           row{302, loss::rejected, "redirects"}, row{304, loss::rejected, "redirects"});
    CAPTURE(r.status);
    receiver there(answers(r.status));
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 7));
    const bool well = r.cause == loss::partial;
    CHECK(d.flush(in(patience)) == well);
    const delivery::totals t = d.count(0);
    CHECK(t.delivered == (well ? 7 : 0));
    CHECK(t.lost[r.cause] == (well ? 0 : 7));
    CHECK(t.lost.all() == (well ? 0 : 7));
    CHECK(t.requests == 1);
    CHECK(there.count() == 1);
    CHECK(all.lines().size() == (well ? 0 : 1));
    CHECK((well || all.said(r.says)));
    CHECK(all.outcomes().front().status == r.status);
    CHECK(all.outcomes().front().lost.all() == t.lost.all());
}

TEST_CASE("what is worth another attempt gets it, until it is delivered") {
    const int status = GENERATE(429, 502, 503, 504, 0);
    CAPTURE(status);
    receiver there([=](const peer& p, const request&, std::size_t n) {
        if (n >= 3) return p.say(answer_text(200, {}, {}));
        if (status) return p.say(answer_text(status, n == 0 ? "Retry-After: 0\r\n" : "", {}));
        return p.reset(), false;
    });
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 5));
    REQUIRE(soon([&] { return d.count(0).delivered == 5; }));
    const delivery::totals t = d.count(0);
    CHECK(t.lost.all() == 0);
    CHECK(t.requests == 4);
    CHECK(t.retries == 3);
    REQUIRE(d.put(0, "y", 1));
    REQUIRE(d.flush(in(patience)));
    CHECK(all.lines().size() == 1);
    there.now([=](const peer& p, const request&, std::size_t n) {  // it worked in between: worth another line
        if (n >= 8) return p.say(answer_text(200, {}, {}));  // libcurl itself tries again where a kept connection is cut
        if (status) return p.say(answer_text(status, {}, {}));
        return p.reset(), false;
    });
    REQUIRE(d.put(0, "z", 1));
    REQUIRE(d.flush(in(patience)));
    CHECK(all.lines().size() == 2);
}

TEST_CASE("Retry-After is kept, but holds neither a flush nor the end") {
    const std::string asked = GENERATE("3600", "1000000000000", "Fri, 31 Dec 9999 23:59:59 GMT");
    receiver there([=](const peer& p, const request&, std::size_t n) {
        return p.say(n < 1 ? answer_text(503, "Retry-After: " + asked + "\r\n", {}) : answer_text(200, {}, {}));
    });
    exporter d({hasty(there.url())});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return there.count() == 1; }));
    std::this_thread::sleep_for(100ms);
    CHECK(there.count() == 1);
    CHECK(soon([&] { return d.count(0).waiting == 1; }));
    const bool at_the_end = GENERATE(false, true);
    if (at_the_end) CHECK(d.stop(in(patience)).empty());
    else CHECK(d.flush(in(patience)));
    CHECK(d.count(0).delivered == 1);
    CHECK(there.count() == 2);
}

TEST_CASE("Retry-After that makes no sense is not one") {
    const std::string asked = GENERATE("-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT", "never", "");
    receiver there([=](const peer& p, const request&, std::size_t n) {
        return p.say(n < 3 ? answer_text(429, "Retry-After: " + asked + "\r\n", {}) : answer_text(200, {}, {}));
    });
    exporter d({hasty(there.url())});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    CHECK(soon([&] { return d.count(0).delivered == 1; }));
}

TEST_CASE("a receiver that takes a part says so once, and nothing is sent again") {
    heard all;
    receiver there(answers(200, binary, partial(3, "no room for three")));
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 10));
    CHECK_FALSE(d.flush(in(patience)));
    REQUIRE(d.put(0, "x", 2));  // fewer than it says it rejected
    CHECK_FALSE(d.flush(in(patience)));
    const delivery::totals t = d.count(0);
    CHECK(t.delivered == 7);
    CHECK(t.lost[loss::partial] == 5);
    CHECK(there.count() == 2);
    CHECK(balanced(t));
    CHECK(all.lines() == std::vector<std::string>{"traces: " + there.url() + " did not take all of a batch: \"no room for three\""});
}

TEST_CASE("a success with something to say, or nothing that makes sense, is a success, and said once") {
    struct row {
        std::string type, body, says;
    };
    const row r = GENERATE(row{binary, partial(0, "deprecated"), "took a batch and says: \"deprecated\""},
                           row{binary, std::string("\x0a\x7fnot so long"), "is no OTLP"},
                           row{binary, std::string(64, '\xff'), "is no OTLP"},
                           row{"Content-Type: text/html\r\n", "<html>hello</html>", "is no OTLP"},
                           row{"Content-Type: application/json\r\n", "[1]", "is no OTLP"},
                           row{"", partial(0, ""), ""}, row{binary, "", ""},
                           row{"Content-Type: application/json\r\n", "{}", ""});
    receiver there(answers(200, r.type, r.body));
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(d.put(0, "x", 1));
        REQUIRE(d.flush(in(patience)));
    }
    CHECK(d.count(0).delivered == 3);
    CHECK(there.count() == 3);
    CHECK(all.lines().size() == (r.says.empty() ? 0 : 1));
    CHECK((r.says.empty() || all.said(r.says)));
}

TEST_CASE("an answer without an end is not read, and memory stays as it was") {
    const bool chunked = GENERATE(false, true);
    std::atomic<std::uint64_t> sent{0};
    receiver there(floods(std::uint64_t{2} << 30, chunked, sent));
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    const std::uint64_t before = memory_in_use();
    REQUIRE(d.put(0, "x", 4));
    CHECK_FALSE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::bad_reply] == 4);
    CHECK(there.count() == 1);
    CHECK(all.said("answers with more than 4194304 bytes, which are not read"));
    CHECK(memory_in_use() < before + (64 << 20));
    CHECK(soon([&, last = std::uint64_t{1}]() mutable { return std::exchange(last, sent.load()) == sent; }));
    CHECK(sent < (64u << 20));
}

TEST_CASE("headers without an end neither") {
    receiver there([](const peer& p, const request&, std::size_t) {
        p.say("HTTP/1.1 200 OK\r\n");
        for (int i = 0; p.say("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n");) ++i;
        return false;
    });
    exporter d({hasty(there.url())});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 4));
    CHECK_FALSE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::bad_reply] == 4);
}

TEST_CASE("an answer that is cut short is none; so the batch is sent again") {
    const std::string cut = GENERATE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Le", "");
    const bool reset = GENERATE(false, true);
    receiver there([=](const peer& p, const request&, std::size_t n) {
        if (n >= 2) return p.say(answer_text(200, {}, {}));
        p.say(cut);
        if (reset) p.reset();
        return false;
    });
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    CHECK(soon([&] { return d.count(0).delivered == 1; }));
    CHECK(there.count() == 3);
    CHECK(all.lines().size() == 1);
    CHECK(all.said("cut the connection"));
}

TEST_CASE("redirects are not followed, and what they lead to gets nothing") {
    receiver elsewhere(answers(200));
    receiver there(answers(307, "Location: " + elsewhere.url("/steal?key=1") + "\r\n"));
    heard all;
    delivery::destination to = hasty(there.url());
    to.headers = {{"authorization", "Bearer open-sesame"}};
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    CHECK_FALSE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::rejected] == 1);
    CHECK(all.said("redirects (HTTP status 307) to " + elsewhere.url("/steal") + ", which is not followed"));
    CHECK(elsewhere.accepted() == 0);
}

TEST_CASE("secrets that a receiver echoes are not said") {
    const int status = GENERATE(200, 400, 401, 503);
    const std::string secret = "s3cr3t-t0ken+/=";
    const auto echo = [&](std::string text) {
        return status == 200 ? partial(1, text) : std::string("\x12") + static_cast<char>(text.size()) + text;
    };
    receiver there(answers(status, binary, echo("you said Bearer " + secret + ", again " + secret + "\n\x1b[31mred")));
    heard all;
    delivery::destination to = hasty(there.url("/v1/traces?key=query-secret"));
    to.url.insert(7, "user:pass-word@");
    to.headers = {{"authorization", "Bearer " + secret}};
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return !all.lines().empty(); }));
    static_cast<void>(d.stop(in(0s)));
    REQUIRE(all.lines().size() == 1);
    const std::string line = all.lines().front();
    CHECK(contains(line, "you said ***, again ***"));
    CHECK(contains(line, " ?[31mred"));
    for (const char* part : {"s3cr3t", "t0ken", "pass-word", "query-secret", "\n", "\x1b"}) CHECK_FALSE(contains(line, part));
    CHECK(there.requests().front().header("authorization") == "Bearer " + secret);
}

TEST_CASE("gzip arrives as what was put; what is larger than a request may be is not sent") {
    receiver there(answers(200));
    heard all;
    delivery::destination to = hasty(there.url());
    to.gzip = true;
    to.max_request_bytes = 100'000;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    std::string body;
    for (int i = 0; body.size() < 99'000; ++i) body += "span " + std::to_string(i);
    REQUIRE(d.put(0, std::string(body), 1));
    REQUIRE(d.put(0, "", 1));
    CHECK_FALSE(d.put(0, std::string(100'001, 'x'), 9));  // that it would be small when compressed does not count
    CHECK_FALSE(d.flush(in(patience)));  // it says what was lost
    REQUIRE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::too_large] == 9);
    CHECK(all.said("a batch of more than 100000 bytes is not sent and lost"));
    const auto requests = there.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].header("Content-Encoding") == "gzip");
    CHECK(requests[0].body.size() < body.size() / 2);
    const auto inflated = [](const std::string& from) {
        z_stream z{};
        REQUIRE(inflateInit2(&z, 15 + 16) == Z_OK);
        std::string out(200'000, '\0');
        z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data())), z.avail_in = static_cast<uInt>(from.size());
        z.next_out = reinterpret_cast<Bytef*>(out.data()), z.avail_out = static_cast<uInt>(out.size());
        CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END);
        out.resize(z.total_out);
        inflateEnd(&z);
        return out;
    };
    CHECK(inflated(requests[0].body) == body);
    CHECK(inflated(requests[1].body).empty());
}

TEST_CASE("JSON is announced as such, and its answers are read") {
    receiver there(answers(200, "Content-Type: application/json; charset=utf-8\r\n",
                           R"({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "two \"bad\"\nones"}})"));
    heard all;
    delivery::destination to = hasty(there.url());
    to.encoding = 1;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "{}", 5));
    CHECK_FALSE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::partial] == 2);
    CHECK(all.said("did not take all of a batch: \"two \"bad\" ones\""));
    CHECK(there.requests().front().header("Content-Type") == "application/json");
}

TEST_CASE("without a receiver, what waits is bounded, and all of it is accounted for") {
    const bool drop_oldest = GENERATE(false, true);
    silent_port at;
    delivery::destination to = hasty(at.url());
    to.drop_oldest = drop_oldest;
    to.queue_bytes = 10'000;
    heard all;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    int taken = 0;
    std::string last;  // that was taken
    for (int i = 0; i < 25; ++i) {
        const std::string number = std::to_string(100 + i);
        if (d.put(0, number + std::string(997, 'x'), 10)) ++taken, last = number;
    }
    CHECK(taken >= (drop_oldest ? 25 : 10));
    CHECK(taken <= (drop_oldest ? 25 : 11));  // one may be on its way
    const delivery::totals t = d.count(0);
    CHECK(t.put == 250);
    CHECK(t.waiting + t.in_flight <= 110);
    CHECK(t.lost[loss::queue_full] >= 140);
    CHECK(balanced(t));
    CHECK(all.said("more waits for " + to.url + " than the queue holds"));
    CHECK_FALSE(d.put(0, std::string(10'001, 'x'), 1));  // could never fit: nothing else goes for it
    CHECK(d.count(0).lost[loss::queue_full] == t.lost[loss::queue_full] + 1);
    REQUIRE(soon([&] { return all.said("nothing listens at " + to.url); }));
    receiver back(answers(200), at);
    CHECK_FALSE(d.flush(in(patience)));  // it says what was lost
    CHECK(d.flush(in(patience)));
    CHECK(d.count(0).delivered == t.waiting + t.in_flight);
    CHECK(balanced(d.count(0)));
    const auto requests = back.requests();
    CHECK(requests.back().body.substr(0, 3) == last);
    CHECK(all.said("nothing listens at " + to.url + "; start a collector there or set OTEL_EXPORTER_OTLP_ENDPOINT"));
    CHECK(all.lines().size() == 2);
}

TEST_CASE("a bound in items counts") {
    delivery::destination to = hasty("http://127.0.0.1:1/v1/traces");
    to.queue_items = 100;
    exporter d({to});
    CHECK(d.put(0, "x", 60));
    CHECK(d.put(0, "x", 40));
    CHECK_FALSE(d.put(0, "x", 1));
    CHECK(d.count(0).waiting == 100);
    CHECK_FALSE(d.stop(in(0s)).empty());
    CHECK(d.count(0).lost[loss::queue_full] == 1);
    CHECK(d.count(0).lost[loss::shutdown] == 100);
    CHECK(balanced(d.count(0)));
}

TEST_CASE("a batch that could not be delivered for too long is lost") {
    receiver there(answers(503, "Retry-After: 3600\r\n"));
    delivery::destination to = hasty(there.url());
    to.max_elapsed_time = 500ms;
    heard all;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 3));
    REQUIRE(d.put(0, "x", 4));
    CHECK(soon([&] { return d.count(0).lost[loss::gave_up] == 7; }));
    CHECK(d.count(0).waiting == 0);
    CHECK(there.count() >= 1);
    CHECK(soon([&] { return all.said("are lost") && all.said("status 503"); }));
    CHECK(all.lines().size() == 2);
    there.now(answers(200));
    // A machine that is busy may be too late again, for this one or that.
    CHECK(soon([&] {
        const std::uint64_t lost = d.count(0).lost[loss::gave_up];
        REQUIRE(d.put(0, "x", 5));
        REQUIRE(soon([&] { return d.count(0).delivered == 5 || d.count(0).lost[loss::gave_up] == lost + 5; }));
        return d.count(0).delivered == 5;
    }));
    CHECK(balanced(d.count(0)));
}

TEST_CASE("whatever the receiver does, the end comes in time, and what is left is lost") {
    const bool drip = GENERATE(false, true);
    bool told = false;  // it is not told of anything once it was too late, which a busy machine may be
    for (int i = 0; i < 20 && !told; ++i) {
        receiver there(drip ? drips(1s) : hangs());
        heard all;
        exporter d({hasty(there.url()), hasty(there.url("/v1/metrics"), "metrics")}, all.observer());
        REQUIRE(d.start().empty());
        for (std::size_t n = 0; n < 4; ++n) REQUIRE(d.put(n % 2, "x", 1 + n / 2));
        REQUIRE(soon([&] { return there.count() == 2; }));
        CHECK(time_of([&] { CHECK_FALSE(d.flush(in(50ms))); }) < patience / 2);
        const auto begin = steady::now();
        const std::string line = d.stop(begin + 50ms);
        CHECK(steady::now() - begin >= 50ms);  // the last attempts
        CHECK(steady::now() - begin < patience / 2);
        CHECK(contains(line, "traces: 3 spans were not delivered to " + there.url() + " and are lost; metrics: 3 data points"));
        for (std::size_t n = 0; n < 2; ++n) {
            CHECK(d.count(n).lost[loss::shutdown] == 3);
            CHECK(d.count(n).in_flight == 0);
            CHECK(balanced(d.count(n)));
            CHECK_FALSE(d.put(n, "late", 5));
            CHECK(d.count(n).lost[loss::shutdown] == 8);
            CHECK(balanced(d.count(n)));
        }
        CHECK(time_of([&] { CHECK(d.stop(in(patience)).empty()); }) < patience / 2);  // at once
        CHECK(contains(d.start(), "was stopped"));
        told = all.lost[loss::shutdown] == 16;
    }
    CHECK(told);
}

TEST_CASE("the end is no later than a tenth of a second") {
    const auto given = GENERATE(-1000ms, 0ms, 100ms);
    receiver stuck(hangs()), slow(drips(1s)), busy(answers(503));
    const auto late = least_overrun(100ms, [&](steady::time_point& due) {
        exporter d({hasty(stuck.url()), hasty(slow.url()), hasty(busy.url()), hasty("http://127.0.0.1:1/")});
        REQUIRE(d.start().empty());
        for (std::size_t i = 0; i < 4; ++i) REQUIRE(d.put(i, "x", 1));
        REQUIRE(soon([&] { return d.count(3).requests && d.count(0).in_flight && d.count(1).in_flight; }));
        due = in(std::max(given, 0ms));
        CHECK_FALSE(d.stop(in(given)).empty());
    });
    CHECK(late < 100ms);
}

TEST_CASE("an attempt has a time of its own") {
    receiver there([](const peer& p, const request&, std::size_t n) {
        return n == 0 ? p.wait(1h) : p.say(answer_text(200, {}, {}));
    });
    heard all;
    delivery::destination to = hasty(there.url());
    to.timeout = 50ms;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    CHECK(soon([&] { return d.count(0).delivered == 1; }));
    CHECK(all.said("no answer in time from " + there.url()));
    CHECK(all.outcomes().front().status == 0);
}

TEST_CASE("destinations do not wait for each other") {
    receiver stuck(hangs()), quick(answers(200));
    exporter d({hasty(stuck.url()), hasty(quick.url("/v1/metrics"), "metrics")});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return stuck.count() == 1; }));
    for (int i = 0; i < 10; ++i) REQUIRE(d.put(1, "x", 1));
    CHECK(soon([&] { return d.count(1).delivered == 10; }));
    CHECK(d.count(0).in_flight == 1);
}

TEST_CASE("what is said of receivers that are none") {
    struct row {
        std::string raw, says;
    };
    const row r = GENERATE(row{std::string("\0\0\x12\x04\0\0\0\0\0\0\x03\x7f\xff\xff\xff\0\x04\0\x10\0\0", 21), "does not speak HTTP/1.1"},
                           row{"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP/1.1"}, row{"HTTP/9.9 200 Hi\r\n\r\n", "HTTP"});
    receiver there(says(r.raw));
    heard all;
    exporter d({hasty(there.url())}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return !all.lines().empty(); }));
    CAPTURE(all.lines().front());
    CHECK(all.said(r.says));
    CHECK(d.count(0).lost.all() == 0);  // it is tried again
}

TEST_CASE("an exporter that is not started, or not stopped, does no harm") {
    receiver there(answers(200));
    {
        exporter never({hasty(there.url())});
        CHECK(never.put(0, "x", 1));
        CHECK_FALSE(never.flush(in(1ms)));
        CHECK(never.count(0).waiting == 1);
    }
    {
        exporter late({hasty(there.url())});
        CHECK(late.put(0, "x", 1));
        REQUIRE(late.start().empty());
        CHECK(late.start() == "is running already");
        CHECK(late.flush(in(patience)));
        CHECK(late.put(0, "x", 1));
    }
    CHECK(there.count() <= 2);
    exporter nothing({});
    REQUIRE(nothing.start().empty());
    CHECK(nothing.flush(apm::deadline::max()));
    CHECK(nothing.flush(apm::deadline::min()));
    CHECK(nothing.stop(apm::deadline::max()).empty());
}

TEST_CASE("where nothing is at the other end neither flush() nor the end waits") {
    heard h;
    delivery::destination to = hasty("http://127.0.0.1:1/v1/traces");
    to.initial_backoff = to.max_backoff = 1h;
    exporter d({to}, h.observer());
    REQUIRE(d.start().empty());
    for (std::uint64_t i = 1; i <= 5; ++i) CHECK(d.put(0, "body", i));
    const auto begin = steady::now();
    CHECK_FALSE(d.flush(in(2 * patience)));
    CHECK_FALSE(d.flush(in(2 * patience)));
    CHECK(d.count(0).waiting == 15);
    CHECK(d.count(0).requests >= 2);  // each flush() tried
    CHECK_FALSE(d.stop(in(2 * patience)).empty());
    CHECK(steady::now() - begin < patience);
    CHECK(d.count(0).lost[delivery::loss::shutdown] == 15);
    CHECK(h.lost.all() == 15);
}

TEST_CASE("an outage that begins soon after the last one is said when the quiet is over") {
    std::atomic<bool> well{false};
    receiver there([&](const peer& p, const request&, std::size_t) { return p.say(answer_text(well ? 200 : 503, {}, {})); });
    heard h;
    delivery::destination to = hasty(there.url());
    to.quiet = 300ms;
    exporter d({to}, h.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "body", 1));
    CHECK(soon([&] { return h.lines().size() == 1; }));
    well = true;
    CHECK(soon([&] { return d.count(0).delivered == 1; }));
    well = false;
    REQUIRE(d.put(0, "body", 1));
    CHECK(soon([&] { return h.lines().size() == 2; }));
    well = true;
    CHECK(d.stop(in(patience)).empty());
}

TEST_CASE("a failure that comes and goes is said once in a while, not each time") {
    receiver there([](const peer& p, const request&, std::size_t n) { return p.say(answer_text(n % 2 ? 200 : 503, {}, {})); });
    for (const auto quiet : {0ms, 3'600'000ms}) {
        heard h;
        delivery::destination to = hasty(there.url());
        to.quiet = quiet;
        exporter d({to}, h.observer());
        REQUIRE(d.start().empty());
        for (std::uint64_t i = 1; i <= 10; ++i) {
            CHECK(d.put(0, "body", 1));
            CHECK(soon([&] { return d.count(0).delivered == i; }));
        }
        CHECK(h.lines().size() == (quiet.count() ? 1 : 10));
        CHECK(d.stop(in(patience)).empty());
    }
}

TEST_CASE("start while it stops is refused") {
    receiver there(hangs());
    exporter d({hasty(there.url())});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    std::string line;
    std::atomic<bool> stopped{false};
    std::thread stopping([&] {
        line = d.stop(in(2s));
        stopped = true;
    });
    CHECK(soon([&] { return contains(d.start(), "was stopped"); }));  // before that it is running already
    CHECK_FALSE(d.put(0, "x", 1));
    CHECK_FALSE(stopped);  // neither waited for the end
    CHECK(d.stop(in(0ms)).empty());
    stopping.join();
    CHECK(contains(line, "were not delivered"));
}

TEST_CASE("a unix socket") {
    char directory[] = "/tmp/apm-otlp-XXXXXX";
    const std::string path = std::string(mkdtemp(directory)) + "/sock";
    {
        receiver there(answers(200), path);
        delivery::destination to = hasty("http://localhost/v1/traces");
        to.unix_socket = path;
        to.proxy = "http://127.0.0.1:1";  // not for this
        exporter d({to});
        REQUIRE(d.start().empty());
        REQUIRE(d.put(0, "x", 1));
        CHECK(d.flush(in(patience)));
        CHECK(there.requests().front().header("Host") == "localhost");
    }
    unlink(path.c_str());
    heard all;
    delivery::destination to = hasty("http://localhost/v1/traces");
    to.unix_socket = path;
    exporter d({to}, all.observer());
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    REQUIRE(soon([&] { return !all.lines().empty(); }));
    CHECK(all.said("nothing listens at http://localhost/v1/traces (by the socket " + path + ")"));
    rmdir(directory);
}

TEST_CASE("two destinations under load, with flushes by another thread: nothing is lost, or counted twice") {
    receiver there([](const peer& p, const request&, std::size_t n) {
        return p.say(n % 7 == 3 ? answer_text(503, {}, {}) : answer_text(200, {}, {}));
    });
    heard all;
    exporter d({hasty(there.url()), hasty(there.url("/v1/metrics"), "metrics")}, all.observer());
    REQUIRE(d.start().empty());
    std::atomic<bool> done{false};
    std::thread flushing([&] {
        while (!done) static_cast<void>(d.flush(in(20ms)));
    });
    std::thread counting([&] {
        while (!done)
            if (!balanced(d.count(0)) || !balanced(d.count(1))) std::abort();
    });
    for (std::uint64_t i = 0; i < 300; ++i) REQUIRE(d.put(i % 2, std::string(300, 'x'), i));
    CHECK(d.flush(in(patience)));
    done = true;
    flushing.join();
    counting.join();
    CHECK(d.stop(in(patience)).empty());
    CHECK(d.count(0).delivered + d.count(1).delivered == 299 * 300 / 2);
    CHECK(d.count(0).lost.all() + d.count(1).lost.all() == 0);
    CHECK(all.delivered == 299 * 300 / 2);
    CHECK(there.count() == 300 + d.count(0).retries + d.count(1).retries);
}

TEST_CASE("an observer that throws does no harm") {
    receiver there(answers(400));
    exporter d({hasty(there.url())}, {[](const delivery::outcome&) { throw 1; }, [](const std::string&) { throw 2; }});
    REQUIRE(d.start().empty());
    REQUIRE(d.put(0, "x", 1));
    CHECK_FALSE(d.flush(in(patience)));
    CHECK(d.count(0).lost[loss::rejected] == 1);
}

TEST_CASE("a thread that cannot end is left behind: the end comes in time, the sums agree, and the observer is told of nothing later") {
    struct stuck {
        std::promise<void> go;
        std::shared_future<void> gone = go.get_future().share();
        std::atomic<int> calls{0}, lines{0};
    };
    receiver there(answers(400));
    std::vector<std::shared_ptr<stuck>> all;
    const auto late = least_overrun(100ms, [&](steady::time_point& due) {
        const auto s = all.emplace_back(std::make_shared<stuck>());
        exporter d({hasty(there.url())}, {[s](const delivery::outcome&) { ++s->calls, s->gone.wait(); },
                                         [s](const std::string&) { ++s->lines; }});
        REQUIRE(d.start().empty());
        REQUIRE(d.put(0, "x", 1));
        REQUIRE(d.put(0, "x", 2));
        REQUIRE(soon([&] { return s->calls == 1; }));
        CHECK(contains(d.stop(due = in(50ms)), "traces: 2 spans were not delivered"));
        CHECK(d.count(0).lost[loss::rejected] == 1);
        CHECK(d.count(0).lost[loss::shutdown] == 2);
        CHECK(balanced(d.count(0)));
    });
    CHECK(late < 100ms);
    for (const auto& s : all) {
        s->go.set_value();
        CHECK(soon([&] { return s.use_count() == 1; }));  // it ends after all
        CHECK(s->calls == 1);
        CHECK(s->lines == 0);
    }
    CHECK(there.count() == all.size());
}
