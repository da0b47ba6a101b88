// ctest: LABELS serial
// Sampling and control as text.
#include <apm/runtime/control/text.hpp>

#include "catch.hpp"

using namespace apm::detail;
using apm::always_off, apm::always_on, apm::parent_based, apm::probability, apm::rate_limited, apm::trace_id_ratio;

namespace {

edit read(const std::string& line) {
    edit e;
    CHECK(read_line(line, e) == "");
    return e;
}
std::string why_not(const std::string& line) {
    edit e;
    return read_line(line, e);
}

}  // namespace

TEST_CASE("a sampler has the shortest words that make it again") {
    CHECK(words_for(always_on) == "always_on");
    CHECK(words_for(parent_based(always_off)) == "parentbased_always_off");
    CHECK(words_for(probability(0.1)) == "probability:0.1");
    CHECK(words_for(probability(1)) == "probability:1");
    CHECK(words_for(parent_based(probability(1.0 / 3))) == "parentbased_probability:0.33333");
    CHECK(words_for(trace_id_ratio(0.12345)) == "traceidratio:0.12345");
    CHECK(words_for(trace_id_ratio(1)) == "always_on");
    CHECK(words_for(parent_based(rate_limited(100))) == "parentbased_rate_limited:100");
    CHECK(words_for(rate_limited(0.01)) == "rate_limited:0.01");
    CHECK(words_for(parent_based(always_on, {.remote_sampled = always_off})).empty());
    CHECK(words_for(apm::sampler([](const apm::sampler&, const apm::sampling_request&) { return apm::sampling_decision(true); })).empty());
    for (const double x : {0.0001, 0.05, 0.2, 0.7, 0.999}) {
        CHECK(read("sampler=" + words_for(parent_based(probability(x)))).rules == parent_based(probability(x)));
        CHECK(read("sampler=" + words_for(trace_id_ratio(x))).rules == apm::sampling_rules(trace_id_ratio(x)));
        CHECK(read("sampler=" + words_for(rate_limited(x))).rules == apm::sampling_rules(rate_limited(x)));
    }
}

TEST_CASE("lines") {
    CHECK(read("").of == edit::no_change);
    CHECK(read("# sample_rate=0.5").of == edit::no_change);
    CHECK(read("sample_rate=0.5").rules == parent_based(probability(0.5)));
    CHECK(read("sample_rate = 1").rules == parent_based(probability(1)));
    CHECK(read("sampler=rate_limited:5").rules == apm::sampling_rules(rate_limited(5)));
    CHECK(read("row.checkout=1").name == "checkout");
    CHECK(read("row.checkout=0.5").rules.root == probability(0.5));
    CHECK(read("row.a=b=rate_limited:5").name == "a=b");
    CHECK(read("max_level=2").number == 2);
    CHECK(read("max_level=all").number == 255);
    CHECK(read("tail_errors=true").number == 1);
    CHECK(read("tail_slower_than=500").number == 500);
    CHECK(read("tail_bytes=1").number == 1);
    CHECK(read("tracing=off").number == 0);
    CHECK(read("tracing=").back);
    CHECK(read("row.checkout=").back);
}

TEST_CASE("bad lines say what is allowed") {
    CHECK(why_not("sample_rate=2") == "sample_rate takes a number from 0 to 1");
    CHECK(why_not("sample_rate=nan") == "sample_rate takes a number from 0 to 1");
    CHECK(why_not("sample_rate=0.5x") == "sample_rate takes a number from 0 to 1");
    CHECK(why_not("max_level=256") == "max_level takes a number from 0 to 255, or all");
    CHECK(why_not("max_level=-1") == "max_level takes a number from 0 to 255, or all");
    CHECK(why_not("tail_errors=1") == "tail_errors takes true or false");
    CHECK(why_not("tail_slower_than=1s") == "tail_slower_than takes milliseconds, from 0 to 86400000");
    CHECK(why_not("tracing=maybe") == "tracing takes on or off");
    CHECK(why_not("row.checkout=parentbased_always_on") == "row.checkout takes a number from 0 to 1, always_on, always_off, "
                                                           "probability:0.1, traceidratio:0.1 or rate_limited:20");
    CHECK(why_not("sampler=always_on:1").find("sampler takes [parentbased_]always_on") == 0);
    CHECK(why_not("sampler=probability").find("sampler takes ") == 0);
    CHECK(why_not("sampler=jaeger_remote").find("sampler takes ") == 0);
    const std::string unknown = " is unknown; there are sample_rate, sampler, row.NAME, max_level, tail_errors, tail_slower_than, "
                                "tail_bytes and tracing";
    CHECK(why_not("rate=1") == "rate" + unknown);
    CHECK(why_not("row.=1") == "row." + unknown);
    CHECK(why_not(std::string("row.a\0b=1", 10)) == "is about a row whose name has a zero byte");
    CHECK(why_not("=1") == unknown);
    CHECK(why_not("sample_rate") == "is no key=value");
}

