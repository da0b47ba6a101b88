// For a user's own tests: what did this call record?
//
//     apm::testing::probe probe;
//     check_out(basket);
//     REQUIRE(probe.added(shop::telemetry.orders, {.method = Method::card, .outcome = Outcome::ok}) == 1);
//     REQUIRE(probe.changes() == std::vector<std::string>{"shop.orders{method=card,outcome=ok} +1"});
//
// Needs no runtime and no back end, and no reset between tests: a probe sees what came after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/fields.hpp>

namespace apm::inline APM_ABI::testing {

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
        if constexpr (std::same_as<typename Row::amount, increment> || std::same_as<typename Row::amount, whole>)
            return (b ? b->integer() : 0) - (a ? a->integer() : 0);
        else return (b ? b->real() : 0) - (a ? a->real() : 0);
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
    // order of declaration; for "and nothing else". The library's own are left out.
    [[nodiscard]] std::vector<std::string> changes() const;

private:
    template <class Row>
    static const series_view* find(const snapshot& s, const Row& r, const typename Row::labels_type& at) {
        const auto key = detail::labels<typename Row::labels_type>::key_of(at);
        for (const family& f : s.families)
            if (same(*f.row, r))
                for (const series_view& x : f.series)
                    if (x.is(key.view())) return &x;
        return nullptr;
    }
    // By name: in a program of several modules, the row collected may be another module's copy.
    static bool same(const row& a, const row& b) {
        return &a == &b || (a.kind == b.kind && detail::equal(a.name, b.name) && a.first == b.first);
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
            const std::string name = name_of(f, s);
            const series_view* was = nullptr;
            if (old)
                for (const series_view& o : old->series)
                    if (name_of(*old, o) == name) was = &o;
            std::string change;
            if (f.row->kind == kind::histogram) {
                const std::uint64_t n = s.count() - (was ? was->count() : 0);
                if (n) change = std::to_string(n) + (n == 1 ? " record" : " records");
            } else if (f.row->unit->kept_as == number::integer) {
                const std::int64_t n = s.integer() - (was ? was->integer() : 0);
                if (n) change = (n > 0 ? "+" : "") + std::to_string(n);
            } else if (const double d = s.real() - (was ? was->real() : 0); d != 0) {
                char digits[32];
                const auto end = std::to_chars(digits, digits + sizeof digits, d).ptr;
                change = (d > 0 ? "+" : "") + std::string(digits, end);
            }
            if (!change.empty()) result.push_back(name + " " + change);
        }
    }
    return result;
}

}  // namespace apm::inline APM_ABI::testing
