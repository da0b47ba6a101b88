// series_view: one series of a row in a snapshot.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <apm/config.hpp>
#include <apm/detail/table.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/row.hpp>

namespace apm::inline APM_ABI {

// One series of a family. A view: valid as long as its snapshot.
class series_view {
public:
    series_view(const row& r, std::uint32_t closed, const detail::key* k, bool overflow, const std::uint64_t* cells,
                std::span<const apm::exemplar> exemplars = {})
        : row_(&r), key_(k), cells_(cells), exemplars_(exemplars.data()), closed_(closed),
          exemplar_count_(static_cast<std::uint16_t>(exemplars.size())), overflow_(overflow) {}

    // Calls f(name, value) for each label that has a value, in order of declaration; both are valid during that call only. The
    // overflow series has the one label that OpenTelemetry gives it.
    template <class F>
    void labels(F&& f) const;
    // The same, but each value is what it is: a bool, a std::int64_t (of an apm::range), else a std::string_view.
    template <class F>
    void typed_labels(F&& f) const;

    [[nodiscard]] bool is_overflow() const { return overflow_; }
    // As kept: `row.width` words. The same series with other words, for sums of series.
    [[nodiscard]] const std::uint64_t* words() const { return cells_; }
    [[nodiscard]] series_view with_words(const std::uint64_t* words) const {
        return {*row_, closed_, key_, overflow_, words, exemplars()};
    }
    [[nodiscard]] series_view with_exemplars(std::span<const apm::exemplar> all) const {
        return {*row_, closed_, key_, overflow_, cells_, all};
    }
    // Is this the series of that key? (What a row's labels come to: see metrics/labels.hpp.)
    [[nodiscard]] bool is(const detail::key_view& k) const {
        if (overflow_ || closed_ != k.closed) return false;
        return key_ ? key_->holds(key_->hash, k) : k.count == 0;
    }

    // Is the other, of the same row in another snapshot, this series?
    [[nodiscard]] bool is(const series_view& other) const {
        return closed_ == other.closed_ && key_ == other.key_ && overflow_ == other.overflow_;
    }

    // As kept, of counters that are not doubles.
    [[nodiscard]] std::uint64_t total() const { return cells_[0]; }
    // As kept: integers, or nanoseconds, of updowns and gauges that are not doubles.
    [[nodiscard]] std::int64_t integer() const { return static_cast<std::int64_t>(cells_[0]); }
    // In the row's unit, of anything but a histogram. Integers beyond 2^53 lose their last digits.
    [[nodiscard]] double real() const {
        if (row_->floating()) return __builtin_bit_cast(double, cells_[0]);
        if (row_->kind == kind::counter) return static_cast<double>(total()) / row_->unit->scale;
        return static_cast<double>(integer()) / row_->unit->scale;
    }

    // Of histograms, and of nothing else: one count per bound and one for +Inf, not cumulative.
    [[nodiscard]] std::span<const std::uint64_t> buckets() const { return {cells_, row_->buckets->count + 1u}; }
    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t n = 0;
        for (const std::uint64_t b : buckets()) n += b;
        return n;
    }
    [[nodiscard]] std::int64_t integer_sum() const { return static_cast<std::int64_t>(cells_[row_->buckets->count + 1]); }
    [[nodiscard]] double sum() const {  // in the row's unit
        if (row_->floating()) return __builtin_bit_cast(double, cells_[row_->buckets->count + 1]);
        // Where no value is negative, a sum beyond 2^63 (292 years) is not either.
        if (row_->buckets->bounds[0] < 0) return static_cast<double>(integer_sum()) / row_->unit->scale;
        return static_cast<double>(static_cast<std::uint64_t>(integer_sum())) / row_->unit->scale;
    }

    // Of rows that keep exemplars: at most one for each bucket, in their order; of counters one at most. Of a delta: those that
    // were recorded in its interval.
    [[nodiscard]] std::span<const apm::exemplar> exemplars() const { return {exemplars_, exemplar_count_}; }
    [[nodiscard]] std::optional<apm::exemplar> exemplar(std::size_t bucket = 0) const {
        for (const apm::exemplar& e : exemplars())
            if (e.bucket == bucket) return e;
        return std::nullopt;
    }

private:
    // By the words: each module has its own copy of bool_names, and no enumerator is called so.
    static bool is_bool(const label_domain& d) { return d.declared == 2 && d.names[0] == std::string_view("false"); }

    const row* row_;
    const detail::key* key_;        // of a tabled row
    const std::uint64_t* cells_;
    const apm::exemplar* exemplars_;
    std::uint32_t closed_;          // mixed-radix number of the closed labels
    std::uint16_t exemplar_count_;
    bool overflow_;
};

template <class F>
void series_view::typed_labels(F&& f) const {
    if (overflow_) return f(std::string_view("otel.metric.overflow"), true);
    const labels_info& all = *row_->labels;
    std::uint64_t divisor = all.product, rest = closed_;
    const char* text = key_ ? key_->bytes() : nullptr;
    const std::uint32_t* size = key_ ? key_->sizes() : nullptr;
    for (std::uint32_t i = 0; i < all.count; ++i) {
        const label_info& l = all.fields[i];
        const std::string_view name(l.name);
        if (l.open) {
            if (*size) f(name, std::string_view(text, *size));
            text += *size++;
            continue;
        }
        divisor /= l.radix;
        const auto ordinal = static_cast<std::uint32_t>(rest / divisor);
        rest %= divisor;
        if (l.optional && ordinal == l.radix - 1) continue;
        if (!l.domain->named) {
            if (ordinal < l.domain->declared) f(name, l.domain->first + std::int64_t{ordinal});
            else f(name, std::string_view("other"));
        } else if (const std::string_view value(l.domain->names[ordinal]); is_bool(*l.domain)) {
            f(name, value == "true");
        } else {
            f(name, value);
        }
    }
}

template <class F>
void series_view::labels(F&& f) const {
    typed_labels([&f](std::string_view name, const auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::same_as<Value, bool>) {
            f(name, std::string_view(value ? "true" : "false"));
        } else if constexpr (std::same_as<Value, std::int64_t>) {
            char digits[24];
            const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
            f(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
        } else {
            f(name, value);
        }
    });
}

}  // namespace apm::inline APM_ABI
