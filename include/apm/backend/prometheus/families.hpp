// From rows to Prometheus families: mapped names, and rows of several schemas that share one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <apm/backend/prometheus/text.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/metrics/naming.hpp>
#include <apm/schema.hpp>

namespace apm::inline APM_ABI {

// One family of the exposition: a name, and every row that has it.
struct prometheus_family {
    std::string name;               // without a counter's `_total`
    std::string unit;               // `seconds`; empty where the name does not end in it
    std::vector<const family*> rows;  // at least one has series
    const apm::row& first() const { return *rows.front()->row; }
};

// Groups the rows of a snapshot. Rows of equal name that agree in kind, unit and bounds are one family, described by the
// first. A row that does not agree, or whose samples have the names of another's (`waits.count` beside a histogram `waits`), is
// left out, reported once and counted (apm.conflicts). A row without series is not shown, but keeps its names: else a family
// would leave the exposition when a row before it first records. One thread at a time.
class prometheus_families {
public:
    std::vector<prometheus_family> group(const snapshot& s) {
        std::vector<prometheus_family> families;
        taken_.clear();
        for (const family& f : s.families) {
            const row& r = *f.row;
            detail::sample_names names(r);
            const char* const name = names.name[0].c_str();
            if (const auto same = taken_.find(name); same != taken_.end() && families[same->second].name == name &&
                                                     agree(families[same->second].first(), r)) {
                families[same->second].rows.push_back(&f);
                continue;
            }
            const prometheus_family* other = nullptr;
            for (std::uint32_t i = 0; i < names.count && !other; ++i)
                if (const auto at = taken_.find(names.name[i].c_str()); at != taken_.end()) other = &families[at->second];
            if (other) {
                if (!f.series.empty()) report_conflict(*other, f);
                continue;
            }
            for (std::uint32_t i = 0; i < names.count; ++i) taken_.emplace(names.name[i].c_str(), families.size());
            families.push_back({name, unit_of(names.name[0], r), {&f}});
        }
        std::erase_if(families, [](const prometheus_family& f) {
            return std::ranges::all_of(f.rows, [](const family* rows) { return rows->series.empty(); });
        });
        return families;
    }

    // Takes names for a family that is none of ours, after group(). False, said once and counted, where one is taken.
    bool take(const std::string& family_name, const std::vector<std::string>& sample_names) {
        for (const std::string& name : sample_names) {
            if (!taken_.contains(name)) continue;
            if (said_others_.insert(family_name).second) {
                detail::process_root().conflicts.add_shared(std::uint64_t{1});
                detail::report("the family %s is left out of the exposition: there is a %s already", family_name.c_str(),
                               name.c_str());
            }
            return false;
        }
        for (const std::string& name : sample_names) taken_.emplace(name, 0);
        return true;
    }

private:
    static std::string unit_of(detail::name_buffer& name, const row& r) {
        detail::name_buffer alone;
        detail::put_unit(alone, r.unit->ucum, r.kind, r.floating());
        const std::string_view unit = alone.size > 0 ? std::string_view(alone.c_str()).substr(1) : std::string_view{};
        return !unit.empty() && name.ends_in(std::string(unit).c_str()) ? std::string(unit) : std::string{};
    }
    static bool agree(const row& a, const row& b) {
        if (a.kind != b.kind || a.unit->kept_as != b.unit->kept_as || a.unit->scale != b.unit->scale) return false;
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
        detail::name_buffer name;
        detail::put_family(name, *f.row);
        const bool same = have.name == name.c_str();
        detail::report("\"%s\" of %s is left out of the exposition: \"%s\" of %s %s%s%s; give one of them a prometheus_name",
                       f.row->name, f.schema->name, have.first().name, have.rows.front()->schema->name,
                       same ? "is called " : "has samples of the same names", same ? have.name.c_str() : "",
                       same ? " too, and differs in kind, unit or bounds" : "");
    }
    std::unordered_map<std::string, std::size_t> taken_;  // the names of all samples and families: whose they are
    std::unordered_set<const row*> said_;
    std::unordered_set<std::string> said_others_;
};

// A series as the exposition has it.
struct prometheus_series {
    series_view values;
    const detail::description* scope;  // null where the exposition does not say it

    // Calls f(name, value) for each label.
    template <class F>
    void labels(F&& f) const {
        values.labels(f);
        if (!scope) return;
        f(std::string_view("otel_scope_name"), std::string_view(scope->name));
        if (*scope->version) f(std::string_view("otel_scope_version"), std::string_view(scope->version));
    }
};

// The series of a family that several rows share: those of equal labels, the scope's included where they are shown, become
// one, counters, updowns and histograms by their sum; of gauges the first stays.
class merged_series {
public:
    explicit merged_series(const prometheus_family& f, bool scope_labels = false) {
        std::unordered_map<std::string, std::size_t> by_labels;
        for (const family* rows : f.rows) {
            for (const series_view& values : rows->series) {
                const prometheus_series s{values, scope_labels ? rows->schema : nullptr};
                const auto [at, is_new] = by_labels.try_emplace(key_of(s), series_.size());
                if (is_new) series_.push_back(s);
                else if (rows->row->kind != kind::gauge) add(series_[at->second].values, values, *rows->row);
            }
        }
    }
    [[nodiscard]] const std::vector<prometheus_series>& all() const { return series_; }

private:
    // Prometheus knows no order of labels.
    static std::string key_of(const prometheus_series& s) {
        std::vector<std::string> labels;
        s.labels([&](std::string_view name, std::string_view value) {
            detail::prometheus_text::put_label(labels.emplace_back(), name, value);
        });
        std::ranges::sort(labels);
        std::string key;
        for (const std::string& l : labels) key += l;
        return key;
    }
    void add(series_view& to, const series_view& s, const row& r) {
        auto& sums = sums_.emplace_back(to.words(), to.words() + r.width);
        for (std::uint32_t w = 0; w < r.width; ++w) {
            if (!detail::is_double(r, w)) sums[w] += s.words()[w];
            else sums[w] = __builtin_bit_cast(std::uint64_t, __builtin_bit_cast(double, sums[w]) +
                                                                 __builtin_bit_cast(double, s.words()[w]));
        }
        to = to.with_words(sums.data());
        if (!s.exemplars().empty()) add_exemplars(to, s);
    }
    // Of each bucket the newer.
    void add_exemplars(series_view& to, const series_view& s) {
        std::map<std::uint32_t, exemplar> newer;
        for (const series_view& x : {to, s})
            for (const exemplar& e : x.exemplars())
                if (const auto [at, is_new] = newer.try_emplace(e.bucket, e); !is_new && at->second.time < e.time) at->second = e;
        auto& all = exemplars_.emplace_back();
        for (const auto& [bucket, e] : newer) all.push_back(e);
        to = to.with_exemplars(all);
    }
    std::vector<prometheus_series> series_;
    std::deque<std::vector<std::uint64_t>> sums_;  // what summed series look at; a deque, so that none moves
    std::deque<std::vector<exemplar>> exemplars_;  // the same
};

}  // namespace apm::inline APM_ABI
