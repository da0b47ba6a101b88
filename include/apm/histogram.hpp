// histogram: how values are distributed.
#pragma once

#include <cstdint>

#include <apm/buckets.hpp>
#include <apm/recording.hpp>

namespace apm::inline APM_ABI {

template <class Row, mode M>
class timer;

// Per series a count for each bucket and a sum. Unit: a time takes std::chrono durations and nothing else; others take
// integers or doubles as the unit says. Any thread; a search without branches and two additions.
// A bound belongs to the bucket below it; what is above the last bound goes to +Inf. NaN and infinities, and negative
// values unless a bound is negative, are refused and counted apart: they never enter a bucket or the sum.
template <class S, class Labels, class Unit, class Buckets>
struct histogram : row {
    static constexpr apm::kind instrument = kind::histogram;
    using labels_type = Labels;
    using amount = detail::amount_of<Unit>;
    using bucketing = detail::bucketing<Buckets, Unit>;

    constexpr histogram(row_list* schema, const char* row_name, const char* row_help, const row_options& given = {})
        : row(schema, kind::histogram, row_name, row_help, detail::labels<Labels>::info, Unit::info, &bucketing::info, given) {}

    template <mode M = APM_MODE>
    APM_INLINE void record(const amount& v, const Labels& at) const {
        if constexpr (M == mode::on) put(v, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void record(const amount& v) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) put(v, no_labels{});
    }

    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE constexpr handle<histogram, M> with(const Labels& at) const {
        if constexpr (M == mode::on) return {detail::series_of<detail::description_of<S>>(*this, at)};
        else return {};
    }

    // Records the time from here to the end of the returned object's life, by the monotonic clock. Rows in a unit of time.
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE timer<histogram, M> time(const Labels& at) const
        requires(Unit::info.kept_as == number::nanoseconds)
    {
        return timer<histogram, M>(with<M>(at));
    }
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE timer<histogram, M> time() const
        requires(Unit::info.kept_as == number::nanoseconds && std::same_as<Labels, no_labels>)
    {
        return timer<histogram, M>(with<M>(no_labels{}));
    }

private:
    template <class Row, mode M>
    friend class handle;
    static constexpr const detail::description& what = detail::description_of<S>;
    static constexpr std::uint32_t sum_cell = bucketing::count + 1;

    APM_INLINE static auto kept(amount v) {
        if constexpr (bucketing::floating) return v.value;
        else return static_cast<std::uint64_t>(v.value);
    }
    APM_COLD static void put_first(std::uint32_t cell, std::uint64_t bucket, decltype(kept(std::declval<amount>())) v) {
        if (const auto p = detail::first_touch<what>(); p.at)
            put_slowly({p.at + cell, p.shared}, bucket, v);
    }
    template <class Where>
    APM_INLINE void put(const amount& v, const Where& where) const {
        if constexpr (bucketing::floating) {
            if (!detail::finite(v.value)) [[unlikely]] return detail::refuse<what>(*this);
        }
        if constexpr (!bucketing::negative) {
            if (v.value < 0) [[unlikely]] return detail::refuse<what>(*this);
        } else if constexpr (!bucketing::floating) {
            if (v.value == detail::no_value) [[unlikely]] return detail::refuse<what>(*this);
        }
        const std::uint64_t bucket = bucketing::search(v.value);
        if constexpr (std::same_as<Where, Labels> && detail::few_series<Labels>) {
            if (!this->tabled) [[likely]] {
                const std::uint32_t cell = this->first + detail::labels<Labels>::index(where) * this->width;
                detail::cell* const cells = detail::bound<what>.cells;
                if (!cells) [[unlikely]] return put_first(cell, bucket, kept(v));
                return put_into(cells + cell, bucket, kept(v));
            }
        }
        if constexpr (std::same_as<Where, Labels>) {
            const auto key = detail::labels<Labels>::key_of(where);
            if (auto* at = detail::own_cells_of_key<what>(*this, key, typename detail::labels<Labels>::each_text{})) [[likely]]
                put_into(at, bucket, kept(v));
            else put_slowly(detail::place_of_copy<what>(*this, key), bucket, kept(v));
        } else {
            if (auto* at = detail::own_cells_of<what, Labels>(where)) [[likely]] put_into(at, bucket, kept(v));
            else put_slowly(detail::place_of<what>(where), bucket, kept(v));
        }
    }
    template <class N>
    APM_INLINE static void put_into(detail::cell* at, std::uint64_t bucket, N v) {
        at[bucket].add(std::uint64_t{1});
        at[sum_cell].add(v);
    }
    template <class N>
    APM_COLD static void put_slowly(detail::place p, std::uint64_t bucket, N v) {
        if (p.at) p.add(static_cast<std::uint32_t>(bucket), std::uint64_t{1}), p.add(sum_cell, v);
    }
};

// What histogram::time() returns. stop() records now; cancel() records nothing. Neither copied nor moved.
template <class Row, mode M>
class timer {
public:
    APM_INLINE explicit timer(handle<Row, M> where) : where_(where), started_(detail::monotonic_ns()) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    APM_INLINE ~timer() { stop(); }

    APM_INLINE void stop() {
        if (running_) where_.record(detail::nanoseconds_passed{detail::monotonic_ns() - started_});
        running_ = false;
    }
    APM_INLINE void cancel() { running_ = false; }

private:
    handle<Row, M> where_;
    std::uint64_t started_;
    bool running_ = true;
};
template <class Row>
class timer<Row, mode::off> {
public:
    APM_INLINE explicit constexpr timer(handle<Row, mode::off>) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    APM_INLINE constexpr ~timer() {}
    APM_INLINE constexpr void stop() {}
    APM_INLINE constexpr void cancel() {}
};

}  // namespace apm::inline APM_ABI
