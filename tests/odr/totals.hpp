// What a collection says of the schema, one line a series.
#pragma once

#include <cstdio>
#include <string>

#include <apm/collect.hpp>

#include "schema.hpp"

inline void print_totals() {
    for (const apm::family& f : apm::collect().families) {
        for (const apm::series_view& s : f.series) {
            if (s.total() == 0) continue;
            std::string labels;
            s.labels([&](auto name, auto value) { labels.append(" ").append(name).append("=").append(value); });
            std::printf("%s%s %llu\n", f.row->name, labels.c_str(), static_cast<unsigned long long>(s.total()));
        }
    }
    std::printf("conflicts %llu\n", static_cast<unsigned long long>(apm::detail::process_root().conflicts.load()));
}
