// For a user's own tests: what did this call record?
//
//     apm::testing::probe probe;
//     check_out(basket);
//     REQUIRE(probe.added(shop::telemetry.orders, {.method = Method::card, .outcome = Outcome::ok}) == 1);
//     REQUIRE(probe.changes() == std::vector<std::string>{"shop.orders{method=card,outcome=ok} +1"});
//
// What did it trace, and how long did that take? apm/testing/{spans,clock,sampling}.hpp, which this header includes:
//
//     apm::testing::manual_clock clock;
//     apm::testing::span_probe spans;
//     check_out(basket);
//     REQUIRE(spans.tree() == "checkout{reserve,pay{bank}}");
//
// With APM compiled out nothing is recorded, and every answer is 0: skip such tests where apm::enabled() is false.
// Needs no runtime and no back end, and no reset between tests: a probe sees what came after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/store.hpp>
#include <apm/detail/utf8_text.hpp>
#include <apm/fields.hpp>
#include <apm/metrics/description.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/row.hpp>
#include <apm/testing/clock.hpp>
#include <apm/testing/sampling.hpp>
#include <apm/testing/spans.hpp>

namespace apm::inline APM_ABI::testing {

// What a histogram's series took.
struct distribution {
    std::uint64_t count = 0;
    double sum = 0;  // in the row's unit
    bool operator==(const distribution&) const = default;
};

// `shop.orders{method=card,outcome=ok}`: how a series is written in messages.
inline std::string name_of(const family& f, const series_view& s) {
    std::string text = f.row->name;
    char separator = '{';
    s.labels([&](std::string_view name, std::string_view value) {
        text += separator;
        text.append(name).append("=").append(value);
        separator = ',';
    });
    if (separator == ',') text += '}';
    return text;
}

// Sees what is recorded after its construction, by any thread that has finished recording. Not to be shared by threads.
class probe {
public:
    probe() { restart(); }
    // Forgets what came before this call.
    void restart() { before_ = apm::collect(); }

    // What was added to one series of a counter or updown since then; in the row's unit where that is a time or a real.
    template <class Row>
        requires(Row::instrument == kind::counter || Row::instrument == kind::updown)
    [[nodiscard]] auto added(const Row& r, const typename Row::labels_type& at) const {
        const snapshot now = apm::collect();
        const series_view *a = find(before_, r, at), *b = find(now, r, at);
        if constexpr (std::same_as<typename Row::amount, real_amount>) return (b ? b->real() : 0) - (a ? a->real() : 0);
        else {
            const std::int64_t n = (b ? b->integer() : 0) - (a ? a->integer() : 0);
            if constexpr (std::same_as<typename Row::amount, elapsed>) return static_cast<double>(n) / r.unit->scale;
            else return n;
        }
    }
    template <class Row>
    [[nodiscard]] auto added(const Row& r) const requires std::same_as<typename Row::labels_type, no_labels> {
        return added(r, no_labels{});
    }

    // What a gauge is now, in its unit; nothing where it was never set.
    template <class Row>
        requires(Row::instrument == kind::gauge)
    [[nodiscard]] std::optional<double> value(const Row& r, const typename Row::labels_type& at) const {
        const snapshot now = apm::collect();
        if (const series_view* s = find(now, r, at)) return s->real();
        return std::nullopt;
    }
    template <class Row>
    [[nodiscard]] std::optional<double> value(const Row& r) const requires std::same_as<typename Row::labels_type, no_labels> {
        return value(r, no_labels{});
    }

    // How many values a histogram's series took since then, and their sum.
    template <class Row>
        requires(Row::instrument == kind::histogram)
    [[nodiscard]] distribution recorded(const Row& r, const typename Row::labels_type& at) const {
        const snapshot now = apm::collect();
        const series_view *a = find(before_, r, at), *b = find(now, r, at);
        if (!b) return {};
        return {b->count() - (a ? a->count() : 0), b->sum() - (a ? a->sum() : 0)};
    }
    template <class Row>
    [[nodiscard]] distribution recorded(const Row& r) const requires std::same_as<typename Row::labels_type, no_labels> {
        return recorded(r, no_labels{});
    }

    // Every counter, updown and histogram series that changed, with by how much (`+1`, `-2`, `+0.5`, `3 records`), in
    // order of declaration; for "and nothing else". Gauges and the library's own are left out.
    [[nodiscard]] std::vector<std::string> changes() const;

private:
    template <class Row>
    static const series_view* find(const snapshot& s, const Row& r, const typename Row::labels_type& at) {
        const auto given = detail::labels<typename Row::labels_type>::key_of(at);
        const repaired key(given.view());
        for (const family& f : s.families)
            if (same(f, r))
                for (const series_view& x : f.series)
                    if (x.is(key.view)) return &x;
        return nullptr;
    }
    // By name: in a program of several modules, the row collected may be another module's copy.
    template <template <class, class...> class Row, class S, class... Rest>
    static bool same(const family& f, const Row<S, Rest...>& r) {
        const detail::description& own = detail::description_of<S>;
        return f.row->kind == r.kind && detail::equal(f.row->name, r.name) && detail::same_identity(*f.schema, own) &&
               f.schema->layout == own.layout;
    }
    // A key as it reads once it is admitted: text that is no UTF-8 is repaired then (detail/table.hpp).
    struct repaired {
        std::vector<std::string> texts;
        std::vector<detail::piece> pieces;
        detail::key_view view;

        explicit repaired(const detail::key_view& given) : view(given) {
            for (std::uint32_t i = 0; i < given.count; ++i) {
                const detail::piece& t = given.texts[i];
                texts.push_back(detail::utf8_repaired({t.data, t.size}));
            }
            for (const std::string& text : texts) pieces.push_back({text.data(), text.size()});
            view.texts = pieces.data();
        }
        repaired(const repaired&) = delete;
        repaired& operator=(const repaired&) = delete;
    };
    // In the row's unit. Of times, the difference of integers: 0.1 s is +0.1.
    static double difference(const row& r, const series_view& now, const series_view* was) {
        if (r.floating()) return now.real() - (was ? was->real() : 0);
        return static_cast<double>(now.integer() - (was ? was->integer() : 0)) / r.unit->scale;
    }
    snapshot before_;
};

inline std::vector<std::string> probe::changes() const {
    std::vector<std::string> result;
    const snapshot now = apm::collect();
    for (const family& f : now.families) {
        if (f.row->kind == kind::gauge || std::string_view(f.schema->name) == "apm") continue;
        const family* old = nullptr;
        for (const family& g : before_.families)
            if (g.row == f.row) old = &g;
        for (const series_view& s : f.series) {
            const series_view* was = nullptr;
            if (old)
                for (const series_view& o : old->series)
                    if (o.is(s)) was = &o;
            std::string change;
            if (f.row->kind == kind::histogram) {
                const std::uint64_t n = s.count() - (was ? was->count() : 0);
                if (n) change.append(std::to_string(n)).append(n == 1 ? " record" : " records");
            } else if (f.row->unit->kept_as == number::integer) {
                const std::int64_t n = s.integer() - (was ? was->integer() : 0);
                if (n) change.append(n > 0 ? "+" : "").append(std::to_string(n));
            } else if (const double d = difference(*f.row, s, was); d != 0) {
                char digits[32];
                const auto end = std::to_chars(digits, digits + sizeof digits, d).ptr;
                change.append(d > 0 ? "+" : "").append(digits, end);
            }
            if (!change.empty()) result.push_back(name_of(f, s) + ' ' + change);
        }
    }
    return result;
}

}  // namespace apm::inline APM_ABI::testing
