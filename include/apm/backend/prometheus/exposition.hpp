// The exposition for Prometheus: a snapshot as text 0.0.4 or OpenMetrics 1.0.
//
// Our own writer, since prometheus-cpp's keeps counters as doubles (exact to 2^53), prints 16 digits and leaves HELP
// unescaped. Integers are exact, times are exact decimals of the nanoseconds kept, doubles read back as they were. Names
// follow OpenTelemetry's mapping (metrics/naming.hpp). Exemplars are in OpenMetrics alone. A row with exponential buckets has
// classic buckets at the powers of its base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/prometheus/families.hpp>
#include <apm/backend/prometheus/format.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/backend/prometheus/text.hpp>
#include <apm/config.hpp>
#include <apm/detail/hex.hpp>

namespace apm::inline APM_ABI::detail {

// Writes one exposition after the other; one thread at a time. Cost: some 100 ns a series.
class prometheus_exposition {
public:
    explicit prometheus_exposition(bool scope_labels = false) : scope_labels_(scope_labels) {}

    // All of it. `who` becomes target_info; where it is empty there is none. Of `others`, a family whose name is taken is left
    // out, said once.
    [[nodiscard]] std::string write(const snapshot& s, const resource& who, exposition_format format,
                                    const std::vector<other_family>& others = {}) {
        out_.clear();
        format_ = format;
        for (const prometheus_family& f : families_.group(s)) put_family(f);
        if (!who.attributes.empty() && families_.take("target_info", {"target", "target_info"})) put_target(who);
        for (const other_family& f : others) put_other(f);
        if (open()) out_ += "# EOF\n";
        return std::exchange(out_, {});
    }

private:
    [[nodiscard]] bool open() const { return format_ == exposition_format::openmetrics; }

    void put_head(std::string_view name, std::string_view suffix, std::string_view type, std::string_view unit,
                  std::string_view help) {
        const auto line = [&](std::string_view keyword) {
            out_.append("# ").append(keyword).append(" ").append(name);
            if (!open()) out_ += suffix;  // 0.0.4 describes the sample's name, OpenMetrics the family's
            out_ += ' ';
        };
        if (!open()) line("HELP"), prometheus_text::put_escaped(out_, help, false), out_ += '\n';
        line("TYPE"), out_.append(type) += '\n';
        if (!open()) return;
        if (!unit.empty()) line("UNIT"), out_.append(unit) += '\n';
        line("HELP"), prometheus_text::put_escaped(out_, help, true), out_ += '\n';
    }

    void put_family(const prometheus_family& f) {
        const row& r = f.first();
        const bool counter = r.kind == kind::counter;
        const std::string_view type = counter ? "counter" : r.kind == kind::histogram ? "histogram" : "gauge";
        put_head(f.name, counter ? "_total" : "", type, f.unit, r.help);
        if (r.kind == kind::histogram) {
            bounds_.clear();
            for (std::uint32_t i = 0; i < r.buckets->count; ++i) {
                bounds_.emplace_back();
                prometheus_text::put_bound(bounds_.back(), r.buckets->bounds[i]);
            }
        }
        const auto put = [&](const prometheus_series& s) {
            labels_.clear();
            s.labels([this](std::string_view name, std::string_view value) {
                prometheus_text::put_label(labels_, name, value);
            });
            if (r.kind == kind::histogram) put_histogram(f.name, r, s.values);
            else put_value(f.name, r, s.values);
        };
        if (f.rows.size() == 1) {  // nothing to merge: not copied, as that would be a sixth of the cost
            const family& only = *f.rows.front();
            for (const series_view& s : only.series) put({s, scope_labels_ ? only.schema : nullptr});
        } else {
            const merged_series merged(f, scope_labels_);
            for (const prometheus_series& s : merged.all()) put(s);
        }
    }

