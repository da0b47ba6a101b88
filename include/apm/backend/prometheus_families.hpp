// From rows to Prometheus families: mapped names, and rows of several schemas that share one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <apm/backend/prometheus_text.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/naming.hpp>

namespace apm::inline APM_ABI {

// One family of the page: a name, and every row that has it.
struct prometheus_family {
    std::string name;               // without a counter's `_total`
    std::string unit;               // `seconds`; empty where the name does not end in it
    std::vector<const family*> rows;
    const apm::row& first() const { return *rows.front()->row; }
};

// Groups the rows of a snapshot. Rows of equal name that agree in kind, unit and bounds are one family, described by the
// first; one that does not agree is left out, said once and counted (apm.conflicts). One thread at a time.
class prometheus_families {
public:
    std::vector<prometheus_family> group(const snapshot& s) {
        std::vector<prometheus_family> families;
        std::unordered_map<std::string, std::size_t> by_name;
        for (const family& f : s.families) {
            if (f.series.empty()) continue;
            const row& r = *f.row;
            detail::name_buffer name;
            detail::put_family(name, r.name, r.options.prometheus_name, r.unit->ucum, r.kind, r.floating());
            const auto [at, is_new] = by_name.try_emplace(name.c_str(), families.size());
            if (is_new) families.push_back({at->first, unit_of(name, r), {&f}});
            else if (agree(families[at->second].first(), r)) families[at->second].rows.push_back(&f);
            else report_conflict(families[at->second], f);
        }
        return families;
    }

private:
    static std::string unit_of(detail::name_buffer& name, const row& r) {
        detail::name_buffer alone;
        detail::put_unit(alone, r.unit->ucum, r.kind, r.floating());
        const std::string_view unit = alone.size > 0 ? std::string_view(alone.c_str()).substr(1) : std::string_view{};
        return !unit.empty() && name.ends_in(std::string(unit).c_str()) ? std::string(unit) : std::string{};
    }
    static bool agree(const row& a, const row& b) {
        const auto shape = [](kind k) { return k == kind::updown ? kind::gauge : k; };  // both are gauges on the page
        if (shape(a.kind) != shape(b.kind) || a.unit->kept_as != b.unit->kept_as || a.unit->scale != b.unit->scale) return false;
        if (!detail::equal(a.unit->ucum, b.unit->ucum)) return false;
        if (a.kind != kind::histogram) return true;
        if (a.buckets->count != b.buckets->count) return false;
        for (std::uint32_t i = 0; i < a.buckets->count; ++i)
            if (a.buckets->bounds[i] != b.buckets->bounds[i]) return false;
        return true;
    }
    void report_conflict(const prometheus_family& have, const family& f) {
        if (!said_.insert(f.row).second) return;
        detail::process_root().conflicts.add_shared(std::uint64_t{1});
        detail::report("\"%s\" of %s is left out of the page: \"%s\" of %s is called %s too, and differs in kind, unit or bounds; give "
                       "one of them a prometheus_name", f.row->name, f.schema->name, have.first().name, have.rows.front()->schema->name,
                       have.name.c_str());
    }
    std::unordered_set<const row*> said_;
};

// The series of a family that several rows share: those of equal labels become one, counters, updowns and histograms by
// their sum; of gauges the first stays.
class merged_series {
public:
    explicit merged_series(const prometheus_family& f) {
        std::unordered_map<std::string, std::size_t> by_labels;
        for (const family* rows : f.rows) {
            for (const series_view& s : rows->series) {
                std::string labels;
                s.labels([&](auto name, auto value) { detail::prometheus_text::put_label(labels, name, value); });
                const auto [at, is_new] = by_labels.try_emplace(std::move(labels), series_.size());
                if (is_new) series_.push_back(s);
                else if (rows->row->kind != kind::gauge) add(at->second, s, *rows->row);
            }
        }
    }
    [[nodiscard]] const std::vector<series_view>& all() const { return series_; }

private:
    void add(std::size_t at, const series_view& s, const row& r) {
        auto& sums = sums_.emplace_back(series_[at].words(), series_[at].words() + r.width);
        for (std::uint32_t w = 0; w < r.width; ++w) {
            if (!detail::is_double(r, w)) sums[w] += s.words()[w];
            else sums[w] = __builtin_bit_cast(std::uint64_t, __builtin_bit_cast(double, sums[w]) +
                                                                 __builtin_bit_cast(double, s.words()[w]));
        }
        series_[at] = series_[at].with_words(sums.data());
    }
    std::vector<series_view> series_;
    std::deque<std::vector<std::uint64_t>> sums_;  // what summed series look at; a deque, so that none moves
};

}  // namespace apm::inline APM_ABI
