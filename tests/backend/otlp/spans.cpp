// ctest: LABELS serial
#include <apm/backend/otlp/spans.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <apm/apm.hpp>
#include <apm/backend/otlp/json_lines.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/testing/clock.hpp>

#include "backend/otlp/decoded.hpp"
#include "catch.hpp"

namespace otlp = apm::detail::otlp;
using namespace otlp_test;
using otlp_test::count;
using otlp_test::message;
using otlp_test::text;

namespace {

BOOST_DEFINE_ENUM_CLASS(Color, red, green)
APM_FIELDS(Everything, (std::int64_t, integer), (double, real), (bool, yes), (Color, color), (std::string_view, text),
           (std::vector<std::int64_t>, integers), (std::vector<double>, reals));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "otlp spans", .version = "1.2", .schema_url = "https://example.org/1"};
    span<Everything>                         everything{this, "everything", "All types"};
    span<apm::no_attributes, apm::server>    served    {this, "served", "A kind"};
    span<apm::no_attributes, apm::client>    called    {this, "called", "A kind"};
    span<apm::no_attributes, apm::producer>  sent      {this, "sent", "A kind"};
    span<apm::no_attributes, apm::consumer>  received  {this, "received", "A kind"};
    span<>                                   inner     {this, "inner", "A kind"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
struct Letter : apm::schema<Letter> {
    static constexpr apm::scope scope{.name = "l"};
    span<apm::no_attributes, apm::server> get{this, "GET", "Of the golden request"};
};
constexpr auto& letter = apm::instruments<Letter>;

const apm::resource anonymous;
const apm::resource who{{{"service.name", "a"}, {"process.pid", std::int64_t{-7}}, {"host", "\xffoo"}}};

std::string protobuf(std::span<const apm::span_view> spans, const apm::resource& r = who) {
    return appended([&](std::string& out) { otlp::append_request(out, otlp::encoding::protobuf, spans, r); });
}
// As protobuf; JSON has to say the same.
node decoded(const apm::span_batch& batch, const apm::resource& r = who) {
    const node found = from_protobuf(protobuf(batch.spans, r), traces);
    const std::string json =
        appended([&](std::string& out) { otlp::append_request(out, otlp::encoding::json, batch.spans, r); });
    const node same = from_json(json, traces);
    CHECK(same.text() == found.text());
    CHECK(same == found);
    CHECK(appended([&](std::string& out) { apm::detail::append_otlp_json(out, batch, r); }) == json + '\n');
    return found;
}
node sorted(node n) {
    n.sort();
    return n;
}

}  // namespace

TEST_CASE("of no spans there is nothing") {
    apm::drain_spans();
    const apm::span_batch batch = apm::drain_spans();
    std::string out = "before";
    otlp::append_request(out, otlp::encoding::protobuf, batch.spans, who);
    otlp::append_request(out, otlp::encoding::json, batch.spans, who);
    CHECK(out == "before");
}

TEST_CASE("a whole request is the bytes it should be") {
    apm::drain_spans();
    apm::testing::manual_clock clock(1);
    {
        const auto s = letter.get.scope();
        s.status(apm::span_status::error);
        clock.advance(std::chrono::nanoseconds(1));
    }
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 1);
    auto& record = *reinterpret_cast<apm::span_record*>(batch.bytes.get());
    record.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c}, record.id = 0xb7ad6b7169203331;
    CHECK(hex(protobuf(batch.spans, {{{"service.name", "a"}}})) ==
          "0a 5f 0a 15 0a 13 0a 0c 73 65 72 76 69 63 65 2e 6e 61 6d 65 12 03 0a 01 61 12 46 0a 03 0a 01 6c "
          "12 3f 0a 10 0a f7 65 19 16 cd 43 dd 84 48 eb 21 1c 80 31 9c 12 08 b7 ad 6b 71 69 20 33 31 2a 03 "
          "47 45 54 30 02 39 01 00 00 00 00 00 00 00 41 02 00 00 00 00 00 00 00 7a 02 18 02 85 01 03 01 00 "
          "00");
}

