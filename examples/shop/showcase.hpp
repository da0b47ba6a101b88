// One whole check-out, to be shown at the end: a back end of the shop's own, which keeps the spans of a single trace.
#pragma once

#include <cstdio>
#include <string_view>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/span_text.hpp>
#include <apm/backend/span_tree.hpp>

namespace shop {

class Showcase {
public:
    [[nodiscard]] std::string_view name() const { return "showcase"; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error stop(apm::deadline) { return {}; }
    // By the runtime's thread. The trace of the first check-out of a batch, if all of it is there: the latest one stays.
    apm::error export_spans(const apm::span_batch& batch, apm::deadline) {
        for (const apm::span_view& s : batch.spans) {
            if (s.name() != "checkout") continue;
            std::vector<apm::span_data> all;
            bool complete = false;
            for (const apm::span_view& other : batch.spans) {
                if (other.trace() != s.trace()) continue;
                complete = complete || other.parent() == 0;
                all.push_back(apm::span_data::of(other));
            }
            if (complete) trace_ = std::move(all);
            break;
        }
        return {};
    }

    // When nobody exports any more.
    void print() const {
        if (trace_.empty()) return;
        std::printf("\nOne check-out, as it went:\n\n%s", apm::to_text(apm::span_tree(trace_)).c_str());
    }

private:
    std::vector<apm::span_data> trace_;
};

}  // namespace shop
