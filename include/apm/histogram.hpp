// histogram: how values are distributed.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include <apm/buckets.hpp>
#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/clock.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/amount.hpp>
#include <apm/metrics/description.hpp>
#include <apm/metrics/exemplar.hpp>
#include <apm/metrics/handle.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/recording.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI {

template <class Row, mode M>
class timer;

// Per series a count for each bucket and a sum. Unit: a time takes std::chrono durations and nothing else; others take
// integers or doubles as the unit says. Any thread; a search without branches and two additions.
// A bound belongs to the bucket below it; what is above the last bound goes to +Inf. NaN and infinities, and negative
// values unless a bound is negative, are rejected and counted apart: they never enter a bucket or the sum.
// A row with exemplars looks, at each record, whether there is a sampled span.
template <class S, class Labels, class Unit, class Buckets>
struct histogram : row {
    static constexpr apm::kind instrument = kind::histogram;
    using labels_type = Labels;
    using amount = detail::amount_of<Unit>;
    using bucketing = detail::bucketing<Buckets, Unit>;

    constexpr histogram(row_list* schema, const char* row_name, const char* row_help, const row_options& given = {})
        : row(schema, kind::histogram, row_name, row_help, detail::labels<Labels>::info, Unit::info, &bucketing::info, given) {}

    // Counts `v`, in the row's unit, in the series of these labels.
    template <mode M = APM_MODE>
    APM_INLINE void record(const amount& v, const Labels& at) const {
        if constexpr (M == mode::on) put(v, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void record(const amount& v) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) put(v, no_labels{});
    }

    // The series of these labels, looked up once: see metrics/handle.hpp.
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE constexpr handle<histogram, M> with(const Labels& at) const {
        if constexpr (M == mode::on) return {detail::series_of<detail::description_of<S>>(*this, at)};
        else return {};
    }

    // Records the time from here to the end of the returned object's life. Rows in a unit of time. Two reads of
    // the clock that spans use (detail/clock.hpp), not of the time of day.
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
            if (!detail::finite(v.value)) [[unlikely]] return detail::reject<what>(*this);
        }
        if constexpr (!bucketing::negative) {
            if (v.value < 0) [[unlikely]] return detail::reject<what>(*this);
        } else if constexpr (!bucketing::floating) {
            if (v.value == detail::no_value) [[unlikely]] return detail::reject<what>(*this);
        }
        const std::uint64_t bucket = bucketing::search(v.value);
        if constexpr (std::same_as<Where, Labels> && detail::few_series<Labels>) {
            if (this->direct) [[likely]] return put_dense(detail::labels<Labels>::index(where), bucket, kept(v));
            if (!this->tabled) {
                const std::uint32_t number = detail::labels<Labels>::index(where);
                if (detail::sampled_span()) return put_in_span(number, bucket, kept(v));
                return put_dense(number, bucket, kept(v));
            }
        }
        if constexpr (std::same_as<Where, Labels>) {
            const auto key = detail::labels<Labels>::key_of(where);
            if (this->options.exemplars && detail::sampled_span())
                return put_in_span(detail::number_of_copy<what>(*this, key), bucket, kept(v));
            if (auto* at = detail::own_cells_of_key<what>(*this, key, typename detail::labels<Labels>::each_text{})) [[likely]]
                put_into(at, bucket, kept(v));
            else put_slowly(detail::place_of_copy<what>(*this, key), bucket, kept(v));
        } else {
            if (auto* at = detail::own_cells_of<what, Labels>(where)) [[likely]] put_into(at, bucket, kept(v));
            else put_anywhere(where, bucket, kept(v));
        }
    }
    template <class N>
    APM_INLINE void put_dense(std::uint32_t number, std::uint64_t bucket, N v) const {
        const std::uint32_t cell = this->first + number * this->width;
        detail::cell* const cells = detail::bound<what>.cells;
        if (!cells) [[unlikely]] return put_first(cell, bucket, v);
        put_into(cells + cell, bucket, v);
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
    // The slow path, which is right for every series; it alone keeps exemplars.
    template <class N>
    [[APM_HIDDEN, gnu::noinline]] static void put_anywhere(const detail::series& x, std::uint64_t bucket, N v) {
        put_slowly(detail::place_of<what>(x), bucket, v);
        if (x.of->options.exemplars)
            detail::keep_exemplar<what>(*x.of, x.cell, static_cast<std::uint32_t>(bucket), __builtin_bit_cast(std::uint64_t, v));
    }
    // Of a row with exemplars, while there is a sampled span.
    template <class N>
    [[APM_HIDDEN, gnu::noinline]] void put_in_span(std::uint32_t number, std::uint64_t bucket, N v) const {
        put_anywhere({this, number, detail::series::slow_path}, bucket, v);
    }
};

// What histogram::time() returns. stop() records now; cancel() records nothing. Neither copied nor moved.
template <class Row, mode M>
class timer {
public:
    APM_INLINE explicit timer(handle<Row, M> where)
        : where_(where), started_(detail::ticks_from_the_start(detail::process_root())) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    APM_INLINE ~timer() { stop(); }

    APM_INLINE void stop() {
        if (!running_) return;
        running_ = false;
        record();
    }
    APM_INLINE void cancel() { running_ = false; }

private:
    // Once for all timers of a row, rather than at each: beside a read of the clock a call is little, and its code is not.
    [[gnu::noinline, APM_HIDDEN]] void record() const {
        detail::root& r = detail::process_root();
        where_.record(detail::nanoseconds_passed{detail::elapsed_ns(r, started_, detail::ticks(r))});
    }
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