TEST_CASE("the resource and the scopes") {
    {
        const auto a = letter.get.scope();
        { const auto b = telemetry.inner.scope(); }
        { const auto c = letter.get.scope(); }
        { TRACE_SCOPE("quick"); }
        { const auto d = telemetry.sent.scope(); }
    }
    const apm::span_batch batch = apm::drain_spans();
    const node all = decoded(batch)["resourceSpans"];
    CHECK(all["resource"] == sorted(node{}.add("attributes", attribute("service.name", string_value("a")))
                                          .add("attributes", attribute("process.pid", int_value(-7)))
                                          .add("attributes", attribute("host", string_value("\xef\xbf\xbdoo")))));
    std::string found;
    for (const node& s : all.all("scopeSpans")) {
        found += s["scope"].text();
        if (s.has("schemaUrl")) found += s["schemaUrl"].text();
        for (const node& x : s.all("spans")) found += ' ' + x["name"].text();
        found += '\n';
    }
    CHECK(found == "{name: \"otlp spans\" version: \"1.2\" }\"https://example.org/1\" \"inner\" \"sent\"\n"
                   "{name: \"l\" } \"GET\" \"GET\"\n"
                   "{} \"quick\"\n");
    CHECK(decoded(batch, anonymous)["resourceSpans"]["resource"] == node{});
}

