// Samplers that are replaced while others ask them, in memory that never grows: what control.hpp is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/hash.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/context.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/span_row.hpp>

namespace apm::inline APM_ABI::detail {

inline sampling_decision as_parent(const sampling_request& r) { return r.parent ? r.parent->sampled : true; }

// `s` asked, with what it has spent counted in `spent`: for a copy of a rate_limited(). Of a slower one that was there before, it
// could be far ahead of the clock; then it begins anew.
inline sampling_decision ask_and_spend(const sampler& s, const sampling_request& r, std::uint64_t& spent) {
    constexpr std::uint64_t second = 1'000'000'000;
    const auto is_of_another = [&s](std::uint64_t x) {
        return s.decide == sample_by_rate && x > monotonic_ns() + (s.number > second ? s.number : second);
    };
    std::uint64_t before = __atomic_load_n(&spent, __ATOMIC_RELAXED);
    for (;;) {
        const std::uint64_t had = s.spent = is_of_another(before) ? 0 : before;
        const sampling_decision v = s(r);
        if (s.spent == had) return v;
        if (__atomic_compare_exchange_n(&spent, &before, s.spent, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return v;
    }
}

// A sampler that changes. A reader sees the one before or the one after, whole. A writer fills the copy that no reader looks at,
// then turns to it: a fork in the middle leaves the old one. No thread waits.
class dynamic_sampler {
public:
    // One thread at a time.
    void set(const sampler& s) {
        const std::uint64_t next = turn_.load() + 1;
        copy& to = copies_[next & 1];
        to.decide.store_release(reinterpret_cast<std::uint64_t>(s.decide));
        to.number.store_release(s.number);
        to.data.store_release(reinterpret_cast<std::uint64_t>(s.data));
        turn_.store_release(next);
    }
    [[nodiscard]] sampler get() const {
        for (;;) {
            const std::uint64_t turn = turn_.load_acquire();
            const copy& from = copies_[turn & 1];
            const auto decide = reinterpret_cast<decltype(sampler::decide)>(from.decide.load_acquire());
            const std::uint64_t number = from.number.load_acquire();
            void* const data = from.data.template pointer_acquire<void>();
            if (turn_.load() == turn) return {decide, number, data};
        }
    }
    // Where there is none: `otherwise`, or as the parent.
    [[nodiscard]] sampling_decision ask(const sampling_request& r, const dynamic_sampler* otherwise = nullptr) const {
        const sampler s = get();
        if (s.decide) return ask_and_spend(s, r, spent_);
        return otherwise ? otherwise->ask(r) : as_parent(r);
    }

private:
    struct copy {
        cell decide{}, number{}, data{};
    };
    copy copies_[2];
    cell turn_{};
    mutable std::uint64_t spent_ = 0;
};

// Samplers of rows, by their names, up to a number of names in its life. A name is never forgotten.
class row_samplers {
public:
    explicit row_samplers(std::size_t most) : most_(most), places_(2 * most), rows_(std::make_unique<row[]>(2 * most)) {}

    row_samplers(const row_samplers&) = delete;
    row_samplers& operator=(const row_samplers&) = delete;
    ~row_samplers() {
        for (std::size_t i = 0; i < places_; ++i) free(rows_[i].name.template pointer<char>());
    }

    // One thread at a time. False where there is no room for another name, and of what is no name: an empty one, or with a zero
    // byte. One without `decide`: none any more.
    bool set(std::string_view name, const sampler& s) {
        if (name.empty() || name.find('\0') != name.npos) return false;
        row* const at = const_cast<row*>(place_of(name));
        if (!at->name.load()) {
            if (!s.decide) return true;
            char* const text = names_ < most_ ? static_cast<char*>(malloc(name.size() + 1)) : nullptr;
            if (!text) return false;
            std::memcpy(text, name.data(), name.size());
            text[name.size()] = '\0';
            ++names_;
            at->rule.set(s);
            at->name.publish(text);
        } else {
            if (at->rule.get().decide) in_use_.store(in_use_.load() - 1);
            at->rule.set(s);
        }
        if (s.decide) in_use_.store(in_use_.load() + 1);
        return true;
    }
    [[nodiscard]] bool has_room(std::size_t more) const { return names_ + more <= most_; }
    [[nodiscard]] bool knows(std::string_view name) const { return place_of(name)->name.load() != 0; }

    // Any thread. Null: none. It may be one without `decide`.
    [[nodiscard]] const dynamic_sampler* find(const char* name) const {
        if (in_use_.load() == 0) return nullptr;
        const row* const at = place_of(name);
        return at->name.load() ? &at->rule : nullptr;
    }
    template <class F>
    void each(F&& f) const {
        for (std::size_t i = 0; i < places_; ++i) {
            const char* const name = rows_[i].name.template pointer_acquire<const char>();
            if (const sampler s = rows_[i].rule.get(); name && s.decide) f(name, s);
        }
    }

private:
    struct row {
        cell name{};
        dynamic_sampler rule;
    };
    // Where the name is, or would be: half of the places are free.
    [[nodiscard]] const row* place_of(std::string_view name) const {
        std::uint64_t hash = fnv_basis;
        for (const char c : name) hash = fnv(hash, c);
        for (std::size_t i = hash % places_;; i = (i + 1) % places_) {
            const char* const there = rows_[i].name.template pointer_acquire<const char>();
            if (!there || name == there) return &rows_[i];
        }
    }
    std::size_t most_, places_, names_ = 0;
    std::unique_ptr<row[]> rows_;
    cell in_use_{};
};

}  // namespace apm::inline APM_ABI::detail
