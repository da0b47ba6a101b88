#pragma once
// What a snapshot says about one row, by the names of things.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/collect.hpp>

#include "catch.hpp"

// `method=card,ok=true`; empty for a series without labels.
inline std::string labels_of(const apm::series_view& s) {
    std::string text;
    s.labels([&](std::string_view name, std::string_view value) {
        if (!text.empty()) text += ',';
        text.append(name).append("=").append(value);
    });
    return text;
}

inline const apm::family& family_of(const apm::snapshot& now, const apm::row& r) {
    for (const apm::family& f : now.families)
        if (f.row == &r) return f;
    FAIL("no family " << r.name);
    return now.families.front();
}

// Null where there is no such series.
inline const apm::series_view* find_series(const apm::snapshot& now, const apm::row& r, std::string_view labels) {
    for (const apm::series_view& s : family_of(now, r).series)
        if (labels_of(s) == labels) return &s;
    return nullptr;
}

// The series' labels, in the order of the snapshot.
inline std::vector<std::string> series_names(const apm::snapshot& now, const apm::row& r) {
    std::vector<std::string> names;
    for (const apm::series_view& s : family_of(now, r).series) names.push_back(labels_of(s));
    return names;
}

inline constexpr std::string_view overflow_series = "otel.metric.overflow=true";

// Of counters of integers: now, or of a series that is not there 0.
inline std::uint64_t total_of(const apm::row& r, std::string_view labels = {}) {
    const apm::snapshot now = apm::collect();
    const apm::series_view* s = find_series(now, r, labels);
    return s ? s->total() : 0;
}
