// ctest: LABELS serial
// A span as a value: everything it said, and still there when the batch is gone.
#include <apm/backend/span_data.hpp>

#include <cstdint>
#include <string_view>

#include <apm/apm.hpp>

#include "catch.hpp"

using namespace std::string_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Method, card, invoice)
APM_FIELDS(Payment, (std::uint64_t, amount), (Method, method), (std::optional<std::string_view>, note), (bool, urgent),
           (double, rate), (std::vector<int>, parts), (std::vector<double>, shares), (apm::secret, card_number));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.span_data"};

    span<Payment, apm::client> pay{this, "pay", "A payment"};
    span<>                     plain{this, "plain", "Nothing to say"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

std::vector<apm::span_data> drained() {
    const apm::span_batch batch = apm::drain_spans();
    std::vector<apm::span_data> all;
    for (const apm::span_view& s : batch.spans) all.push_back(apm::span_data::of(s));
    return all;
}

}  // namespace

TEST_CASE("what a span said is copied") {
    const apm::context other{{1, 2}, 3, true, true};
    drained();
    {
        auto plain = telemetry.plain.scope<on>();
        const std::string note(100, 'n');
        auto pay = telemetry.pay.scope<on>({.amount = 995u, .method = Method::card, .note = std::string_view(note),
                                            .urgent = true, .rate = 0.5, .parts = std::vector{1, -2}, .shares = std::vector{0.25},
                                            .card_number = "4111"});
        pay.set("text", "later");
        pay.event("retry", {{"attempt", 2}, {"why", "timeout"}});
        pay.link(other, {{"how", "before"}});
        pay.status(apm::span_status::error, "refused");
    }
    const auto all = drained();
    REQUIRE(all.size() == 2);
    const apm::span_data &pay = all[0], &plain = all[1];
    CHECK(pay.name == "pay");
    CHECK(pay.scope == "test.span_data");
    CHECK(pay.kind == apm::span_kind::client);
    CHECK(pay.trace == plain.trace);
    CHECK(pay.id != 0);
    CHECK(pay.parent == plain.id);
    CHECK(pay.parent_key() == plain.key());
    CHECK_FALSE(pay.is_local_root());
    CHECK(plain.is_local_root());
    CHECK(plain.parent == 0);
    CHECK(plain.kind == apm::span_kind::internal);
    CHECK(pay.thread == static_cast<std::uint32_t>(gettid()));
    CHECK(pay.start >= plain.start);
    CHECK(pay.end() == pay.start + pay.duration);
    CHECK(pay.status == apm::span_status::error);
    CHECK(pay.message == "refused");
    CHECK(plain.status == apm::span_status::unset);
    CHECK(pay.attributes == std::vector<apm::attribute_data>{{"amount", std::int64_t{995}},
                                                             {"method", "card"s},
                                                             {"note", std::string(100, 'n')},
                                                             {"urgent", true},
                                                             {"rate", 0.5},
                                                             {"parts", std::vector<std::int64_t>{1, -2}},
                                                             {"shares", std::vector<double>{0.25}},
                                                             {"text", "later"s}});
    REQUIRE(pay.events.size() == 1);
    CHECK(pay.events[0].name == "retry");
    CHECK(pay.events[0].time >= pay.start);
    CHECK(pay.events[0].time <= pay.end());
    CHECK(pay.events[0].attributes == std::vector<apm::attribute_data>{{"attempt", std::int64_t{2}}, {"why", "timeout"s}});
    CHECK(pay.links == std::vector<apm::link_data>{{other, {{"how", "before"s}}}});
    CHECK(plain.attributes.empty());
    CHECK(plain.events.empty());
    CHECK(plain.links.empty());
}

TEST_CASE("a value is asked for by its type") {
    drained();
    static_cast<void>(telemetry.pay.scope<on>({.amount = 300u, .method = Method::invoice, .note = {}, .urgent = false,
                                               .rate = 2.0, .parts = std::vector<int>{}, .shares = std::vector<double>{},
                                               .card_number = ""}));
    const apm::span_data pay = drained().at(0);
    CHECK(pay.attribute<int>("amount") == 300);
    CHECK(pay.attribute<std::uint64_t>("amount") == 300u);
    CHECK(pay.attribute<std::uint8_t>("amount") == std::nullopt);  // it does not fit
    CHECK(pay.attribute<double>("amount") == std::nullopt);
    CHECK(pay.attribute<bool>("amount") == std::nullopt);
    CHECK(pay.attribute<bool>("urgent") == false);
    CHECK(pay.attribute<int>("urgent") == std::nullopt);
    CHECK(pay.attribute<double>("rate") == 2.0);
    CHECK(pay.attribute<std::string>("method") == "invoice");
    CHECK(pay.attribute<std::string_view>("method") == "invoice");
    CHECK(pay.attribute<std::vector<std::int64_t>>("parts") == std::vector<std::int64_t>{});
    CHECK(pay.attribute<std::string>("note") == std::nullopt);  // was not given
    CHECK(pay.attribute<std::string>("card_number") == std::nullopt);
    CHECK(pay.attribute<int>("") == std::nullopt);
}

TEST_CASE("text is mended where it is no UTF-8") {
    drained();
    {
        auto s = telemetry.plain.scope<on>();
        s.rename("a\xff");
        s.set("k\xc0", "v\xe2\x82");
        s.event("e\x80", {{"x", "\xed\xa0\x80"}});
        s.status(apm::span_status::error, "m\xf5");
    }
    const apm::span_data s = drained().at(0);
    CHECK(s.name == "a\ufffd");
    CHECK(s.attributes == std::vector<apm::attribute_data>{{"k\ufffd", "v\ufffd\ufffd"s}});
    CHECK(s.events.at(0).name == "e\ufffd");
    CHECK(s.events.at(0).attributes.at(0).value == apm::attribute_value("\ufffd\ufffd\ufffd"s));
    CHECK(s.message == "m\ufffd");
}

TEST_CASE("what was left out is counted") {
    drained();
    {
        auto s = telemetry.plain.scope<on>();
        for (std::uint32_t i = 0; i < apm::limits::events + 3; ++i) s.event("e");
        for (std::uint32_t i = 0; i < apm::limits::attributes + 2; ++i) s.set(std::to_string(i), 1);
    }
    const apm::span_data s = drained().at(0);
    CHECK(s.events.size() == apm::limits::events);
    CHECK(s.attributes.size() == apm::limits::attributes);
    CHECK(s.dropped.events == 3);
    CHECK(s.dropped.attributes == 2);
    CHECK(s.dropped.links == 0);
}

TEST_CASE("what a span brought along and stands for is in the copy") {
    constexpr std::string_view state = "ot=th:c,a=b";
    apm::detail::shared_trace* const shared = apm::detail::make_shared_trace(state.size());
    shared->state_size = static_cast<std::uint32_t>(state.copy(shared->state(), state.size()));
    const apm::context from{{1, ~std::uint64_t{0}}, 2, true, true, true, false, false, apm::detail::shared_trace_ref(shared)};
    apm::drain_spans();
    {
        const auto attached = apm::attach(from);
        TRACE_SCOPE("work");
        apm::current_span().link(from);
    }
    const apm::span_batch batch = apm::drain_spans();
    REQUIRE(batch.spans.size() == 1);
    const apm::span_data s = apm::span_data::of(batch.spans[0]);
    CHECK(s.sampled);
    CHECK(s.adjusted_count == 4);
    CHECK(s.trace_state == state);
    CHECK(s.links.at(0).trace_state == state);
    CHECK(s.links.at(0).context.random);
}