TEST_CASE("attributes of every type, and no value that changes on the way") {
    using integer = std::numeric_limits<std::int64_t>;
    using limits = std::numeric_limits<double>;
    const std::vector<std::int64_t> integers{0, -1, integer::max(), integer::min(), (std::int64_t{1} << 53) + 1};
    const std::vector<double> reals{0.1,  -0.0, 1e300, limits::denorm_min(), limits::quiet_NaN(), limits::infinity(),
                                    -limits::infinity()};
    node expected;
    {
        const auto s = telemetry.everything.scope({.integer = -1, .real = -0.0, .yes = true, .color = Color::green,
                                                   .text = "", .integers = integers, .reals = reals});
        const auto expect = [&](std::string_view name, node value) { expected.add("", attribute(name, std::move(value))); };
        const auto expect_list = [&](std::string_view name, const auto& values, auto as) {
            node list;
            for (const auto v : values) list.add("values", as(v));
            expect(name, message_of("arrayValue", list));
        };
        expect("integer", int_value(-1)), expect("real", double_value(-0.0)), expect("yes", bool_value(true));
        expect("color", string_value("green")), expect("text", string_value(""));
        expect_list("integers", integers, int_value), expect_list("reals", reals, double_value);
        const auto each = [&](std::string name, const auto& values, auto as) {
            for (const auto v : values) s.set(name += '+', v), expect(name, as(v));
        };
        each("n", integers, int_value), each("r", reals, double_value);
        s.set("\xff key", "\xf0\x9f\x90\x88 \xf0\x9f\x90");
        expect("\xef\xbf\xbd key", string_value("\xf0\x9f\x90\x88 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
        s.set("none", std::vector<double>()), expect("none", message_of("arrayValue", {}));
        s.set("no", false), expect("no", bool_value(false));
    }
    expected.sort();
    const node found = decoded(apm::drain_spans())["resourceSpans"]["scopeSpans"]["spans"];
    node attributes;
    for (const node& a : found.all("attributes")) attributes.add("", a);
    CHECK(attributes.text() == expected.text());
}

TEST_CASE("of a span of 16 KiB, and one whose limits were reached, all is there that it kept") {
    {
        const auto large = telemetry.inner.scope();
        for (const char* name : {"a", "b", "c", "d"}) large.set(name, std::string(4'000, name[0]));
        const auto busy = telemetry.inner.scope();
        for (int i = 0; i < 200; ++i) busy.set("a" + std::to_string(i), i);
        for (int i = 0; i < 130; ++i) busy.event("e"), busy.link({{4, 5}, 6, true, true});
    }
    const std::vector<node> found = decoded(apm::drain_spans())["resourceSpans"]["scopeSpans"].all("spans");
    REQUIRE(found.size() == 2);
    CHECK(found[0].all("attributes").size() == 128);
    CHECK(found[0].all("events").size() == 128);
    CHECK(found[0].all("links").size() == 128);
    CHECK(found[0]["droppedAttributesCount"] == number(72));
    CHECK(found[0]["droppedEventsCount"] == number(2));
    CHECK(found[0]["droppedLinksCount"] == number(2));
    const std::vector<node> texts = found[1].all("attributes");
    REQUIRE(texts.size() == 4);
    CHECK(texts[3]["value"] == string_value(std::string(4'000, 'd')));
    CHECK_FALSE(found[1].has("droppedAttributesCount"));
}

// --- any span ---------------------------------------------------------------------------------------------------------

namespace {

apm::detail::shared_trace_ref with_state(std::string_view state) {
    if (state.empty()) return {};
    apm::detail::shared_trace* const t = apm::detail::make_shared_trace(static_cast<std::uint32_t>(state.size()));
    t->state_size = static_cast<std::uint32_t>(state.copy(t->state(), state.size()));
    return apm::detail::shared_trace_ref(t);
}
std::string state_of(const apm::context& c) {
    const apm::detail::shared_trace* const t = c.shared.get();
    return t ? std::string(t->state(), t->state_size) : std::string();
}

class recorder {
public:
    explicit recorder(unsigned seed) : random_(seed) {}

    // Records a span with others in it; returns all of them, as they are to be read.
    std::vector<node> record(apm::testing::manual_clock& clock, int depth) {
        switch (below(5)) {
            case 0: return record_as(telemetry.served, 2, clock, depth);
            case 1: return record_as(telemetry.called, 3, clock, depth);
            case 2: return record_as(telemetry.sent, 4, clock, depth);
            case 3: return record_as(telemetry.received, 5, clock, depth);
            default: return record_as(telemetry.inner, 1, clock, depth);
        }
    }

private:
    template <class Row>
    std::vector<node> record_as(const Row& row, int kind, apm::testing::manual_clock& clock, int depth) {
        std::optional<decltype(apm::attach(apm::context()))> from;
        const bool remote = below(4) == 0;
        if (remote) from.emplace(apm::attach({{random_(), random_() | 1}, random_() | 1, true, true, below(2) == 0, false, false,
                                              with_state(below(2) ? "" : "a=1,b@c=" + std::to_string(below(1000)))}));
        const std::uint64_t parent = apm::context::current().span;
        std::vector<node> all;
        node expected;
        {
            const auto s = row.scope();
            const apm::context me = s.context();
            expected.add("traceId", id(me.trace.high, me.trace.low)).add("spanId", id(me.span));
            if (parent) expected.add("parentSpanId", id(parent));
            if (const std::string state = state_of(me); !state.empty()) expected.add("traceState", text(state));
            expected.add("flags", number((remote ? 0x301 : 0x101) + (me.random ? 2 : 0))).add("kind", number(kind));
            expected.add("startTimeUnixNano", number(clock.now()));
            std::string name = row.name;
            clock.advance(std::chrono::nanoseconds(below(1'000)));
            for (auto n = below(6); n > 0; --n) {
                const std::string key = "k" + std::to_string(n) + word();  // a name is a span's only once
                expected.add("attributes", attribute(mended(key), set(s, key)));
            }
            for (auto n = depth > 0 ? below(3) : 0; n > 0; --n) {
                const auto inner = record(clock, depth - 1);
                all.insert(all.end(), inner.begin(), inner.end());
            }
            for (auto n = below(3); n > 0; --n) {
                const std::string what = word(), value = word();
                clock.advance(std::chrono::nanoseconds(below(5)));
                node event = node{}.add("timeUnixNano", number(clock.now())).add("name", text(mended(what)));
                if (below(2)) {
                    s.event(what);
                } else {
                    s.event(what, {{"x", 1.5}, {"y", std::string_view(value)}});
                    event.add("attributes", attribute("x", double_value(1.5)));
                    event.add("attributes", attribute("y", string_value(mended(value))));
                }
                expected.add("events", event);
            }
            for (auto n = below(3); n > 0; --n) {
                const apm::context to{{random_() | 1, random_()}, random_() | 1, below(2) == 0, below(2) == 0, below(2) == 0,
                                      false, false, with_state(below(2) ? "" : "x=y")};
                node link = node{}.add("traceId", id(to.trace.high, to.trace.low)).add("spanId", id(to.span));
                if (to.shared.get()) link.add("traceState", text("x=y"));
                link.add("flags", number(0x100 + (to.sampled ? 1 : 0) + (to.random ? 2 : 0) + (to.remote ? 0x200 : 0)));
                if (below(2)) {
                    s.link(to);
                } else {
                    s.link(to, {{"why", std::int64_t{-3}}});
                    link.add("attributes", attribute("why", int_value(-3)));
                }
                expected.add("links", link);
            }
            if (below(3) == 0) s.rename(name = word());
            expected.add("name", text(mended(name)));
            if (const auto outcome = below(3); outcome == 1) {
                s.status(apm::span_status::ok);
                expected.add("status", message_of("code", number(1)));
            } else if (outcome == 2) {
                const std::string why = word();
                s.status(apm::span_status::error, why);
                node status = message_of("code", number(2));
                if (!why.empty()) status.add("message", text(mended(why)));
                expected.add("status", status);
            }
            clock.advance(std::chrono::nanoseconds(below(1'000)));
            expected.add("endTimeUnixNano", number(clock.now()));
        }
        expected.sort();
        all.push_back(expected);
        return all;
    }
    template <class Span>
    node set(const Span& s, const std::string& key) {
        const auto n = static_cast<std::int64_t>(random_() >> below(64));
        const auto x = std::bit_cast<double>(random_());
        switch (below(6)) {
            case 0: return s.set(key, n), int_value(n);
            case 1: return s.set(key, -n), int_value(-n);
            case 2: return s.set(key, x), double_value(x);
            case 3: return s.set(key, n % 2 == 0), bool_value(n % 2 == 0);
            case 4: {
                std::vector<std::int64_t> list(below(40), n);
                node all;
                for (const std::int64_t v : list) all.add("values", int_value(v));
                return s.set(key, list), message_of("arrayValue", all);
            }
            default: {
                const std::string value = word();
                return s.set(key, value), string_value(mended(value));
            }
        }
    }
    static std::string mended(const std::string& s) { return apm::detail::utf8_repaired(s); }
    // Mostly short and valid.
    std::string word() {
        std::string s(below(8) == 0 ? below(240) : below(20), ' ');
        const bool any = below(4) == 0;
        for (char& c : s) c = static_cast<char>(any ? random_() & 0xff : 'a' + below(26));
        return s;
    }
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("any span is read as it was recorded") {
    apm::drain_spans();
    apm::testing::manual_clock clock(1'754'870'400'123'456'789);
    for (unsigned seed = 0; seed < 300; ++seed) {
        recorder r(seed);
        const std::vector<node> expected = r.record(clock, 2);
        const apm::span_batch batch = apm::drain_spans();
        const node all = decoded(batch);
        const std::vector<node> found = all["resourceSpans"]["scopeSpans"].all("spans");
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            INFO("seed " << seed << ", span " << i);
            REQUIRE(found[i].text() == expected[i].text());
            REQUIRE(found[i] == expected[i]);
        }
    }
}