    void begin(std::string_view name, std::string_view suffix) {
        out_.append(name).append(suffix);
        if (!labels_.empty()) out_.append("{").append(labels_).append("} ");
        else out_ += ' ';
    }
    void put_value(std::string_view name, const row& r, const series_view& s) {
        begin(name, r.kind == kind::counter ? "_total" : "");
        if (r.floating()) prometheus_text::put_double(out_, s.real());
        else if (r.kind == kind::counter) prometheus_text::put_scaled(out_, s.total(), r.unit->scale);
        else prometheus_text::put_scaled(out_, s.integer(), r.unit->scale);
        put_exemplar(s, 0);
        out_ += '\n';
    }
    // OpenMetrics knows exemplars of counters and of buckets; text 0.0.4 knows none.
    void put_exemplar(const series_view& s, std::size_t bucket) {
        if (!open() || s.exemplars().empty()) return;
        const std::optional<exemplar> e = s.exemplar(bucket);
        if (!e) return;
        out_ += " # {trace_id=\"";
        append_hex(out_, e->trace.high);
        append_hex(out_, e->trace.low);
        out_ += "\",span_id=\"";
        append_hex(out_, e->span);
        out_ += "\"} ";
        prometheus_text::put_double(out_, e->value);
        out_ += ' ';
        prometheus_text::put_scaled(out_, e->time, 1e9);
    }
    void put_histogram(std::string_view name, const row& r, const series_view& s) {
        std::uint64_t sum = 0;
        const auto counts = s.buckets();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            sum += counts[i];
            out_.append(name).append("_bucket{").append(labels_);
            if (!labels_.empty()) out_ += ',';
            out_.append("le=\"").append(i < bounds_.size() ? std::string_view(bounds_[i]) : "+Inf").append("\"} ");
            prometheus_text::put_integer(out_, sum);
            put_exemplar(s, i);
            out_ += '\n';
        }
        // OpenMetrics: with negative bounds the sum is no counter, and _sum and _count come together or not at all.
        const bool negative = r.buckets->bounds[0] < 0;
        if (open() && negative) return;
        begin(name, "_count");
        prometheus_text::put_integer(out_, sum);
        out_ += '\n';
        begin(name, "_sum");
        if (r.floating()) prometheus_text::put_double(out_, s.sum());
        else if (negative) prometheus_text::put_scaled(out_, s.integer_sum(), r.unit->scale);
        else prometheus_text::put_scaled(out_, static_cast<std::uint64_t>(s.integer_sum()), r.unit->scale);
        out_ += '\n';
    }
    void put_target(const resource& who) {
        put_head("target", "_info", open() ? "info" : "gauge", "", "Target metadata");
        // Attributes that Prometheus calls the same have their values joined, in the order of their keys (OpenTelemetry's rule):
        // a label that came twice would cost the whole exposition.
        std::map<std::string_view, std::string> sorted;
        for (const auto& [key, value] : who.attributes) sorted.emplace(key, text_of(value));
        std::map<std::string, std::string> joined;
        const auto mapped = [](std::string_view key) {
            std::string name;
            prometheus_text::put_label_name(name, key);
            return name;
        };
        for (const auto& [key, value] : sorted)
            if (const auto [at, is_new] = joined.try_emplace(mapped(key), value); !is_new) at->second.append(";").append(value);
        labels_.clear();
        for (const auto& attribute : who.attributes)
            if (const auto at = joined.extract(mapped(attribute.first)))
                prometheus_text::put_label(labels_, at.key(), at.mapped());
        begin("target_info", "");
        out_ += "1\n";
    }

    // A counter of another name than OpenMetrics demands is `unknown` there: its samples are called the same in both formats.
    void put_other(const other_family& f) {
        using type = other_family::kind;
        constexpr std::string_view words[] = {"counter", "gauge", "histogram", "summary", "untyped", "info"};
        if (f.samples.empty()) return;
        std::string name, suffix;
        prometheus_text::put_metric_name(name, f.name);
        for (const auto& [kind, ending] : {std::pair(type::counter, "_total"), std::pair(type::info, "_info")})
            if (f.type == kind && name.ends_with(ending) && name != ending)
                suffix = ending, name.resize(name.size() - suffix.size());
        std::vector<std::string> names{name, name + suffix};
        if (f.type == type::histogram) names.push_back(name + "_bucket");
        if (f.type == type::histogram || f.type == type::summary) names.insert(names.end(), {name + "_count", name + "_sum"});
        if (!families_.take(name + suffix, names)) return;

        std::string_view word = words[static_cast<std::size_t>(f.type)];
        const bool unfit = (f.type == type::counter || f.type == type::info) && suffix.empty();
        if (open() && (unfit || f.type == type::untyped)) word = "unknown";
        if (!open() && f.type == type::info) word = "gauge";
        put_head(name, suffix, word, "", f.help);
        for (const other_family::sample& s : f.samples) {
            const std::string_view part = s.suffix;
            if (open() && f.negative_bounds && part != "_bucket") continue;
            labels_.clear();
            for (const auto& [key, value] : s.labels) prometheus_text::put_label(labels_, key, value);
            if (!s.bound.empty())
                prometheus_text::put_label(labels_, f.type == type::summary ? "quantile" : "le", s.bound);
            begin(name, part.empty() ? suffix : part);
            if (const auto* n = std::get_if<std::uint64_t>(&s.value)) prometheus_text::put_integer(out_, *n);
            else prometheus_text::put_double(out_, std::get<double>(s.value));
            if (s.timestamp_ms) out_ += ' ', prometheus_text::put_scaled(out_, s.timestamp_ms, open() ? 1000 : 1);
            out_ += '\n';
        }
    }

    prometheus_families families_;
    std::string out_, labels_;
    std::vector<std::string> bounds_;
    exposition_format format_ = exposition_format::text;
    bool scope_labels_;
};

}  // namespace apm::inline APM_ABI::detail