TEST_CASE("many lines: each bad one has its number, of each place the last good one counts") {
    const control_lines all = read_control("sample_rate=0.5\r\n\n# comment\nmax_level=x\nsampler=always_off\nrow.a=1\nrow.b=1\nrow.a=0");
    REQUIRE(all.bad.size() == 1);
    CHECK(all.bad[0].number == 4);
    CHECK(all.bad[0].of == edit::max_level);
    REQUIRE(all.edits.size() == 3);
    CHECK(all.edits[0].rules == apm::sampling_rules(always_off));
    CHECK(all.edits[1].name == "b");
    CHECK(all.edits[2].rules.root == always_off);
}

TEST_CASE("what is done, said again, undone") {
    const auto now = [] { return apm::control::now<apm::mode::on>(); };
    const apm::control::state start = now();
    const std::string at_start = words_for(start);
    CHECK(at_start == "sampler=parentbased_always_on\nmax_level=all\ntail_errors=false\ntail_slower_than=0\ntail_bytes=16777216\n"
                      "tracing=on\n");
    const std::string wanted = "sample_rate=0.5\nrow.a=rate_limited:5\nrow.b=probability:0.25\nmax_level=2\ntail_errors=true\n"
                               "tail_slower_than=500\ntail_bytes=1000\ntracing=off\n";
    CHECK(apply_all(read_control(wanted).edits, start).empty());
    CHECK(words_for(now()) == wanted);
    CHECK(apply_all(read_control(words_for(now())).edits, start).empty());
    CHECK(words_for(now()) == wanted);
    CHECK(apply_all(read_control("tail_errors=false\ntail_slower_than=0").edits, start).empty());
    CHECK(now().tail_sampling.bytes == 1000);
    CHECK(apply_all(read_control("sampler=\nrow.a=\nrow.b=\nmax_level=\ntail_errors=\ntail_slower_than=\ntail_bytes=\ntracing=").edits,
                    start).empty());
    CHECK(words_for(now()) == at_start);
}

TEST_CASE("a time below a millisecond is said as one, for 0 would switch it off when it is given back") {
    apm::control::state s;
    for (const auto& [ns, words] : {std::pair<std::uint64_t, const char*>{0, "0"}, {1, "1"}, {1'000'000, "1"}, {1'000'001, "2"}}) {
        s.tail_sampling.slower_than_ns = ns;
        CHECK(words_for(s).find("\ntail_slower_than=" + std::string(words) + "\n") != std::string::npos);
    }
}

TEST_CASE("too many rows: nothing is done at all") {
    const apm::control::state start = apm::control::now<apm::mode::on>();
    std::string many = "max_level=1\n";
    for (int i = 0; i < 300; ++i) many += "row.many" + std::to_string(i) + "=1\n";
    CHECK(apply_all(read_control(many).edits, start) == "there have been rows of 256 names, and there is no room for another");
    CHECK(words_for(apm::control::now<apm::mode::on>()) == words_for(start));
}

TEST_CASE("a sampler of the program's own has no words, and says so in a comment") {
    apm::control::state s;
    s.sampler = apm::sampler([](const apm::sampler&, const apm::sampling_request&) { return apm::sampling_decision(true); });
    s.rows.emplace_back("a", s.sampler.root);
    const std::string text = words_for(s);
    CHECK(text.find("# the sampler is one that has no name here\n# row.a has a sampler that has no name here\n") == 0);
    CHECK(read_control(text).bad.empty());
}
