#pragma once
// What the scars about spans share: their schema, and how they take what was traced.
#include <cstdint>
#include <optional>
#include <string_view>

#include <apm/spans.hpp>

#include "scar.hpp"

namespace scar {

APM_FIELDS(Said, (std::uint64_t, n), (std::optional<std::string_view>, text));

struct Traced : apm::schema<Traced> {
    static constexpr apm::scope scope{.name = "span scar"};
    span<Said>               step {this, "step", "One step"};
    span<apm::no_attributes> plain{this, "plain", "Without attributes"};
};
inline constexpr auto& traced = apm::instruments<Traced>;

inline std::uint64_t number_of(const apm::span_view& s) {
    std::uint64_t n = 0;
    s.attributes([&](const apm::attribute_view& a) {
        if (a.name() != "n") return;
        a.visit([&](const auto& v) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(v)>, std::int64_t>) n = static_cast<std::uint64_t>(v);
        });
    });
    return n;
}

// Calls f with every span that has ended; returns how many those were.
template <class F>
std::uint64_t drain(F&& f) {
    for (std::uint64_t n = 0;;) {
        const apm::span_batch batch = apm::drain_spans();
        if (batch.spans.empty()) return n;
        n += batch.spans.size();
        for (const apm::span_view& s : batch.spans) f(s);
    }
}
inline std::uint64_t drain() {
    return drain([](const apm::span_view&) {});
}

// All that was begun has come out, or was counted as dropped; nothing is under way.
inline void require_conserved() {
    const apm::span_totals t = apm::count_spans();
    require(t.started == t.drained + t.dropped(), "started == drained + dropped", t.started - t.drained - t.dropped());
}

}  // namespace scar
